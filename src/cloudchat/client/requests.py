"""Commands that are sent once, on the current connection, and wait for their reply."""

import asyncio
from collections.abc import Callable

from cloudchat.client.errors import ClientError, ConnectionLost, RequestRefused
from cloudchat.client.protocol.chat_protocol import ChatProtocol
from cloudchat.client.protocol.room_events import Frame

REQUEST_SECONDS = 20.0


class Requests:
    """The requests that wait for a reply, by their `id`."""

    def __init__(self, protocol: ChatProtocol, wake: Callable[[], None]) -> None:
        self._protocol = protocol
        self._wake = wake
        self._replies: dict[str, asyncio.Future[Frame]] = {}
        self._count = 0

    async def send(self, type_: str, **fields: object) -> Frame:
        """Send a command, and return the frame of its reply. Raises `ConnectionLost` or `RequestRefused`."""
        if not self._protocol.welcomed:
            raise ConnectionLost("not connected now; repeat the request when the connection is back")
        self._count += 1
        id = f"r{self._count}"
        future = self._replies[id] = asyncio.get_running_loop().create_future()
        self._protocol.request({"type": type_, "id": id, **fields})
        self._wake()
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                reply: Frame = await future
        except TimeoutError:
            raise ConnectionLost("no reply") from None
        finally:
            del self._replies[id]
        if reply["type"] == "error":
            retry_after_ms = reply.get("retry_after_ms")
            raise RequestRefused(reply["code"], reply["message"], reply.get("field"), retry_after_ms=retry_after_ms)
        return reply

    def reply_received(self, reply: Frame) -> None:
        """Return the reply to the caller that waits for it, if there still is one."""
        future = self._replies.get(reply.get("id") or "")
        if future is not None and not future.done():
            future.set_result(reply)

    def fail_all(self, error: ClientError) -> None:
        """Raise `error` in all callers: the connection is lost, or the client has ended."""
        for future in self._replies.values():
            if not future.done():
                future.set_exception(error)
