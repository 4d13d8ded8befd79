"""The store for commands that run beside the server and may wait: one connection, every call bounded in time."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cloudchat.broker.broker import BrokerUnavailable

ANSWER_SECONDS = 30.0
"""Not the server's patience: a store that writes a large log anew may take its time, and nobody is kept waiting."""


@contextmanager
def open_client(url: str) -> "Iterator[redis.Redis]":
    """A client for one block; replies are bytes. Raises BrokerUnavailable for whatever goes wrong in the block."""
    with redis.Redis.from_url(
        url, socket_connect_timeout=5, socket_timeout=ANSWER_SECONDS, retry=Retry(NoBackoff(), 0)
    ) as store:
        try:
            yield store
        except (redis.RedisError, OSError) as problem:
            raise BrokerUnavailable(" ".join(str(problem).split()) or type(problem).__name__) from problem
