"""How a socket enters a room: everything it missed, then everything new, with no hole and no duplicate between.

The older part comes from the log, page by page, at the speed of the reader. The newest part comes from the feed's
memory, and is sent in the same moment (without an `await`) in which the socket becomes a member: what was delivered
before that moment is in the memory, what comes after it is delivered to the member.
"""

import asyncio

from cloudchat.broker.broker import Broker, BrokerUnavailable
from cloudchat.core.stream_position import StreamPosition, plan_replay
from cloudchat.protocol import events
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.commands import Join
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.framing import text_frame
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.relay import PAGE_EVENTS, Relay
from cloudchat.realtime.room_feed import RoomFeed

REPLAY_STALL_SECONDS = 20.0
"""A reader that takes nothing of its replay for so long is closed; it comes back with its position."""


async def join(connection: Connection, command: Join, *, broker: Broker, relay: Relay, hub: Hub) -> None:
    """Answer `joined`, replay, and make the socket a member. Raises `BrokerUnavailable`, with nothing sent."""
    feed = connection.joined.get(command.room)
    if feed is None:
        feed = await relay.open(command.room)
        if not connection.open:
            relay.close(feed)
            return
        connection.joined[command.room] = feed
    else:
        # Joining again is how a client heals itself: nothing live may come between, the replay would repeat it.
        hub.remove(command.room, connection.socket)
        await relay.check(feed)
    while not await _replay(connection, command, feed, broker=broker, hub=hub):
        await relay.check(feed)


async def _replay(connection: Connection, command: Join, feed: RoomFeed, *, broker: Broker, hub: Hub) -> bool:
    """False if the log changed before anything was sent: then the beginning must be chosen anew."""
    socket = connection.socket
    after = None if command.after is None else StreamPosition(command.after.epoch, command.after.seq)
    head = feed.position
    status, sent = plan_replay(after, head, feed.oldest, command.limit)
    joined = events.Joined(
        id=command.id, room=command.room, status=status.value, epoch=head.epoch, seq=head.seq, oldest=feed.oldest
    )
    announcement = text_frame(events.encode(joined))
    while not feed.recent.covers(sent):
        try:
            page = await broker.read(command.room, sent, PAGE_EVENTS)
        except BrokerUnavailable:
            if announcement:
                raise
            return _give_up(connection, begun=True)
        if not (page.epoch == feed.position.epoch == head.epoch and page.first == sent + 1 and page.events):
            return _give_up(connection, begun=not announcement)
        # The page may reach beyond what is delivered here: that is still to be heard, and would then come twice.
        delivered = page.events[: feed.position.seq - sent]
        socket.push(announcement + b"".join([text_frame(event) for event in delivered]))
        announcement, sent = b"", sent + len(delivered)
        try:
            async with asyncio.timeout(REPLAY_STALL_SECONDS):
                await socket.writable_again()
        except TimeoutError:
            socket.close(CloseCode.TOO_SLOW)
        if not connection.open:
            return True
        if feed.position.epoch != head.epoch:
            return _give_up(connection, begun=True)
    # No `await` from here on.
    socket.push(announcement + b"".join(feed.recent.after(sent)))
    if connection.open:
        hub.add(command.room, socket)
    return True


def _give_up(connection: Connection, *, begun: bool) -> bool:
    """A replay that cannot be finished must not look finished: the client comes back and is told of the gap."""
    if begun:
        connection.socket.close(CloseCode.TOO_SLOW)
    return begun
