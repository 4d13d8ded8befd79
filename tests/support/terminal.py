"""`TerminalProgram`: a program in a real pseudo-terminal, and what an emulated terminal shows of it."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import pyte

ENTER, TAB, BACKSPACE, UP, PAGE_UP, CTRL_C = "\r", "\t", "\x7f", "\x1b[A", "\x1b[5~", "\x03"


class TerminalProgram:
    """Use as a context manager, which kills the program at the end if it still runs."""

    def __init__(
        self,
        command: Sequence[str | os.PathLike[str]],
        environment: Mapping[str, str],
        *,
        columns: int = 100,
        rows: int = 30,
    ) -> None:
        self._screen = pyte.HistoryScreen(columns, rows, history=1000)
        self._stream = pyte.ByteStream(self._screen)
        self._changed = threading.Condition()
        self.output = b""
        """Everything that the program has written."""
        self._terminal, other_end = pty.openpty()
        fcntl.ioctl(other_end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._process = subprocess.Popen(
            command,
            stdin=other_end,
            stdout=other_end,
            stderr=other_end,
            env={**environment, "TERM": "xterm-256color"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # /dev/tty is this terminal
        )
        os.close(other_end)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def lines(self) -> list[str]:
        """The lines that the terminal shows, without the blanks at their ends."""
        with self._changed:
            return [line.rstrip() for line in self._screen.display]

    def press(self, text: str) -> None:
        """Press keys."""
        os.write(self._terminal, text.encode())

    def wait_for(self, wanted: str | Callable[[list[str]], bool], seconds: float = 20) -> str:
        """Wait until the terminal shows a text, or lines that satisfy `wanted`. Return the (first) line with it."""
        matches = wanted if callable(wanted) else lambda lines: any(wanted in line for line in lines)
        with self._changed:  # between the look and the wait, the last output of the program may arrive
            found = self._changed.wait_for(lambda: matches(self.lines), seconds)
            lines = self.lines
        assert found, "\n".join([f"no {wanted!r}:", *lines])
        return next((line for line in lines if not callable(wanted) and wanted in line), "")

    def style_of(self, text: str) -> tuple[str, bool, bool]:
        """Return colour, bold and reverse of the first character of a text that the terminal shows."""
        for y, line in enumerate(self.lines):
            if (x := line.find(text)) >= 0:
                char = self._screen.buffer[y][x]
                return char.fg, char.bold, char.reverse
        raise AssertionError(f"{text} is not shown")

    def wait(self) -> int:
        """Wait for the end of the program; return its exit code."""
        return self._process.wait(20)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._reader.join(5)
        os.close(self._terminal)

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._terminal, 65536)
            except OSError:  # EIO: the program has ended
                return
            with self._changed:
                self.output += chunk
                self._stream.feed(chunk)
                self._changed.notify_all()
