"""Passwords that the server makes."""

import pytest

from cloudchat.auth.errors import InvalidField
from cloudchat.auth.passwords import policy


def test_a_one_time_password_is_one_that_the_policy_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of 700 was refused, and the first start of a server failed."""
    refused, accepted = "24vsf-9y973-7sb66-dw222", "kmwqz-trbxa-phdgf-vncej"
    with pytest.raises(InvalidField):
        policy.validate_strength(refused, username="admin")
    candidates = iter([refused, refused, accepted])
    monkeypatch.setattr(policy, "typeable_secret", lambda groups: next(candidates))
    assert policy.new_one_time_password() == accepted
