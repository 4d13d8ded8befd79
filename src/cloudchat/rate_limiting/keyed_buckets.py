"""Token buckets by key, such as a client network or a user, in bounded memory."""

from collections import OrderedDict

from cloudchat.rate_limiting.token_bucket import TokenBucket

MAX_KEYS = 20_000
"""About 5 MB. Beyond, the bucket that was used longest ago is forgotten, and its key has a full one again."""


class KeyedBuckets:
    """Creates a bucket for each key at its first use. All times are in seconds of a monotonic clock."""

    def __init__(self, capacity: float, per_second: float, *, max_keys: int = MAX_KEYS) -> None:
        self._capacity = capacity
        self._per_second = per_second
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._buckets)

    def bucket(self, key: str, now: float) -> TokenBucket:
        """Return the bucket of a key."""
        found = self._buckets.get(key)
        if found is None:
            found = self._buckets[key] = TokenBucket(self._capacity, self._per_second, now)
            if len(self._buckets) > self._max_keys:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return found

    def take(self, key: str, now: float) -> int:
        """Take one token of a key. Return 0, or the milliseconds until there is one."""
        return self.bucket(key, now).take(now)
