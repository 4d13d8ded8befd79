"""Passwords that the server makes, and the advice of the page about those that people choose."""

import json
from pathlib import Path

import pytest

from cloudchat.auth.errors import InvalidField
from cloudchat.auth.passwords import policy

PASSWORDS: dict[str, list[str]] = json.loads((Path(__file__).parents[3] / "fixtures" / "passwords.json").read_text())


def test_a_one_time_password_is_one_that_the_policy_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of 700 was refused, and the first start of a server failed."""
    refused, accepted = "24vsf-9y973-7sb66-dw222", "kmwqz-trbxa-phdgf-vncej"
    with pytest.raises(InvalidField):
        policy.validate_strength(refused, username="admin")
    candidates = iter([refused, refused, accepted])
    monkeypatch.setattr(policy, "typeable_secret", lambda groups: next(candidates))
    assert policy.new_one_time_password() == accepted


@pytest.mark.parametrize(("verdict", "is_accepted"), [("short", False), ("repeated", False), ("good", True)])
def test_the_advice_of_the_page_agrees_with_the_policy(verdict: str, is_accepted: bool) -> None:
    """The page rates the same passwords (tests/frontend/passwords/password_strength.test.js)."""
    assert {password: _is_accepted(password) for password in PASSWORDS[verdict]} == dict.fromkeys(
        PASSWORDS[verdict], is_accepted
    )


def _is_accepted(password: str) -> bool:
    try:
        policy.validate_strength(policy.validate_characters(password), username="ada")
    except InvalidField:
        return False
    return True
