"""redis-py for backups and the doctor, which need many commands: one connection, and a time limit on every call."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cloudchat.broker.connections import BrokerUnavailable

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
"""Longer than in the server: a store that rewrites a large log may answer late, and here no user waits for it."""


@contextmanager
def open_client(
    url: str, *, connect_seconds: float = CONNECT_SECONDS, answer_seconds: float = ANSWER_SECONDS
) -> "Iterator[redis.Redis]":
    """Open a client for the length of a block. Its replies are bytes.

    Raises BrokerUnavailable for every error of the store, also one inside the block; ValueError for an invalid URL.
    """
    with redis.Redis.from_url(
        url, socket_connect_timeout=connect_seconds, socket_timeout=answer_seconds, retry=Retry(NoBackoff(), 0)
    ) as client:
        try:
            yield client
        except (redis.RedisError, OSError) as error:
            raise BrokerUnavailable(" ".join(str(error).split()) or type(error).__name__) from error
