"""Is the store at CLOUDCHAT_REDIS_URL one that the guarantee can rest on? Asked once, before anything else starts."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cloudchat.broker.redis_functions import MIN_MAJOR_VERSION
from cloudchat.broker.sync_client import redact_url

_NEEDED = {
    "appendonly": ("yes", "messages live in memory only, a restart of the store loses them all"),
    "appendfsync": ("always", "a power cut can lose messages that were acknowledged"),
    "maxmemory-policy": ("noeviction", "a full store throws messages away without a word"),
}


class StoreUnusable(Exception):
    """The store can't be used. The message is one line for the operator and names the mend."""


def check_store(url: str) -> list[str]:
    """Connect and look at version and settings; returns a warning for each setting that weakens the guarantee.

    Blocks for a few seconds at most. Raises StoreUnusable.
    """
    shown = redact_url(url)
    try:
        client = redis.Redis.from_url(
            url, socket_connect_timeout=3, socket_timeout=3, retry=Retry(NoBackoff(), 0), decode_responses=True
        )
    except (ValueError, TypeError) as error:
        raise StoreUnusable(
            f"CLOUDCHAT_REDIS_URL is no store's URL ({error}): "
            "write redis://host:6379/0, rediss://… for TLS, or unix:///path/to/socket"
        ) from error
    with client:
        try:
            version = str(client.info("server")["redis_version"])
        except redis.AuthenticationError as error:
            raise StoreUnusable(
                f"CLOUDCHAT_REDIS_URL: the store at {shown} refuses the user or password ({error}): "
                "write redis://user:password@host:6379/0, with special characters percent-encoded"
            ) from error
        except (redis.RedisError, OSError, UnicodeError) as error:
            raise StoreUnusable(
                f"CLOUDCHAT_REDIS_URL: the store at {shown} can't be used ({_one_line(error)}): "
                "start it, correct the URL, or unset the variable to use the embedded one"
            ) from error
        if int(version.partition(".")[0]) < MIN_MAJOR_VERSION:
            raise StoreUnusable(
                f"CLOUDCHAT_REDIS_URL: the store at {shown} has version {version}: "
                f"Redis or Valkey {MIN_MAJOR_VERSION} or newer is needed"
            )
        return _weak_settings(client, shown)


def _weak_settings(client: "redis.Redis", shown: str) -> list[str]:
    try:
        found = {name: str(client.config_get(name).get(name, "")) for name in _NEEDED}
    except redis.RedisError as error:
        return [f"The store at {shown} does not tell its settings ({_one_line(error)}); see to it that {_wish()}."]
    return [
        f"The store at {shown} has {name} {found[name]!r}, it should be {wanted!r}: {why}."
        for name, (wanted, why) in _NEEDED.items()
        if found[name] and found[name] != wanted
    ]


def _wish() -> str:
    return ", ".join(f"{name} is {wanted}" for name, (wanted, _) in _NEEDED.items())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
