"""Begin the log of a room whose earlier events are only in the archive: an imported room."""

from cloudchat.broker import keys
from cloudchat.broker.connections.sync_client import open_client


def begin_log(url: str, room: str, epoch: str, seq: int) -> None:
    """Let the log of a room continue after `seq`, which is archived. No other caller may use the room yet.

    A server that started while the room was imported may have looked for its log, and then there is an empty one.
    Raises BrokerUnavailable.
    """
    with open_client(url) as store:
        known = store.hget(keys.meta(room), "seq")
        if known is None or int(known) < seq:
            store.hset(keys.meta(room), mapping={"epoch": epoch, "seq": seq, "a": seq})
