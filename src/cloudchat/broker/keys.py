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


def moved(room: str) -> str:
    """Return the key of the sorted set that holds the events that were moved out of the stream."""
    return f"cloudchat:{{{room}}}:moved"


def states(room: str) -> str:
    """Return the key of the sorted set that holds the states of changed messages."""
    return f"cloudchat:{{{room}}}:states"


def kept(room: str) -> list[str]:
    """Return the keys of the log before a loss, which has events that are not archived yet."""
    return [f"cloudchat:{{{room}}}:kept:{name}" for name in ("meta", "log", "moved")]


def slow(room: str) -> str:
    """Return the key prefix of the times of the users' last messages, in a room with slow mode."""
    return f"cloudchat:{{{room}}}:slow:"


def channel(room: str) -> str:
    """Return the name of the sharded pub/sub channel on which appended events are published."""
    return f"cloudchat:{{{room}}}"


SIGNALS = "cloudchat:signals"
"""The sharded pub/sub channel of what processes tell each other beside the logs. No room's channel has this name."""


def process_channel(process: str) -> str:
    """Return the sharded channel to which one process subscribes, so that the store can tell whether others listen."""
    return f"cloudchat:process:{process}"


ARCHIVE_QUEUE = "cloudchat:archive_queue"
"""The key of the sorted set of the rooms that may have events to archive."""


ROOM_CHANNELS = b"cloudchat:{"
"""How the channels of rooms begin."""


def room_of_channel(channel_name: bytes) -> str:
    """Return the room whose `channel` has this name."""
    return channel_name[len(ROOM_CHANNELS) : -1].decode()


def room_of_meta(key: bytes) -> str:
    """Return the room whose `meta` has this key."""
    return key[len(b"cloudchat:{") : -len(b"}:meta")].decode()
