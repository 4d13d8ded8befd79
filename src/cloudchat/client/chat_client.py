"""The client that stays: connects, comes back, goes on where it was, and sends each message until it is acknowledged.

A thin shell: what a frame means is decided by `ChatProtocol`, when to come back by `ReconnectPolicy`.

    async with ChatClient("wss://chat.example.org/ws", token) as client:
        updates = client.updates()
        client.join("lobby")
        await client.send("lobby", "good morning")
        async for update in updates:
            ...
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from cloudchat.client.chat_protocol import ChatProtocol
from cloudchat.client.connection_loop import ConnectionLoop, TokenProvider
from cloudchat.client.errors import ClientError, Closed, ConnectionLost, RequestRefused
from cloudchat.client.event_stream import Backlog, EventStream
from cloudchat.client.outbox import PendingSend
from cloudchat.client.reconnect_policy import ReconnectPolicy
from cloudchat.client.updates import Disconnected, Frame, Reply, Update
from cloudchat.core.stream_position import StreamPosition

REQUEST_SECONDS = 20.0


class ChatClient:
    """Use as an async context manager. `url` is the socket's (`wss://…/ws`); `options` go to `websockets.connect`.

    `on_update` is called on the event loop with every update; it must neither block nor raise.
    """

    def __init__(
        self,
        url: str,
        token: TokenProvider,
        *,
        on_update: Callable[[Update], None] | None = None,
        policy: ReconnectPolicy | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self._protocol = ChatProtocol()
        self._connecting = ConnectionLoop(
            url, token, self._protocol, policy or ReconnectPolicy(), options or {}, self._deliver
        )
        self._on_update = on_update
        self._backlogs: list[Backlog] = []
        self._asked: dict[str, asyncio.Future[Frame]] = {}
        self._requests = 0
        self._task: asyncio.Task[None] | None = None
        self._end: ClientError | None = None

    # -- rooms and events ---------------------------------------------------------------------------------------------

    def join(self, room: str, *, after: StreamPosition | None = None, limit: int = 50) -> None:
        """Follow a room through every reconnect: from `after` on if it is known, else from the last `limit` events."""
        self._protocol.follow(room, self._now(), after=after, limit=limit)
        self._connecting.wake()

    def leave(self, room: str) -> None:
        """Follow a room no more."""
        self._protocol.unfollow(room)
        self._connecting.wake()

    def position(self, room: str) -> StreamPosition | None:
        """The last event of a room that was delivered; give it to `join` to go on there, also in another process."""
        follower = self._protocol.rooms.get(room)
        return follower.position if follower else None

    def updates(self, most: int = 1000) -> EventStream:
        """All updates from now on. A reader that is `most` behind makes the client leave its rooms until it caught up:
        close the stream of one that stops reading earlier.

        The iterator ends with the `ClientError` that ended the client.
        """
        backlog = Backlog(most, self._regulate)
        self._backlogs.append(backlog)
        if self._end is not None:
            backlog.end(self._end)
        return EventStream(backlog, self._reader_gone)

    @property
    def connected(self) -> bool:
        """Whether the server has said welcome on the connection there is now."""
        return self._protocol.welcomed

    # -- saying something ---------------------------------------------------------------------------------------------

    async def send(self, room: str, text: str, *, reply_to: int | None = None, cid: str | None = None) -> Frame:
        """Send a message, however many connections it takes; returns its `ack`.

        Raises `SendRefused`, `OutboxFull`, `OutcomeUnknown`, or what ended the client. Cancelled, it may still be sent.
        """
        self._must_live()
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        cid = cid or str(uuid.uuid4())
        command: Frame = {"type": "send", "id": cid, "room": room, "cid": cid, "text": text}
        if reply_to is not None:
            command["reply_to"] = reply_to
        self._protocol.write(PendingSend(room, cid, command, lambda outcome: _settle(answer, outcome)))
        self._connecting.wake()
        return await answer

    async def request(self, type_: str, **fields: object) -> Frame:
        """Ask one command on the connection there is now; returns its reply.

        Raises `ConnectionLost` (ask again if it is harmless), `RequestRefused`, or what ended the client.
        """
        self._must_live()
        if not self._protocol.welcomed:
            raise ConnectionLost("not connected now")
        self._requests += 1
        id = f"r{self._requests}"
        answer = self._asked[id] = asyncio.get_running_loop().create_future()
        self._protocol.ask({"type": type_, "id": id, **fields})
        self._connecting.wake()
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                reply: Frame = await answer
        except TimeoutError:
            raise ConnectionLost("no reply") from None
        finally:
            del self._asked[id]
        if reply["type"] == "error":
            raise RequestRefused(reply["code"], reply["message"], reply.get("field"))
        return reply

    # -- life ---------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="cloudchat client")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave. Messages that wait are given up with `Closed`; what is under way may have been stored."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def ended(self) -> ClientError:
        """Wait for the end that the client can't mend by itself; returns the reason."""
        assert self._task is not None, "use it as a context manager"  # noqa: S101
        await asyncio.wait([self._task])
        return self._end or Closed("the client was closed")

    async def _run(self) -> None:
        end: ClientError = Closed("the client was closed")
        try:
            await self._connecting.run()
        except ClientError as reason:
            end = reason
        except Exception as bug:
            end = Closed(f"the client failed: {bug!r}")
            end.__cause__ = bug
        finally:
            self._end = end
            self._protocol.outbox.abandon(end)
            self._lost(end)
            for backlog in self._backlogs:
                backlog.end(end)

    def _deliver(self, update: Update) -> None:
        if isinstance(update, Reply):
            answer = self._asked.get(update.frame.get("id") or "")
            if answer is not None and not answer.done():
                answer.set_result(update.frame)
            return
        if isinstance(update, Disconnected):
            self._lost(ConnectionLost(update.why))
        if self._on_update is not None:
            self._on_update(update)
        for backlog in self._backlogs:
            backlog.put(update)

    def _lost(self, why: ClientError) -> None:
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(why)

    def _must_live(self) -> None:
        if self._end is not None:
            raise self._end

    def _regulate(self) -> None:
        if any(backlog.full for backlog in self._backlogs):
            self._protocol.pause()
        else:
            self._protocol.resume(self._now())
        self._connecting.wake()

    def _reader_gone(self, backlog: Backlog) -> None:
        # Garbage is collected in any thread, and in the middle of anything: the event loop does it when it is free.
        if self._task is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._task.get_loop().call_soon_threadsafe(self._forget, backlog)

    def _forget(self, backlog: Backlog) -> None:
        self._backlogs = [other for other in self._backlogs if other is not backlog]
        self._regulate()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _settle(answer: "asyncio.Future[Frame]", outcome: "Frame | ClientError") -> None:
    if answer.done():  # its caller was cancelled
        return
    if isinstance(outcome, ClientError):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
