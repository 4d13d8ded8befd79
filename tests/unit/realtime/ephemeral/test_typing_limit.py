"""How often `typing` is announced."""

from cloudchat.realtime.ephemeral.typing_limit import (
    INTERVAL_SECONDS,
    MAX_JITTER_SECONDS,
    MAX_TYPISTS,
    PUSHES_PER_SECOND,
    TypingLimit,
)


def test_a_typist_is_announced_once_per_interval_and_room() -> None:
    limit = TypingLimit(0.0)
    assert limit.announce("lobby", "ann", 0.0)
    assert not limit.announce("lobby", "ann", INTERVAL_SECONDS - 0.1)
    assert limit.announce("garden", "ann", 1.0)
    assert limit.announce("lobby", "bob", 1.0)
    assert limit.announce("lobby", "ann", INTERVAL_SECONDS)


def test_signals_that_arrive_a_little_closer_together_than_they_were_sent_are_announced() -> None:
    limit = TypingLimit(0.0, INTERVAL_SECONDS - MAX_JITTER_SECONDS)
    assert limit.announce("lobby", "ann", 0.1)
    assert limit.announce("lobby", "ann", INTERVAL_SECONDS)
    assert not limit.announce("lobby", "ann", INTERVAL_SECONDS + 1.0)


def test_typing_that_would_cost_too_many_pushes_is_dropped() -> None:
    limit = TypingLimit(0.0)
    announced = [limit.announce("lobby", f"user {number}", 0.0, pushes=5000) for number in range(200)]
    assert announced.count(True) == PUSHES_PER_SECOND // 5000
    assert limit.announce("lobby", "user 199", 1.0, pushes=5000)


def test_the_number_of_remembered_typists_is_bounded() -> None:
    limit = TypingLimit(0.0)
    assert all(limit.announce("lobby", f"user {number}", 0.0) for number in range(MAX_TYPISTS))
    assert not limit.announce("lobby", "another", 0.0)
    assert limit.announce("lobby", "another", INTERVAL_SECONDS)
