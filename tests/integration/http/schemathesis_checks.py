"""Hooks and a check for schemathesis, which imports this file (SCHEMATHESIS_HOOKS)."""

import os
import unicodedata
from collections.abc import Callable
from typing import Any

import schemathesis

from cloudchat.archive.search.query import parse_query
from cloudchat.auth.errors import InvalidField
from cloudchat.auth.passwords.blocklist import is_guessable
from cloudchat.auth.passwords.policy import MAX_CHARACTERS, MIN_CHARACTERS
from cloudchat.auth.usernames import clean_username
from cloudchat.core.message_text import text_error
from cloudchat.protocol.events import Limits
from cloudchat.rooms.names import clean_name, clean_reason, clean_topic


def _is_invalid_username(name: str) -> bool:
    try:
        clean_username(name)
    except InvalidField:
        return True
    return False


def _is_invalid_password(password: str) -> bool:
    normal = unicodedata.normalize("NFKC", password)  # the schema bounds the length before
    return not password.isprintable() or not MIN_CHARACTERS <= len(normal) <= MAX_CHARACTERS or is_guessable(normal, "")


def _is_refused_by(clean: Callable[[str], str], text: str) -> bool:
    try:
        clean(text)
    except InvalidField:
        return True
    return False


def _has_words(query: str) -> bool:
    try:
        parse_query(query)
    except InvalidField:
        return False
    return True


_Rule = Callable[[dict[str, Any]], bool]


def _direct_room_with(field: str) -> _Rule:
    return lambda body: body["kind"] == "direct" and bool(body.get(field))


_RULES: dict[str, dict[str, _Rule]] = {
    "POST /api/auth/register": {
        "username": lambda body: _is_invalid_username(body["username"]),
        "password": lambda body: _is_invalid_password(body["password"]),
    },
    "POST /api/auth/password": {"new_password": lambda body: _is_invalid_password(body["new_password"])},
    "POST /api/admin/users": {"username": lambda body: _is_invalid_username(body["username"])},
    "POST /api/admin/tokens": {"label": lambda body: not body["label"].isprintable()},
    "POST /api/admin/invites": {"label": lambda body: not body["label"].isprintable()},
    "POST /api/rooms": {
        "name": lambda body: _direct_room_with("name")(body) or _is_refused_by(clean_name, body.get("name") or ""),
        "topic": lambda body: _direct_room_with("topic")(body) or _is_refused_by(clean_topic, body.get("topic") or ""),
        "users": lambda body: True,  # ids of users that do not exist
    },
    "PATCH /api/rooms/{room_id}": {
        "name": lambda body: _is_refused_by(clean_name, body["name"]),
        "topic": lambda body: _is_refused_by(clean_topic, body["topic"]),
    },
    "PUT /api/rooms/{room_id}/mutes/{user_id}": {"reason": lambda body: _is_refused_by(clean_reason, body["reason"])},
    "PUT /api/rooms/{room_id}/bans/{user_id}": {"reason": lambda body: _is_refused_by(clean_reason, body["reason"])},
    "POST /api/rooms/{room_id}/messages": {
        "text": lambda body: text_error(body["text"], Limits().text_chars) is not None
    },
}
"""Rules that a JSON schema cannot express: Unicode categories and look-alikes, a blocklist, printable characters, and
what depends on another field or on the database.
"""
_SEARCH = "GET /api/search"
_HISTORY = "GET /api/rooms/{room_id}/history"
_POSITIONS = ("before", "after", "around")


@schemathesis.check
def rejected_only_for_rules_outside_of_the_schema(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """A 422 to valid data is allowed only for these rules; schemathesis.toml excludes it from the other checks."""
    if case.operation.label == _HISTORY and response.status_code == 422 and case.meta is not None:
        is_valid = case.meta.generation.mode.is_positive
        assert not is_valid or sum(name in case.query for name in _POSITIONS) > 1, "one position was rejected"
        return
    if case.operation.label == _SEARCH and response.status_code == 422 and case.meta is not None:
        is_valid = case.meta.generation.mode.is_positive
        assert not is_valid or not _has_words(case.query["q"]), "words that can be found were rejected"
        return
    rules = _RULES.get(case.operation.label)
    if rules is None or response.status_code != 422 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    field = response.json()["error"]["field"]
    assert field in rules, f"rejected because of {field}, which the schema allows"
    assert isinstance(case.body, dict)
    assert rules[field](case.body), f"rejected because of {field}, which is valid"


@schemathesis.hook
def before_call(ctx: schemathesis.HookContext, case: schemathesis.Case[Any], arguments: dict[str, Any]) -> None:
    """Keep it from ending its own session, whose id it learns from responses: later requests would be anonymous."""
    if case.path_parameters.get("session_id") == os.environ["OWN_SESSION"]:
        case.path_parameters["session_id"] = "another"
