"""The circuit breaker: skips the store after a failure, tries it with one call, logs each outage once."""

import logging

import pytest

from cloudchat.rate_limiting.circuit_breaker import OPEN_SECONDS, CircuitBreaker


@pytest.fixture
def breaker(caplog: pytest.LogCaptureFixture) -> CircuitBreaker:
    caplog.set_level(logging.INFO, "cloudchat.rate_limiting.circuit_breaker")
    return CircuitBreaker("logins")


def test_allows_every_call_while_the_store_answers(breaker: CircuitBreaker) -> None:
    for second in range(10):
        assert breaker.allows_call(float(second))
        breaker.success()


def test_skips_the_store_after_a_failure(breaker: CircuitBreaker) -> None:
    assert breaker.allows_call(100.0)
    breaker.failure(100.25, TimeoutError())
    assert not breaker.allows_call(100.25)
    assert not breaker.allows_call(100.25 + OPEN_SECONDS - 0.001)


def test_one_call_tries_the_store_after_the_pause(breaker: CircuitBreaker) -> None:
    breaker.failure(100.0, TimeoutError())
    assert [breaker.allows_call(100.0 + OPEN_SECONDS) for _ in range(3)] == [True, False, False]
    breaker.success()
    assert breaker.allows_call(100.0 + OPEN_SECONDS)


def test_another_call_tries_the_store_if_the_first_one_reports_nothing(breaker: CircuitBreaker) -> None:
    """A cancelled handshake reports neither a success nor a failure."""
    breaker.failure(100.0, TimeoutError())
    assert breaker.allows_call(100.0 + OPEN_SECONDS)
    assert breaker.allows_call(100.0 + 2 * OPEN_SECONDS)


def test_a_failed_try_starts_another_pause(breaker: CircuitBreaker) -> None:
    breaker.failure(100.0, TimeoutError())
    assert breaker.allows_call(106.0)
    breaker.failure(106.0, TimeoutError())
    assert not breaker.allows_call(106.0 + OPEN_SECONDS - 0.001)
    assert breaker.allows_call(106.0 + OPEN_SECONDS)


def test_logs_the_start_and_the_end_of_an_outage_once(
    breaker: CircuitBreaker, caplog: pytest.LogCaptureFixture
) -> None:
    breaker.failure(100.0, ConnectionError("redis://:secret@host"))
    for second in (100.1, 106.0, 112.0):
        breaker.failure(second, TimeoutError())
    breaker.success()
    breaker.success()
    assert [record.getMessage() for record in caplog.records] == [
        "the store does not count (ConnectionError): logins are counted by this process alone",
        "the store counts again: logins are counted by all processes together",
    ]
