"""`ChatSocket`: a small blocking client of cloudchat.v1 for tests. It records every received frame."""

import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import connect
from websockets.typing import Subprotocol

Frame = dict[str, Any]


class ChatSocket:
    """One socket. The token is sent in the Authorization header, or, as browsers must, in a subprotocol.

    `options` are passed to `websockets.sync.client.connect`. The constructor raises
    `websockets.exceptions.InvalidStatus` for a rejected handshake; reading raises `ConnectionClosed`.
    """

    def __init__(
        self,
        ws_url: str,
        token: str,
        *,
        as_browser: bool = False,
        headers: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        protocols = [Subprotocol("cloudchat.v1")]
        all_headers = dict(headers or {})
        if as_browser:
            protocols.append(Subprotocol(f"cloudchat.token.{token}"))
        elif token:
            all_headers["Authorization"] = f"Bearer {token}"
        self._exit_stack = ExitStack()
        self.ws = self._exit_stack.enter_context(
            connect(
                ws_url,
                subprotocols=protocols,
                additional_headers=all_headers,
                compression=None,
                open_timeout=20,  # longer than the server's own limit: then the server says what went wrong
                close_timeout=1,
                proxy=None,
                max_size=None,
                **(options or {}),
            )
        )
        self.frames: list[Frame] = []
        """Every frame received, parsed."""
        self.raw: list[str] = []
        """The same frames as text, byte for byte."""
        self._unread: deque[Frame] = deque()
        self._ids = 0

    def receive(self, seconds: float = 10) -> Frame:
        """Return the next frame that no call has returned yet. Raises TimeoutError."""
        return self._unread.popleft() if self._unread else self._read(seconds)

    def wait_for(self, wanted: str | Callable[[Frame], bool], seconds: float = 10) -> Frame:
        """Return the first unread frame of this type, or that satisfies `wanted`. Raises TimeoutError.

        Frames before it stay unread.
        """
        matches = (lambda frame: frame["type"] == wanted) if isinstance(wanted, str) else wanted
        for index, frame in enumerate(self._unread):
            if matches(frame):
                del self._unread[index]
                return frame
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            frame = self._read(left)
            if matches(frame):
                return frame
            self._unread.append(frame)
        raise TimeoutError(f"{wanted} was not received; unread: {list(self._unread)}")

    def command(self, type_: str, **fields: object) -> Frame:
        """Send a command, and return the reply with its id, which may be an `error`."""
        self._ids += 1
        return self._request({"type": type_, "id": f"c{self._ids}", **fields})

    def join(self, room: str = "lobby", **fields: object) -> Frame:
        return self.command("join", room=room, **fields)

    def send(self, text: str, room: str = "lobby", cid: str | None = None, **fields: object) -> Frame:
        """Send a message; return its `ack` or `error`."""
        return self.command("send", room=room, text=text, cid=cid or str(uuid.uuid4()), **fields)

    def send_raw(self, text: str | bytes) -> None:
        self.ws.send(text)

    def close(self) -> None:
        self._exit_stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _request(self, command: Frame) -> Frame:
        self.send_raw(json.dumps(command))
        return self.wait_for(lambda frame: frame.get("id") == command["id"])

    def _read(self, seconds: float) -> Frame:
        text = self.ws.recv(timeout=seconds)
        assert isinstance(text, str), "the server sent a binary frame"
        frame: Frame = json.loads(text)
        self.raw.append(text)
        self.frames.append(frame)
        return frame
