"""Begin the log of a room whose earlier events are only in the archive: an imported room."""

from cloudchat.broker import keys
from cloudchat.broker.sync_client import open_client


def begin_log(url: str, room: str, epoch: str, seq: int) -> None:
    """Let the log of a room continue after `seq`, which is archived, unless the room has a log.

    Nobody else may know the room yet.

    Raises BrokerUnavailable.
    """
    with open_client(url) as store:
        if not store.exists(keys.meta(room)):
            store.hset(keys.meta(room), mapping={"epoch": epoch, "seq": seq, "a": seq})
