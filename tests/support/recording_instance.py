"""`RecordingInstance`: replaces cloudchat behind nginx and records the header of every request."""

import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from support.processes import wait_until

RESPONSE = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class RecordingInstance:
    """A server that answers every request with 400. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.headers: list[list[tuple[str, str]]] = []
        """The header fields of each request, with names in lower case."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._thread = threading.Thread(target=self._serve, name="recording instance", daemon=True)

    def __enter__(self) -> Self:
        self._listener.bind(str(self._path))
        self._path.chmod(0o666)
        self._listener.listen()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def header(self, number: int) -> list[tuple[str, str]]:
        """Return the header fields of a request; wait until it arrives."""
        wait_until(lambda: len(self.headers) > number, "a request arrives")
        return self.headers[number]

    def _serve(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    data = b""
                    while b"\r\n\r\n" not in data and (chunk := connection.recv(65536)):
                        data += chunk
                    lines = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
                    fields = (line.partition(": ") for line in lines)
                    self.headers.append([(name.lower(), value) for name, _, value in fields])
                    connection.sendall(RESPONSE)
