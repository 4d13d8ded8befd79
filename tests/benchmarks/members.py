"""Opening the members' sockets, some dozens at a time, so that the server's work for one overlaps the next one's."""

import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.dialects import Dialect
from benchmarks.frames import CLOSE, TEXT, client_frame, split_frames

_TOGETHER = 32
_PATIENCE = 15.0  # seconds for one answer
_SPARE_FILES = 64


class RefusedMember(RuntimeError):
    """The server did not let a member in; the message carries its answer."""


@contextmanager
def opened_members(dialect: Dialect, port: int, count: int) -> Iterator[list[tuple[socket.socket, bytes]]]:
    """`count` joined members, in the order of joining: the socket, and what was read after the server's `joined`.

    Raises RefusedMember when the server refuses one.
    """
    _allow_files(count + _SPARE_FILES)
    members: list[tuple[socket.socket, bytes]] = []
    opened: list[socket.socket] = []
    try:
        while len(opened) < count:
            first = len(opened)
            for number in range(first, min(first + _TOGETHER, count)):
                opened.append(sock := socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.sendall(dialect.upgrade(number, port))
            upgraded = [(sock, _read_upgrade(sock)) for sock in opened[first:]]
            if hello := dialect.join():
                for sock, _ in upgraded:
                    sock.sendall(client_frame(hello))
            members += [(sock, _read_joined(sock, rest, dialect)) for sock, rest in upgraded]
        yield members
    finally:
        for sock in opened:
            sock.close()


def _read_upgrade(sock: socket.socket) -> bytes:
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _receive(sock)
    head, _, rest = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101 "):
        raise RefusedMember(answer.decode(errors="replace"))
    return rest


def _read_joined(sock: socket.socket, rest: bytes, dialect: Dialect) -> bytes:
    if not dialect.join():
        return rest
    while True:
        frames, rest = split_frames(rest)
        for opcode, payload, _ in frames:
            if opcode == CLOSE or (opcode == TEXT and b'"type":"error"' in payload):
                raise RefusedMember(payload.decode(errors="replace"))
            if opcode == TEXT and dialect.is_joined(payload):
                return rest  # whole frames behind it replay older messages, which are not this load's
        rest += _receive(sock)


def _receive(sock: socket.socket) -> bytes:
    data = sock.recv(65536)
    if not data:
        raise RefusedMember("the server closed the connection")
    return data


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise RefusedMember(
                f"{wanted} open files are needed, the limit is {hard}: raise it with `ulimit -n {wanted}`"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
