"""The listening socket: opened before everything else starts, or inherited from a parent."""

import contextlib
import errno
import os
import socket
import time
from collections.abc import MutableMapping

from cloudchat.cli.errors import CommandError

BACKLOG = 4096
"""Clients that connect while the server starts. Linux drops further ones, and they try again after 1 s, 3 s or 7 s."""
_FIRST_ACTIVATED = 3  # SD_LISTEN_FDS_START
_PORT_RELEASE_SECONDS = 3.0
"""After a kill -9 of a server its workers may still be importing; they hold the port until they notice."""
_RETRY_SECONDS = 0.05


def open_listener(host: str, port: int) -> socket.socket:
    """Listen on host and port (0 is a free one). Raises CommandError.

    It listens immediately: Linux lets two sockets bind to one address with SO_REUSEADDR while neither listens.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise CommandError(f"the address {host!r} is unknown ({error}): correct --host or CLOUDCHAT_HOST") from error
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    deadline = time.monotonic() + _PORT_RELEASE_SECONDS
    while True:
        try:
            listener = socket.socket(family, kind, protocol)
        except OSError as error:  # an IPv6 address on a machine without IPv6
            raise CommandError(_explain(error, host, port)) from error
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise CommandError(_explain(error, host, port)) from error
            time.sleep(_RETRY_SECONDS)
        else:
            return listener


def inherit_listener(descriptor: int) -> socket.socket:
    """Return the listening socket (TCP or unix) that systemd or another parent opened. Raises CommandError."""
    try:
        listener = socket.socket(fileno=descriptor)
    except OSError as error:
        raise CommandError(
            f"--fd {descriptor} is not an open socket ({os.strerror(error.errno or errno.EBADF)}): "
            "with systemd socket activation the first one is 3"
        ) from error
    with contextlib.suppress(OSError):
        if listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            listener.set_inheritable(False)  # the embedded store must not hold it open
            return listener
    listener.detach()
    raise CommandError(
        f"--fd {descriptor} is a socket that does not listen: pass a listening one (Accept=no in systemd)"
    )


def descriptor_to_inherit(chosen: int | None, environment: MutableMapping[str, str], pid: int) -> int | None:
    """Return the chosen descriptor, else that of systemd's socket for this process (sd_listen_fds(3)), else None.

    Removes systemd's variables from the environment: a child would use other descriptors as sockets. Raises
    CommandError if systemd passes several sockets and none is chosen.
    """
    count, target_pid, _ = (environment.pop(name, "") for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"))
    if chosen is not None or target_pid != str(pid) or count in ("", "0"):
        return chosen
    if count != "1":
        raise CommandError(
            f"systemd passes {count} sockets, but cloudchat listens on one: "
            "leave one Listen…= line in cloudchat.socket, or choose the descriptor with --fd"
        )
    return _FIRST_ACTIVATED


def address_of(listener: socket.socket) -> tuple[str, int | None]:
    """Return host and port, or the path of a unix socket (empty if it has none) and None."""
    name = listener.getsockname()
    if isinstance(name, tuple):
        return name[0], name[1]
    return os.fsdecode(name), None


def url_of(host: str, port: int) -> str:
    """Return the URL for a browser on this machine."""
    if host in ("0.0.0.0", "::", ""):  # compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use: stop the other program, or choose another port with --port or "
            "CLOUDCHAT_PORT"
        )
    if error.errno == errno.EACCES:
        return f"only root may listen on port {port}: choose one above 1023 with --port or CLOUDCHAT_PORT"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"this machine does not have the address {host}: correct --host or CLOUDCHAT_HOST"
    return f"cannot listen on {host} port {port} ({error.strerror}): correct --host and --port"
