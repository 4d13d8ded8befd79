"""What a service tells the manager that started it (sd_notify(3)): ready, stopping, and that its event loop turns.

The protocol is a datagram of `NAME=value` lines to a unix socket; without a manager every call does nothing.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import MutableMapping
from typing import Self

log = logging.getLogger(__name__)

_SECONDS_TO_TELL = 1


class ServiceNotification:
    """The way to the service manager. Only the process that it started may use it (NotifyAccess=main)."""

    def __init__(self, address: str | None = None, watchdog_seconds: float | None = None) -> None:
        self.watchdog_seconds = watchdog_seconds
        """So long the manager waits for a sign of life before it ends the service; None: it does not."""
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address else None
        if self._socket is not None:
            # In the kernel: Python's own timeout would also wait where MSG_DONTWAIT is given.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", _SECONDS_TO_TELL, 0))

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str], pid: int) -> Self:
        """Take what the manager left in the environment out of it: a child must not speak for the service."""
        address = environment.pop("NOTIFY_SOCKET", "")
        period = environment.pop("WATCHDOG_USEC", "")
        whose = environment.pop("WATCHDOG_PID", str(pid))
        watched = address and period.isascii() and period.isdigit() and int(period) > 0 and whose == str(pid)
        return cls(address if address[:1] in ("/", "@") else None, int(period) / 1e6 if watched else None)

    def starting(self, what: str, seconds: float) -> None:
        """Begin a step of the start that may take so long, beyond the manager's own patience if need be."""
        self._tell(f"STATUS=Starting: {what}\nEXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")

    def ready(self, status: str) -> None:
        """Clients are answered from now on."""
        self._tell(f"READY=1\nSTATUS={status}")

    def stopping(self, status: str) -> None:
        """The end has begun."""
        self._tell(f"STOPPING=1\nSTATUS={status}")

    def alive(self) -> None:
        """One sign of life. Never waits."""
        if self.watchdog_seconds is not None:
            self._tell("WATCHDOG=1", socket.MSG_DONTWAIT)

    def keep_alive(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give signs of life from this event loop, twice as often as needed: a loop that is blocked gives none."""
        if self.watchdog_seconds is not None:
            self.alive()
            loop.call_later(self.watchdog_seconds / 2, self.keep_alive, loop)

    def _tell(self, message: str, flags: int = 0) -> None:
        if self._socket is None or self._address is None:
            return
        try:
            self._socket.sendto(message.encode(), flags, self._address)
        except OSError as problem:
            told = os.strerror(problem.errno) if problem.errno else str(problem)
            log.warning("service manager not reached message=%s problem=%s", message.partition("\n")[0], told)
