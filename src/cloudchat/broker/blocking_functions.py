"""Calls of Redis Functions for threads: the blocking counterpart of `RedisFunctions`."""

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cloudchat.broker.broker import BrokerUnavailable


class BlockingFunctions:
    """Calls the functions of one library. Every call is bounded in time. Thread-safe."""

    def __init__(self, url: str, *, library: str, seconds: float) -> None:
        """`library` is the source (Lua). `seconds` limits each read and write of the connection."""
        self._library = library
        # Without retries: redis-py's default ones would count twice.
        self._redis = redis.Redis.from_url(
            url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=Retry(NoBackoff(), 0), protocol=2
        )

    def call(self, function: str, key: str, *arguments: str | bytes | int) -> Any:
        """Call a function with one key, which is one atomic step.

        Loads the library and repeats the call if the store does not know the function. Raises `BrokerUnavailable`.
        """
        command = ("FCALL", function, 1, key, *arguments)
        try:
            try:
                return self._redis.execute_command(*command)  # type: ignore[no-untyped-call]
            except redis.ResponseError as error:
                if "Function not found" not in str(error):
                    raise
                self._redis.function_load(self._library, replace=True)
                return self._redis.execute_command(*command)  # type: ignore[no-untyped-call]
        except (redis.RedisError, OSError) as error:
            raise BrokerUnavailable(f"a call to the store failed: {error}") from error
