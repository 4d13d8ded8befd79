from cloudchat.rate_limiting.keyed_buckets import KeyedBuckets


def test_each_key_has_a_bucket_of_its_own() -> None:
    buckets = KeyedBuckets(2, 1)
    assert [buckets.take("a", 0) > 0 for _ in range(3)] == [False, False, True]
    assert buckets.take("b", 0) == 0
    assert buckets.take("a", 1) == 0


def test_the_key_used_longest_ago_is_forgotten() -> None:
    buckets = KeyedBuckets(1, 0.001, max_keys=2)
    for key in ("a", "b", "a", "c"):
        buckets.take(key, 0)
    assert len(buckets) == 2
    assert buckets.take("a", 0) > 0
    assert buckets.take("b", 0) == 0
