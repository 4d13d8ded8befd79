"""The decision about a presented refresh token, from its state alone."""

import pytest

from cloudchat.auth.sessions.refresh_rotation import MAX_SUCCESSORS, Decision, RefreshTokenState, decide

NOW = 1_800_000_000.0
GRACE_SECONDS = 10.0
RECENTLY, LONG_AGO = NOW - GRACE_SECONDS, NOW - GRACE_SECONDS - 0.1

CASES: dict[str, tuple[RefreshTokenState, Decision]] = {
    "unused": (RefreshTokenState(None, None, 0, False), Decision.ROTATE),
    "unused, its sibling was used within the grace period": (
        RefreshTokenState(None, RECENTLY, 0, False),
        Decision.WAIT,
    ),
    "unused, its sibling was used before the grace period": (
        RefreshTokenState(None, LONG_AGO, 0, False),
        Decision.REVOKE,
    ),
    "used within the grace period": (RefreshTokenState(RECENTLY, None, 1, False), Decision.ROTATE),
    "used before the grace period": (RefreshTokenState(LONG_AGO, None, 1, False), Decision.REVOKE),
    "used within the grace period, its successor too": (RefreshTokenState(RECENTLY, None, 1, True), Decision.WAIT),
    "used within the grace period, with all successors": (
        RefreshTokenState(RECENTLY, None, MAX_SUCCESSORS, False),
        Decision.WAIT,
    ),
    "used before the grace period, with all successors": (
        RefreshTokenState(LONG_AGO, None, MAX_SUCCESSORS, True),
        Decision.REVOKE,
    ),
}


@pytest.mark.parametrize(("token", "decision"), CASES.values(), ids=CASES.keys())
def test_decision_follows_from_the_state_of_the_token(token: RefreshTokenState, decision: Decision) -> None:
    assert decide(token, NOW, GRACE_SECONDS) is decision
