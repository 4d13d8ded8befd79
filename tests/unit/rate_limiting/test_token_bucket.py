from cloudchat.rate_limiting.token_bucket import TokenBucket


def test_gives_its_capacity_at_once_and_then_at_its_rate():
    bucket = TokenBucket(capacity=3, per_second=2, now=100)
    assert [bucket.take(100) for _ in range(3)] == [0, 0, 0]
    wait = bucket.take(100)
    assert 500 <= wait <= 501
    assert bucket.take(100 + wait / 1000) == 0


def test_a_refusal_costs_nothing():
    bucket = TokenBucket(capacity=1, per_second=1, now=0)
    bucket.take(0)
    for _ in range(100):
        bucket.take(0.5)
    assert bucket.take(1.0) == 0


def test_never_holds_more_than_its_capacity():
    bucket = TokenBucket(capacity=2, per_second=10, now=0)
    assert [bucket.take(3600) > 0 for _ in range(3)] == [False, False, True]


def test_a_clock_that_goes_back_gives_nothing():
    bucket = TokenBucket(capacity=1, per_second=1, now=10)
    bucket.take(10)
    assert bucket.take(5) > 0
    assert bucket.take(10.5) > 0
