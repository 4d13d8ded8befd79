"""Hooks and a check for schemathesis, which imports this file (SCHEMATHESIS_HOOKS)."""

import os
import unicodedata
from collections.abc import Callable
from typing import Any

import schemathesis

from cloudchat.auth.errors import InvalidField
from cloudchat.auth.passwords.blocklist import is_guessable
from cloudchat.auth.passwords.policy import MAX_CHARACTERS, MIN_CHARACTERS
from cloudchat.auth.usernames import clean_username
from cloudchat.core.message_text import text_error
from cloudchat.protocol.events import Limits


def _is_invalid_username(name: str) -> bool:
    try:
        clean_username(name)
    except InvalidField:
        return True
    return False


def _is_invalid_password(password: str) -> bool:
    normal = unicodedata.normalize("NFKC", password)  # the schema bounds the length before
    return not password.isprintable() or not MIN_CHARACTERS <= len(normal) <= MAX_CHARACTERS or is_guessable(normal, "")


_RULES: dict[str, dict[str, Callable[[str], bool]]] = {
    "POST /api/auth/register": {"username": _is_invalid_username, "password": _is_invalid_password},
    "POST /api/auth/password": {"new_password": _is_invalid_password},
    "POST /api/admin/users": {"username": _is_invalid_username},
    "POST /api/admin/tokens": {"label": lambda label: not label.isprintable()},
    "POST /api/rooms/{room}/messages": {"text": lambda text: text_error(text, Limits().text_chars) is not None},
}
"""Rules that a JSON schema cannot express: Unicode categories and look-alikes, a blocklist, printable characters."""
_HISTORY = "GET /api/rooms/{room}/history"
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
    rules = _RULES.get(case.operation.label)
    if rules is None or response.status_code != 422 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    field = response.json()["error"]["field"]
    assert field in rules, f"rejected because of {field}, which the schema allows"
    assert isinstance(case.body, dict)
    value = case.body[field]
    assert isinstance(value, str)
    assert rules[field](value), f"rejected because of {field}, which is valid"


@schemathesis.hook
def before_call(ctx: schemathesis.HookContext, case: schemathesis.Case[Any], arguments: dict[str, Any]) -> None:
    """Keep it from ending its own session, whose id it learns from responses: later requests would be anonymous."""
    if case.path_parameters.get("session_id") == os.environ["OWN_SESSION"]:
        case.path_parameters["session_id"] = "another"
