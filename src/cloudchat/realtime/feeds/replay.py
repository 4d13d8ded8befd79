"""Joining a room: a socket gets every event that it missed, then every new event, without a hole or a duplicate.

The older part of a replay is read from the log, page by page, at the speed of the reader, and no faster than the user's
budget of reads allows. The newest part comes from the feed's memory; it is sent in the same moment (without an `await`)
in which the socket becomes a member. Events that were delivered before that moment are in the memory; events after it
are delivered to the member.
"""

import asyncio
import time

from cloudchat.broker.broker import Broker
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.core.stream_position import StreamPosition, plan_replay
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol import events, replies
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.commands import Join
from cloudchat.protocol.framing import text_frame
from cloudchat.realtime.connection import Connection, Socket
from cloudchat.realtime.feeds.relay import MAX_PAGE_EVENTS, Relay
from cloudchat.realtime.feeds.room_feed import RoomFeed
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.membership.room_sync import NotInRoom, RoomSync

REPLAY_STALL_SECONDS = 20.0
"""A reader that reads nothing of its replay for this long is closed; it reconnects with its position."""


class RoomJoiner:
    """Joins and leaves rooms for connections."""

    def __init__(self, broker: Broker, relay: Relay, hub: Hub, rooms: RoomSync) -> None:
        self._broker = broker
        self._rooms = rooms
        self._relay = relay
        self._hub = hub

    async def join(self, connection: Connection, command: Join) -> None:
        """Send `joined` and the replay, and make the socket a member.

        Raises `BrokerUnavailable`, `DatabaseUnavailable`, `NotInRoom`; then nothing has been sent, and the socket is
        not in the room (any more).
        """
        try:
            await self._join(connection, command)
        except (BrokerUnavailable, DatabaseUnavailable, NotInRoom):
            # A connection in the room but not in the hub would receive no events, and its client would not know it.
            feed = connection.joined.pop(command.room, None)
            if feed is not None:
                self.leave(connection, feed)
            raise

    def leave(self, connection: Connection, feed: RoomFeed) -> None:
        """End the membership, and release the feed that `join` acquired."""
        self._hub.remove(feed.room, connection.socket)
        self._relay.release(feed)

    async def _join(self, connection: Connection, command: Join) -> None:
        feed = connection.joined.get(command.room)
        if feed is None:
            must_open = not self._relay.has_feed(command.room)
            feed = await self._relay.acquire(command.room)
            if not connection.open:
                self._relay.release(feed)
                return
            if must_open:  # a client that leaves and joins again and again must not get these reads without cost
                connection.reads.charge(feed.recent.size_bytes, time.monotonic())
            connection.joined[command.room] = feed
        else:
            # A client joins again when it has missed an event. Deliver no live events during the replay: the replay
            # would repeat them.
            self._hub.remove(command.room, connection.socket)
            await self._relay.catch_up(feed)
        # What was read of the log shows whether the membership has changed since it was loaded.
        if not await self._rooms.is_member(connection, command.room, feed.version):
            raise NotInRoom
        async with connection.replay_turn:
            await _wait_writable(connection.socket)
            while not await self._replay(connection, command, feed):
                await self._relay.catch_up(feed)

    async def _replay(self, connection: Connection, command: Join, feed: RoomFeed) -> bool:
        """Send the replay. Return False if the log changed before anything was sent: the caller must call it again.

        A user can leave the room during each `await`. Nothing is sent afterwards: what is read of the log then also has
        events after the user's departure.
        """
        if _has_left(connection, feed):
            raise NotInRoom
        socket = connection.socket
        after = None if command.after is None else StreamPosition(command.after.epoch, command.after.seq)
        head = feed.position
        status, sent = plan_replay(after, head, feed.oldest, command.limit)
        joined = replies.Joined(
            id=command.id, room=command.room, status=status.value, epoch=head.epoch, seq=head.seq, oldest=feed.oldest
        )
        joined_frame = text_frame(events.encode(joined))
        while not feed.recent.covers(sent):
            try:
                page = await self._broker.read(command.room, sent, MAX_PAGE_EVENTS)
            except BrokerUnavailable:
                if joined_frame:
                    raise
                return _abandon(connection, started=True)
            if _has_left(connection, feed):
                if joined_frame:
                    raise NotInRoom
                return True
            if not (page.epoch == feed.position.epoch == head.epoch and page.first == sent + 1 and page.events):
                return _abandon(connection, started=not joined_frame)
            # The page may end after the feed's position. The events in between have not been delivered here yet: they
            # will be received, and would then be sent twice.
            delivered = b"".join([text_frame(event) for event in page.events[: feed.position.seq - sent]])
            socket.push(joined_frame + delivered)
            joined_frame, sent = b"", min(page.last, feed.position.seq)
            connection.reads.charge(len(delivered), time.monotonic())
            await _wait_writable(socket)
            await asyncio.sleep(connection.reads.wait_ms(time.monotonic()) / 1000)
            if not connection.open or _has_left(connection, feed):
                return True
            if feed.position.epoch != head.epoch:
                return _abandon(connection, started=True)
        # No `await` from here on.
        recent = b"".join(feed.recent.after(sent))
        socket.push(joined_frame + recent)
        connection.reads.charge(len(recent), time.monotonic())
        if connection.open:
            self._hub.add(command.room, socket)
        return True


def _has_left(connection: Connection, feed: RoomFeed) -> bool:
    """Return whether the user has left the feed's room since the connection has joined it.

    At the notice in the log the room is dropped, and `RoomSync` drops the feed later. Only the feed shows it to a join
    that was waiting when the user left the room and came back.
    """
    return feed.room not in connection.rooms or connection.joined.get(feed.room) is not feed


async def _wait_writable(socket: Socket) -> None:
    """Wait until the reader has read what was sent before. Close the socket of a reader that reads nothing."""
    try:
        async with asyncio.timeout(REPLAY_STALL_SECONDS):
            await socket.wait_writable()
    except TimeoutError:
        socket.close(CloseCode.TOO_SLOW)


def _abandon(connection: Connection, *, started: bool) -> bool:
    """Close the socket if a replay that cannot be completed has started. Return `started`.

    An incomplete replay must not look complete. The client reconnects with its position, and `joined` reports the gap.
    """
    if started:
        connection.socket.close(CloseCode.TOO_SLOW)
    return started
