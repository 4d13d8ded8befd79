"""What schemathesis is told about this API, and a check of its own. It imports this file: SCHEMATHESIS_HOOKS."""

import os
from collections.abc import Callable
from typing import Any

import schemathesis

from cloudchat.auth.errors import InvalidField
from cloudchat.auth.passwords.policy import is_guessable
from cloudchat.auth.usernames import clean_username


def _no_username(name: str) -> bool:
    try:
        clean_username(name)
    except InvalidField:
        return True
    return False


def _no_password(password: str) -> bool:
    return not password.isprintable() or len(password) > 256 or is_guessable(password, "")


_RULES: dict[str, dict[str, Callable[[str], bool]]] = {
    "POST /api/auth/register": {"username": _no_username, "password": _no_password},
    "POST /api/admin/users": {"username": _no_username},
    "POST /api/admin/tokens": {"label": lambda label: not label.isprintable()},
}
"""Unicode's categories and look-alikes, a blocklist, what is printable: reasons that no schema can say."""


@schemathesis.check
def refused_only_for_what_no_schema_can_say(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """The other half of the exceptions in schemathesis.toml."""
    rules = _RULES.get(case.operation.label)
    if rules is None or response.status_code != 422 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    field = response.json()["error"]["field"]
    assert field in rules, f"refused for {field}, which the schema allows"
    assert isinstance(case.body, dict)
    assert rules[field](case.body[field]), f"refused for {field}, which is as it should be"


@schemathesis.hook
def before_call(ctx: schemathesis.HookContext, case: schemathesis.Case, arguments: dict[str, Any]) -> None:
    """It learns ids from answers: if it ended its own session, all the rest would be asked by nobody."""
    if case.path_parameters.get("session_id") == os.environ["OWN_SESSION"]:
        case.path_parameters["session_id"] = "another"
