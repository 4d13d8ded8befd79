import pytest

from cloudchat.client.close_rules import Reaction, after_close, after_refusal
from cloudchat.client.reconnect_policy import BACK_OFF_FLOOR_SECONDS, STABLE_SECONDS, ReconnectPolicy
from cloudchat.protocol.close_codes import CloseCode


def policy(rand: float = 0.5) -> ReconnectPolicy:
    return ReconnectPolicy(first_bound=1, last_bound=30, rand=lambda: rand)


def test_bounds_double_up_to_the_last_one() -> None:
    waits = [policy(0.5).jitter(attempt) for attempt in (0, 1, 2, 5, 6, 1000)]
    assert waits == [0.5, 1, 2, 15, 15, 15]


def test_a_crowd_is_spread_over_the_whole_bound() -> None:
    assert policy(0.0).delay(Reaction.RETRY, 0) == 0
    assert policy(0.999).delay(Reaction.RETRY, 0) == pytest.approx(0.999)


def test_welcome_alone_does_not_reset_the_attempts() -> None:
    one = policy()
    for expected in (0.5, 1, 2):
        one.opened(100)
        assert one.delay(Reaction.RETRY, 101) == expected


def test_a_connection_that_lasted_resets_the_attempts() -> None:
    one = policy()
    one.delay(Reaction.RETRY, 0)
    one.delay(Reaction.RETRY, 0)
    one.opened(100)
    assert one.delay(Reaction.RETRY, 100 + STABLE_SECONDS) == 0.5


def test_the_servers_own_delay_is_kept() -> None:
    assert policy().delay(Reaction.RETRY, 0, asked=1.75) == 1.75


def test_who_was_too_slow_comes_back_at_once_but_not_in_a_loop() -> None:
    one = policy()
    assert one.delay(Reaction.RETRY_NOW, 0) == 0
    assert one.delay(Reaction.RETRY_NOW, 0) > 0


def test_backing_off_has_a_floor() -> None:
    assert policy(0.0).delay(Reaction.BACK_OFF, 0) == BACK_OFF_FLOOR_SECONDS


@pytest.mark.parametrize(
    ("code", "reaction"),
    [
        (None, Reaction.RETRY),
        (1006, Reaction.RETRY),
        (CloseCode.SERVICE_RESTART, Reaction.RETRY),
        (CloseCode.UNSUPPORTED_DATA, Reaction.STOP),
        (CloseCode.INVALID_TEXT, Reaction.STOP),
        (CloseCode.TOO_LARGE, Reaction.STOP),
        (CloseCode.BAD_COMMANDS, Reaction.STOP),
        (CloseCode.TOKEN_INVALID, Reaction.REFRESH),
        (CloseCode.ACCOUNT_DISABLED, Reaction.STOP),
        (CloseCode.TOO_SLOW, Reaction.RETRY_NOW),
        (CloseCode.REPLACED, Reaction.STOP),
        (CloseCode.FLOODING, Reaction.BACK_OFF),
        (CloseCode.STORE_UNAVAILABLE, Reaction.BACK_OFF),
    ],
)
def test_close_codes(code: int | None, reaction: Reaction) -> None:
    assert after_close(code) is reaction


def test_refused_upgrades() -> None:
    assert after_refusal(401) is Reaction.REFRESH
    assert after_refusal(403) is Reaction.STOP
    assert after_refusal(503) is Reaction.BACK_OFF
    assert after_refusal(502) is Reaction.RETRY
