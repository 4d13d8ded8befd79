"""The token bucket: bursts up to its capacity, then a constant rate."""

from cloudchat.rate_limiting.token_bucket import TokenBucket


def test_gives_its_capacity_immediately_and_then_at_its_rate() -> None:
    bucket = TokenBucket(capacity=3, per_second=2, now=100)
    assert [bucket.take(100) for _ in range(3)] == [0, 0, 0]
    wait_ms = bucket.take(100)
    assert 500 <= wait_ms <= 501
    assert bucket.take(100 + wait_ms / 1000) == 0


def test_a_rejected_call_costs_nothing() -> None:
    bucket = TokenBucket(capacity=1, per_second=1, now=0)
    bucket.take(0)
    for _ in range(100):
        bucket.take(0.5)
    assert bucket.take(1.0) == 0


def test_never_holds_more_than_its_capacity() -> None:
    bucket = TokenBucket(capacity=2, per_second=10, now=0)
    assert [bucket.take(3600) > 0 for _ in range(3)] == [False, False, True]


def test_a_clock_that_goes_backwards_adds_nothing() -> None:
    bucket = TokenBucket(capacity=1, per_second=1, now=10)
    bucket.take(10)
    assert bucket.take(5) > 0
    assert bucket.take(10.5) > 0


def test_an_overdrawn_bucket_has_to_be_filled_first() -> None:
    bucket = TokenBucket(capacity=10, per_second=5, now=0)
    assert bucket.wait_ms(0) == 0
    bucket.overdraw(19, 0)
    assert bucket.missing(0) == 19
    assert bucket.take(1) > 0
    wait_ms = bucket.wait_ms(0)
    assert 0 < wait_ms <= 1002
    assert bucket.wait_ms(wait_ms / 1000 + 1) == 0
    assert bucket.missing(3600) == 0
