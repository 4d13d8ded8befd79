"""The listening socket: opened before anything else is started, or inherited already open."""

import contextlib
import errno
import os
import socket
import time
from collections.abc import MutableMapping

from cloudchat.cli.errors import CommandError

BACKLOG = 2048
_FIRST_ACTIVATED = 3  # SD_LISTEN_FDS_START
_PATIENCE = 3.0  # seconds for the workers of a server that was killed just now, and were still importing, to let go


def open_listener(host: str, port: int) -> socket.socket:
    """Listen on host and port (0: a free one). Raises CommandError, which names the mend.

    It listens at once: of two sockets that are merely bound with SO_REUSEADDR, Linux lets both bind.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise CommandError(f"the address {host!r} is unknown ({error}): correct --host or CLOUDCHAT_HOST") from error
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    deadline = time.monotonic() + _PATIENCE
    while True:
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise CommandError(_mend(error, host, port)) from error
            time.sleep(0.05)
        else:
            return listener


def inherit_listener(descriptor: int) -> socket.socket:
    """Return the listening socket (TCP or unix) that systemd or another parent opened. Raises CommandError."""
    try:
        listener = socket.socket(fileno=descriptor)
    except OSError as error:
        raise CommandError(
            f"--fd {descriptor} is no open socket ({os.strerror(error.errno or errno.EBADF)}): "
            "with systemd socket activation the first one is 3"
        ) from error
    with contextlib.suppress(OSError):
        if listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            listener.set_inheritable(False)  # the store must not keep it open
            return listener
    listener.detach()
    raise CommandError(
        f"--fd {descriptor} is a socket that does not listen: pass a listening one (Accept=no in systemd)"
    )


def descriptor_to_inherit(chosen: int | None, environment: MutableMapping[str, str], pid: int) -> int | None:
    """The chosen one, else the socket that systemd opened for this process (sd_listen_fds(3)), else None.

    Raises CommandError when systemd opened several, and none was chosen.

    What told it is taken out of the environment: a child would take its own descriptors for sockets.
    """
    count, whose, _ = (environment.pop(name, "") for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"))
    if chosen is not None or whose != str(pid) or count in ("", "0"):
        return chosen
    if count != "1":
        raise CommandError(
            f"systemd passes {count} sockets, cloudchat listens on one: "
            "leave one Listen…= line in cloudchat.socket, or name the descriptor with --fd"
        )
    return _FIRST_ACTIVATED


def address_of(listener: socket.socket) -> tuple[str, int | None]:
    """Where it listens: host and port, or the path of a unix socket (empty when it has none) and None."""
    name = listener.getsockname()
    if isinstance(name, tuple):
        return name[0], name[1]
    return os.fsdecode(name), None


def url_of(host: str, port: int) -> str:
    """What a person on this machine types into a browser."""
    if host in ("0.0.0.0", "::", ""):  # is asked, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _mend(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is taken: stop the other program, or choose another with --port or CLOUDCHAT_PORT"
        )
    if error.errno == errno.EACCES:
        return f"port {port} may be opened by root alone: choose one above 1023 with --port or CLOUDCHAT_PORT"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"this machine does not have the address {host}: correct --host or CLOUDCHAT_HOST"
    return f"can't listen on {host} port {port} ({error.strerror}): correct --host and --port"
