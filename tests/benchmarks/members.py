"""Open the members' sockets, some dozens at a time, so that the server works on several of them at the same time."""

import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.dialects import Dialect
from benchmarks.frames import CLOSE, TEXT, client_frame, split_frames

_BATCH_SIZE = 32
_TIMEOUT_SECONDS = 15.0  # for one answer
_RESERVED_FILES = 64


class MemberRejected(RuntimeError):
    """The server did not accept a member; the message contains its answer."""


@contextmanager
def open_members(dialect: Dialect, port: int, count: int) -> Iterator[list[tuple[socket.socket, bytes]]]:
    """Yield `count` joined members in the order of joining: the socket, and the bytes read after the server's `joined`.

    Raises MemberRejected.
    """
    _allow_files(count + _RESERVED_FILES)
    members: list[tuple[socket.socket, bytes]] = []
    opened: list[socket.socket] = []
    try:
        while len(opened) < count:
            first = len(opened)
            for number in range(first, min(first + _BATCH_SIZE, count)):
                opened.append(sock := socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.sendall(dialect.upgrade(number, port))
            upgraded = [(sock, _read_upgrade(sock)) for sock in opened[first:]]
            if join := dialect.join():
                for sock, _ in upgraded:
                    sock.sendall(client_frame(join))
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
        raise MemberRejected(answer.decode(errors="replace"))
    return rest


def _read_joined(sock: socket.socket, rest: bytes, dialect: Dialect) -> bytes:
    if not dialect.join():
        return rest
    while True:
        frames, rest = split_frames(rest)
        for opcode, payload, _ in frames:
            if opcode == CLOSE or (opcode == TEXT and b'"type":"error"' in payload):
                raise MemberRejected(payload.decode(errors="replace"))
            if opcode == TEXT and dialect.is_joined(payload):
                return rest  # the frames after it replay messages from before this load
        rest += _receive(sock)


def _receive(sock: socket.socket) -> bytes:
    data = sock.recv(65536)
    if not data:
        raise MemberRejected("the server closed the connection")
    return data


def _allow_files(needed: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise MemberRejected(
                f"{needed} open files are needed, the limit is {hard}: raise it with `ulimit -n {needed}`"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
