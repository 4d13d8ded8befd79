"""Check, before a server starts, what the delivery guarantee requires of the store at CLOUDCHAT_REDIS_URL."""

from contextlib import closing

import hiredis

from cloudchat.broker.blocking_connection import BlockingConnection
from cloudchat.broker.redis_connection import parse_info
from cloudchat.broker.redis_functions import MIN_MAJOR_VERSION
from cloudchat.broker.store_url import parse_store_url, redact_url

TIMEOUT_SECONDS = 3.0
_AUTHENTICATION_ERRORS = ("NOAUTH ", "WRONGPASS ")

_REQUIRED_SETTINGS = {
    "appendonly": ("yes", "messages are in memory only, and a restart of the store loses all of them"),
    "appendfsync": ("always", "a power loss can lose acknowledged messages"),
    "maxmemory-policy": ("noeviction", "a full store deletes messages silently"),
}
_MAX_STREAM_NODE = {"stream-node-max-entries": 100, "stream-node-max-bytes": 4096}
"""erasing.lua removes the text of a deleted message by emptying its node of the stream, and assumes these limits."""


class StoreUnusable(Exception):
    """The store cannot be used. The message is one line for the operator and says how to fix it."""


def check_requirements(url: str) -> list[str]:
    """Connect, and check version and settings; return a warning for each setting that weakens the guarantee.

    Blocks for a few seconds at most. Raises StoreUnusable.
    """
    shown_url = redact_url(url)
    try:
        with closing(BlockingConnection(parse_store_url(url), seconds=TIMEOUT_SECONDS)) as store:
            version = parse_info(store.request("INFO", "server"))["redis_version"]
            if int(version.partition(".")[0]) >= MIN_MAJOR_VERSION:
                return _warnings(store, shown_url)
    except ValueError as error:
        raise StoreUnusable(
            f"CLOUDCHAT_REDIS_URL is not the URL of a store ({error}): "
            "write redis://host:6379/0, rediss://… for TLS, or unix:///path/to/socket"
        ) from error
    except (hiredis.ReplyError, OSError) as error:
        if str(error).startswith(_AUTHENTICATION_ERRORS):
            raise StoreUnusable(
                f"CLOUDCHAT_REDIS_URL: the store at {shown_url} refuses the user or password ({error}): "
                "write redis://user:password@host:6379/0, with special characters percent-encoded"
            ) from error
        raise StoreUnusable(
            f"CLOUDCHAT_REDIS_URL: the store at {shown_url} cannot be used ({error}): "
            "start it, correct the URL, or unset the variable to use the embedded store"
        ) from error
    raise StoreUnusable(
        f"CLOUDCHAT_REDIS_URL: the store at {shown_url} has version {version}: "
        f"Redis or Valkey {MIN_MAJOR_VERSION} or newer is needed"
    )


def _warnings(store: BlockingConnection, shown_url: str) -> list[str]:
    try:
        found = {name: _setting(store, name) for name in [*_REQUIRED_SETTINGS, *_MAX_STREAM_NODE]}
    except (hiredis.ReplyError, OSError) as error:
        required = ", ".join(f"{name} is {value}" for name, (value, _) in _REQUIRED_SETTINGS.items())
        return [f"The settings of the store at {shown_url} cannot be read ({error}). Make sure that {required}."]
    warnings = [
        f"The store at {shown_url} has {name} {found[name]!r}, it should be {value!r}: {consequence}."
        for name, (value, consequence) in _REQUIRED_SETTINGS.items()
        if found[name] and found[name] != value
    ]
    return warnings + [
        f"The store at {shown_url} has {name} {found[name]!r}, it should be 1 to {maximum}: "
        "texts of deleted messages can stay in its memory and in copies of it."
        for name, maximum in _MAX_STREAM_NODE.items()
        if found[name] and not 0 < int(found[name]) <= maximum
    ]


def _setting(store: BlockingConnection, name: str) -> str:
    """Return a setting of the store; empty if it does not have it."""
    reply: list[bytes] = store.request("CONFIG", "GET", name)
    return reply[1].decode() if reply else ""
