"""A client that stays connected: it reconnects, resumes its rooms, and repeats each command until it is acknowledged.

It is a thin shell: `ChatProtocol` decides what a frame means, `ReconnectPolicy` decides when to reconnect.

    async with ChatClient("wss://chat.example.org/ws", token) as client:
        updates = client.updates()
        client.join_all()
        await client.send("lobby", "good morning")
        async for update in updates:
            if isinstance(update, Message):
                print(update.user.name, update.text)
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import msgspec

from cloudchat.client.connection_loop import ConnectionLoop, TokenProvider
from cloudchat.client.errors import ClientClosed, ClientError, ConnectionLost, SignInRequired
from cloudchat.client.protocol.chat_protocol import ChatProtocol
from cloudchat.client.protocol.outbox import PendingCommand
from cloudchat.client.protocol.reconnect_policy import ReconnectPolicy
from cloudchat.client.protocol.replies import Ack, HistoryPage, Present, UnreadCount, history_page
from cloudchat.client.protocol.room_events import Frame, RoomEvent, User
from cloudchat.client.protocol.updates import Disconnected, Reply, Room, Update
from cloudchat.client.requests import Requests
from cloudchat.client.update_stream import UpdateBuffer, UpdateStream
from cloudchat.core.stream_position import StreamPosition


class ChatClient:
    """A chat client. Use it as an async context manager. `url` is the URL of the WebSocket (`wss://…/ws`).

    `token` is an API token, or a function that returns an access token (see `TokenProvider`).
    `on_update` is called with every update, on the event loop; it must neither block nor raise. `options` go to
    `websockets.connect`.
    """

    def __init__(
        self,
        url: str,
        token: str | TokenProvider,
        *,
        on_update: Callable[[Update], None] | None = None,
        policy: ReconnectPolicy | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self._protocol = ChatProtocol()
        self._loop = ConnectionLoop(
            url,
            _fixed(token) if isinstance(token, str) else token,
            self._protocol,
            policy or ReconnectPolicy(),
            options or {},
            self._deliver,
        )
        self._on_update = on_update
        self._buffers: list[UpdateBuffer] = []
        self._requests = Requests(self._protocol, self._loop.wake)
        self._task: asyncio.Task[None] | None = None
        self._end: ClientError | None = None

    # -- rooms and events ---------------------------------------------------------------------------------------------

    def join(self, room: str, *, after: StreamPosition | None = None, limit: int = 50) -> None:
        """Receive a room's events, across reconnects: those after `after` if given, else the last `limit` and later."""
        self._protocol.subscribe(room, self._now(), after=after, limit=limit)
        self._loop.wake()

    def join_all(self, *, limit: int = 50) -> None:
        """Receive the events of all rooms of the user, also of those that they become a member of later."""
        self._protocol.subscribe_all(self._now(), limit=limit)
        self._loop.wake()

    def leave(self, room: str) -> None:
        """Stop receiving a room's events."""
        self._protocol.unsubscribe(room)
        self._loop.wake()

    def position(self, room: str) -> StreamPosition | None:
        """Return the position of a room's last delivered event. `join` continues from it, also in another process."""
        return self._protocol.subscriptions.position(room)

    def updates(self, max_buffered: int = 1000) -> UpdateStream:
        """Return an iterator over all updates from now on. It ends with the `ClientError` that ended the client.

        When `max_buffered` updates wait for the reader, the client leaves its rooms until the reader has caught up.
        Therefore close the stream when you stop reading it.
        """
        buffer = UpdateBuffer(max_buffered, self._pause_or_resume)
        self._buffers.append(buffer)
        if self._end is not None:
            buffer.end(self._end)
        return UpdateStream(buffer, self._stream_closed)

    @property
    def connected(self) -> bool:
        """Whether the server has accepted the current connection (`welcome`)."""
        return self._protocol.welcomed

    @property
    def user(self) -> User:
        """The user of the token. Raises `ConnectionLost` before the first `Connected`."""
        if self._protocol.user is None:
            raise ConnectionLost("not connected yet")
        return self._protocol.user

    @property
    def rooms(self) -> dict[str, Room]:
        """The rooms of the user by id, as of the last update. Empty before the first `Connected`."""
        return dict(self._protocol.rooms)

    # -- messages and their changes: repeated, across reconnects, until the server has answered -----------------------

    # All four raise `SendRefused`, `OutboxFull`, `OutcomeUnknown`, ValueError for a `cid` that is no UUID, or the error
    # that ended the client. If the caller is cancelled, the command may still be sent. A program that repeats a command
    # after its own restart passes the same `cid`: the server stores it once.

    async def send(self, room: str, text: str, *, reply_to: int | None = None, cid: str | None = None) -> Ack:
        """Send a message, in reply to the one with the seq `reply_to` if given."""
        fields: Frame = {"text": text} if reply_to is None else {"text": text, "reply_to": reply_to}
        return await self._submit("send", room, cid, fields)

    async def edit(self, room: str, seq: int, text: str, *, cid: str | None = None) -> Ack:
        """Replace the text of the user's own message `seq`."""
        return await self._submit("edit", room, cid, {"seq": seq, "text": text})

    async def delete(self, room: str, seq: int, *, cid: str | None = None) -> Ack:
        """Delete the message `seq`: the user's own, or as a moderator any."""
        return await self._submit("delete", room, cid, {"seq": seq})

    async def react(self, room: str, seq: int, emoji: str, *, on: bool = True, cid: str | None = None) -> Ack:
        """Turn a reaction to the message `seq` on or off."""
        return await self._submit("react", room, cid, {"seq": seq, "emoji": emoji, "on": on})

    def read(self, room: str, seq: int) -> None:
        """Record that the user has read the room up to `seq`. It is sent until the server has saved it."""
        self._protocol.read(room, seq)
        self._loop.wake()

    def is_unread(self, event: RoomEvent) -> bool:
        """Return whether the event is after the user's read marker of its room."""
        room = self._protocol.rooms.get(event.room)
        return room is not None and event.seq > room.read

    # -- requests: sent once, on the current connection ---------------------------------------------------------------

    # They raise `ConnectionLost` (repeat the request if that is safe), `RequestRefused`, or the error that ended the
    # client.

    async def history(
        self,
        room: str,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        limit: int = 50,
    ) -> HistoryPage:
        """Return messages and notices in their current form: before, after or around a seq (one of the three)."""
        positions = {"before": before, "after": after, "around": around}
        given = {name: seq for name, seq in positions.items() if seq is not None}
        return history_page(await self.request("history", room=room, limit=limit, **given))

    async def unread(self) -> dict[str, UnreadCount]:
        """Return what is unread in each room of the user, by the room's id."""
        counts = msgspec.convert((await self.request("unread"))["rooms"], list[UnreadCount])
        return {count.room: count for count in counts}

    async def who(self, room: str) -> Present:
        """Return which members of the room are online."""
        return msgspec.convert(await self.request("who", room=room), Present)

    def typing(self, room: str) -> None:
        """Tell the members of the room that the user is typing. Without a connection this does nothing."""
        self._protocol.request({"type": "typing", "room": room})
        self._loop.wake()

    async def request(self, type_: str, **fields: object) -> Frame:
        """Send any command of the protocol, and return the frame of its reply."""
        self._require_running()
        return await self._requests.send(type_, **fields)

    # -- lifecycle ----------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="cloudchat client")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Disconnect. Pending commands fail with `ClientClosed`; those in flight may have been stored."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def ended(self) -> ClientError:
        """Wait until the client ends, and return the error that ended it."""
        assert self._task is not None, "use it as a context manager"  # noqa: S101
        await asyncio.wait([self._task])
        return self._end or ClientClosed("the client was closed")

    # -- internal -----------------------------------------------------------------------------------------------------

    async def _submit(self, type_: str, room: str, cid: str | None, fields: Frame) -> Ack:
        self._require_running()
        outcome: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        cid = str(uuid.UUID(cid) if cid else uuid.uuid4())  # the canonical form, which the ack carries
        command: Frame = {"type": type_, "id": cid, "room": room, "cid": cid, **fields}
        self._protocol.send(PendingCommand(room, cid, command, lambda result: _set_outcome(outcome, result)))
        self._loop.wake()
        return msgspec.convert(await outcome, Ack)

    async def _run(self) -> None:
        end: ClientError = ClientClosed("the client was closed")
        try:
            await self._loop.run()
        except ClientError as error:
            end = error
        except Exception as bug:
            end = ClientClosed(f"the client failed: {bug!r}")
            end.__cause__ = bug
        finally:
            self._end = end
            self._protocol.outbox.fail_all(end)
            self._requests.fail_all(end)
            for buffer in self._buffers:
                buffer.end(end)

    def _deliver(self, update: Update) -> None:
        if isinstance(update, Reply):
            self._requests.reply_received(update.frame)
            return
        if isinstance(update, Disconnected):
            self._requests.fail_all(ConnectionLost(update.reason))
        if self._on_update is not None:
            self._on_update(update)
        for buffer in self._buffers:
            buffer.put(update)

    def _require_running(self) -> None:
        if self._end is not None:
            raise self._end

    def _pause_or_resume(self) -> None:
        if any(buffer.full for buffer in self._buffers):
            self._protocol.pause()
        else:
            self._protocol.resume(self._now())
        self._loop.wake()

    def _stream_closed(self, buffer: UpdateBuffer) -> None:
        # The garbage collector may call this in any thread and in the middle of any function, so the event loop must do
        # the work later.
        if self._task is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._task.get_loop().call_soon_threadsafe(self._remove_buffer, buffer)

    def _remove_buffer(self, buffer: UpdateBuffer) -> None:
        self._buffers = [other for other in self._buffers if other is not buffer]
        self._pause_or_resume()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _fixed(token: str) -> TokenProvider:
    async def provide(fresh: bool) -> str:
        if fresh:
            raise SignInRequired("the server does not accept the token, or not for much longer")
        return token

    return provide


def _set_outcome(future: "asyncio.Future[Frame]", outcome: "Frame | ClientError") -> None:
    if future.done():  # the caller was cancelled
        return
    if isinstance(outcome, ClientError):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
