"""The names of a room in the store. The hash tag `{room}` puts all of them in one slot of a Redis Cluster."""


def meta(room: str) -> str:
    """Hash: epoch and the seq of the last event."""
    return f"cloudchat:{{{room}}}:meta"


def log(room: str) -> str:
    """Stream of the events."""
    return f"cloudchat:{{{room}}}:log"


def seen(room: str) -> str:
    """Prefix of the hashes, one a day, of the cids that were accepted."""
    return f"cloudchat:{{{room}}}:seen:"


def channel(room: str) -> str:
    """Sharded pub/sub channel that says what was appended."""
    return f"cloudchat:{{{room}}}"


def room_of(channel_name: bytes) -> str:
    """The room of a channel."""
    return channel_name[len(b"cloudchat:{") : -1].decode()


def room_of_meta(name: bytes) -> str:
    """The room whose `meta` has this name."""
    return name[len(b"cloudchat:{") : -len(b"}:meta")].decode()
