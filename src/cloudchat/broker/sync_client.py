"""A blocking client of the store, for the command line: one connection, and a time limit on every call."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cloudchat.broker.broker import BrokerUnavailable

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


def redact_url(url: str) -> str:
    """Return a store's URL without user, password, query and fragment, for a log or an error message.

    The query is removed because redis-py also accepts the password there.
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "(unreadable URL)"
    return f"{parts.scheme}://{host}{parts.path}"
