import pytest

from cloudchat.client.protocol.reconnect_policy import (
    BACK_OFF_SECONDS,
    STABLE_SECONDS,
    ReconnectPolicy,
    recovery_after_close,
    recovery_after_refusal,
)
from cloudchat.protocol.close_codes import CloseCode, Recovery


def policy(rand: float = 0.5) -> ReconnectPolicy:
    return ReconnectPolicy(base_seconds=1, max_seconds=30, rand=lambda: rand)


def test_the_bound_doubles_up_to_the_maximum() -> None:
    waits = [policy(0.5).full_jitter(attempt) for attempt in (0, 1, 2, 5, 6, 1000)]
    assert waits == [0.5, 1, 2, 15, 15, 15]


def test_delays_spread_from_zero_to_the_bound() -> None:
    assert policy(0.0).delay(Recovery.RETRY, 0) == 0
    assert policy(0.999).delay(Recovery.RETRY, 0) == pytest.approx(0.999)


def test_a_short_connection_does_not_reset_the_attempts() -> None:
    one = policy()
    for expected in (0.5, 1, 2):
        one.opened(100)
        assert one.delay(Recovery.RETRY, 101) == expected


def test_a_server_that_is_away_is_tried_again_within_the_time_of_its_welcome() -> None:
    one = policy(1)
    assert [one.delay(Recovery.RETRY, 0) for _ in range(4)] == [1, 2, 3, 3]
    one.opened(0, 20)
    assert [one.delay(Recovery.RETRY, 100) for _ in range(6)] == [1, 2, 4, 8, 16, 20]


def test_a_stable_connection_resets_the_attempts() -> None:
    one = policy()
    one.delay(Recovery.RETRY, 0)
    one.delay(Recovery.RETRY, 0)
    one.opened(100)
    assert one.delay(Recovery.RETRY, 100 + STABLE_SECONDS) == 0.5


def test_the_delay_that_the_server_named_is_used() -> None:
    assert policy().delay(Recovery.RETRY, 0, server_delay_seconds=1.75) == 1.75


def test_retry_now_has_no_delay_only_at_the_first_attempt() -> None:
    one = policy()
    assert one.delay(Recovery.RETRY_NOW, 0) == 0
    assert one.delay(Recovery.RETRY_NOW, 0) > 0


def test_back_off_has_a_minimum_delay() -> None:
    assert policy(0.0).delay(Recovery.BACK_OFF, 0) == BACK_OFF_SECONDS


@pytest.mark.parametrize(
    ("code", "recovery"),
    [
        (None, Recovery.RETRY),
        (1006, Recovery.RETRY),
        (CloseCode.SERVICE_RESTART, Recovery.RETRY),
        (CloseCode.UNSUPPORTED_DATA, Recovery.STOP),
        (CloseCode.INVALID_TEXT, Recovery.STOP),
        (CloseCode.TOO_LARGE, Recovery.STOP),
        (CloseCode.BAD_COMMANDS, Recovery.STOP),
        (CloseCode.TOKEN_INVALID, Recovery.REFRESH),
        (CloseCode.ACCOUNT_DISABLED, Recovery.STOP),
        (CloseCode.TOO_SLOW, Recovery.RETRY_NOW),
        (CloseCode.REPLACED, Recovery.STOP),
        (CloseCode.FLOODING, Recovery.BACK_OFF),
        (CloseCode.STORE_UNAVAILABLE, Recovery.BACK_OFF),
    ],
)
def test_recovery_after_each_close_code(code: int | None, recovery: Recovery) -> None:
    assert recovery_after_close(code) is recovery


def test_recovery_after_a_refused_handshake() -> None:
    assert recovery_after_refusal(401) is Recovery.REFRESH
    assert recovery_after_refusal(403) is Recovery.STOP
    assert recovery_after_refusal(503) is Recovery.BACK_OFF
    assert recovery_after_refusal(502) is Recovery.RETRY
