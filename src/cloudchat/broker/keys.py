"""The names of a room's keys in the store. The hash tag `{room}` puts them into one slot of a Redis Cluster."""


def meta(room: str) -> str:
    """Return the key of the hash that holds the epoch and the seq of the newest event."""
    return f"cloudchat:{{{room}}}:meta"


def log(room: str) -> str:
    """Return the key of the stream that holds the events."""
    return f"cloudchat:{{{room}}}:log"


def seen(room: str) -> str:
    """Return the key prefix of the hashes, one for each day, that hold the accepted cids."""
    return f"cloudchat:{{{room}}}:seen:"


def channel(room: str) -> str:
    """Return the name of the sharded pub/sub channel on which appended events are published."""
    return f"cloudchat:{{{room}}}"


SIGNALS = "cloudchat:signals"
"""The sharded pub/sub channel of what processes tell each other beside the logs. No room's channel has this name."""


def room_of_channel(channel_name: bytes) -> str:
    """Return the room whose `channel` has this name."""
    return channel_name[len(b"cloudchat:{") : -1].decode()


def room_of_meta(key: bytes) -> str:
    """Return the room whose `meta` has this key."""
    return key[len(b"cloudchat:{") : -len(b"}:meta")].decode()
