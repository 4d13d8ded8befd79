"""Tell the service manager that the service is ready, is stopping, and that its event loop runs (sd_notify(3)).

The protocol is a datagram of `NAME=value` lines to a unix socket. Without a service manager, every call does nothing.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import MutableMapping
from typing import Self

log = logging.getLogger(__name__)

_SEND_TIMEOUT_SECONDS = 1


class ServiceNotifier:
    """The connection to the service manager. Only the process that it started may use it (NotifyAccess=main).

    `watchdog_seconds`: after this long without a feed, the service manager ends the service; None for no watchdog.
    """

    def __init__(self, address: str | None = None, watchdog_seconds: float | None = None) -> None:
        self.watchdog_seconds = watchdog_seconds
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address else None
        if self._socket is not None:
            # A timeout of the kernel, because Python's own would also wait where MSG_DONTWAIT is given.
            timeout = struct.pack("@ll", _SEND_TIMEOUT_SECONDS, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str], pid: int) -> Self:
        """Read the service manager's variables and remove them: a child process must not notify for the service."""
        address = environment.pop("NOTIFY_SOCKET", "")
        period = environment.pop("WATCHDOG_USEC", "")
        watched_pid = environment.pop("WATCHDOG_PID", str(pid))
        is_watched = address and period.isascii() and period.isdigit() and int(period) > 0 and watched_pid == str(pid)
        return cls(address if address[:1] in ("/", "@") else None, int(period) / 1e6 if is_watched else None)

    def starting(self, step: str, timeout_seconds: float) -> None:
        """Announce a step of the start, and extend the service manager's start timeout for it."""
        self._send(f"STATUS=Starting: {step}\nEXTEND_TIMEOUT_USEC={round(timeout_seconds * 1e6)}")

    def ready(self, status: str) -> None:
        """Announce that clients are served from now on."""
        self._send(f"READY=1\nSTATUS={status}")

    def stopping(self, status: str) -> None:
        """Announce that the service is shutting down."""
        self._send(f"STOPPING=1\nSTATUS={status}")

    def feed_watchdog(self) -> None:
        """Feed the watchdog once. Never blocks."""
        if self.watchdog_seconds is not None:
            self._send("WATCHDOG=1", socket.MSG_DONTWAIT)

    def feed_watchdog_from(self, loop: asyncio.AbstractEventLoop) -> None:
        """Feed the watchdog from this event loop twice per period: a blocked loop stops feeding it."""
        if self.watchdog_seconds is not None:
            self.feed_watchdog()
            loop.call_later(self.watchdog_seconds / 2, self.feed_watchdog_from, loop)

    def _send(self, message: str, flags: int = 0) -> None:
        if self._socket is None or self._address is None:
            return
        try:
            self._socket.sendto(message.encode(), flags, self._address)
        except OSError as error:
            problem = os.strerror(error.errno) if error.errno else str(error)
            log.warning("service manager is unreachable message=%s problem=%s", message.partition("\n")[0], problem)
