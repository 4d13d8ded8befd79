"""The chat line by line, for pipes and scripts: it sends each line of standard input, and prints what arrives."""

import asyncio
import contextlib
import sys
import threading
from typing import TextIO

from cloudchat.client import Edited, Gap, JoinRefused, Message, Notice, Update
from cloudchat.terminal.printable import printable
from cloudchat.terminal.render import plain_text, row_fragments
from cloudchat.terminal.session import TerminalSession

EXIT_REFUSED = 1
MAX_WAIT_SECONDS = 10.0
"""After the end of the input: how long to wait until the own messages have arrived, too."""


class Lines:
    """The display of a session. `run` returns the exit code."""

    def __init__(self, session: TerminalSession) -> None:
        self._session = session
        self._ready = asyncio.Event()
        self._changed = asyncio.Event()
        self._closed = asyncio.Event()
        self._code = 0
        session.display = self

    async def run(self) -> int:
        """Run until the input ends and everything is answered. Raises the `ClientError` that ended the client."""
        following = asyncio.create_task(self._session.follow())
        entering = asyncio.create_task(self._enter_lines())
        try:
            await asyncio.wait([following, entering], return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
        finally:
            for task in (following, entering):
                task.cancel()
            await asyncio.gather(following, entering, return_exceptions=True)
        return self._code

    async def _enter_lines(self) -> None:
        lines = _read_lines(sys.stdin)
        await self._ready.wait()
        while not self._closed.is_set() and (line := await lines.get()) is not None:
            self._session.enter(line)
            await self._session.finish()
        await self._session.finish()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MAX_WAIT_SECONDS):
                while self._session.is_behind():
                    self._changed.clear()
                    await self._changed.wait()

    # -- Display ------------------------------------------------------------------------------------------------------

    def updated(self, update: Update) -> None:
        """Print messages, notices and edits of all rooms."""
        if self._session.current is not None:
            self._ready.set()
        self._changed.set()
        conversation = self._session.conversation
        own_name = conversation.user.name if conversation.user else ""
        seq = update.target if isinstance(update, Edited) else getattr(update, "seq", 0)
        if isinstance(update, Message | Notice | Edited):
            room = conversation.rooms.get(update.room)
            row = room.rows.get(seq) if room else None
            if room is not None and row is not None:
                print(f"#{printable(room.name)}", plain_text(row_fragments(room, row, own_name)), flush=True)
        elif isinstance(update, Gap):
            print("(some messages are missing here)", flush=True)
        elif isinstance(update, JoinRefused):
            self.tell(f"The server refused a room: {update.message}")

    def tell(self, text: str) -> None:
        """Print on standard error: standard output has messages only."""
        if text:
            print(f"cloudchat: {printable(text)}", file=sys.stderr, flush=True)

    def refused(self, line: str) -> None:
        """Remember that something was not sent."""
        self._code = EXIT_REFUSED

    def close(self) -> None:
        """End with `/quit`."""
        self._closed.set()


def _read_lines(source: TextIO) -> "asyncio.Queue[str | None]":
    """Return a queue of lines, None at the end. A thread reads them, because a file cannot be awaited."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            for line in source:
                loop.call_soon_threadsafe(lines.put_nowait, line.rstrip("\n"))
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="standard input", daemon=True).start()
    return lines
