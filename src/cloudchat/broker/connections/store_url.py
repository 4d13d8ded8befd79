"""The URL of the store: redis://, rediss:// or unix://, in the form that redis-py defines.

redis-py itself takes 7 MiB of memory and 60 ms of each start, so the server does not load it.
"""

import ssl
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

_SCHEMES = ("redis", "rediss", "unix")
_OPTIONS = frozenset({"client_name", "db", "password", "ssl_ca_certs", "ssl_cert_reqs", "username"})
_CERT_REQS = ("required", "optional", "none")


class StoreUrl(Struct, frozen=True, kw_only=True):
    """Where the store is, and how a connection to it begins."""

    host: str = "localhost"
    port: int = 6379
    path: str = ""
    """The unix socket, which replaces host and port."""
    db: int = 0
    username: str = ""
    password: str = ""
    client_name: str = ""
    tls: bool = False
    ca_certs: str = ""
    verify: bool = True

    @property
    def handshake(self) -> list[tuple[str | int, ...]]:
        """The first commands of a connection. The last one fails while the store is still loading its data."""
        commands: list[tuple[str | int, ...]] = []
        if self.username or self.password:
            commands.append(("AUTH", self.username or "default", self.password))
        if self.client_name:
            commands.append(("CLIENT", "SETNAME", self.client_name))
        if self.db:
            commands.append(("SELECT", self.db))
        return [*commands, ("PING",)]

    def tls_context(self) -> ssl.SSLContext | None:
        """Return a context that verifies the store's certificate, unless `verify` is off. None without TLS."""
        if not self.tls:
            return None
        context = ssl.create_default_context(cafile=self.ca_certs or None)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def parse_store_url(url: str) -> StoreUrl:
    """Parse a URL. User and password before the host, and the database in the path or query, are percent-decoded.

    Raises ValueError, also for an option that has no effect here: `ssl_certreqs=…` must not be ignored silently.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ValueError("its scheme is not redis, rediss or unix")
    try:
        port = parts.port
    except ValueError:  # its text can have a part of a password with an unencoded slash
        raise ValueError("its port is not a number, or its password has a character that is not encoded") from None
    options = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if unknown := sorted(options.keys() - _OPTIONS):
        raise ValueError(f"it has the unknown option {unknown[0]}")
    certificates = options.get("ssl_cert_reqs", "required")
    if certificates not in _CERT_REQS:
        raise ValueError(f"ssl_cert_reqs is not one of {', '.join(_CERT_REQS)}")
    is_socket = parts.scheme == "unix"
    if is_socket and not parts.path:
        raise ValueError("it has no path of a socket")
    database = options.get("db") or ("" if is_socket else unquote(parts.path).replace("/", "")) or "0"
    if not database.isdecimal():
        raise ValueError("its database is not a number")
    return StoreUrl(
        host=unquote(parts.hostname or "localhost"),
        port=port or 6379,
        path=unquote(parts.path) if is_socket else "",
        db=int(database),
        username=unquote(parts.username or "") or options.get("username", ""),
        password=unquote(parts.password or "") or options.get("password", ""),
        client_name=options.get("client_name", ""),
        tls=parts.scheme == "rediss",
        ca_certs=options.get("ssl_ca_certs", ""),
        verify=certificates != "none",
    )


def redact_url(url: str) -> str:
    """Return a store's URL without user, password, query and fragment, for a log or an error message.

    The query is removed because the password may also be there.
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "(unreadable URL)"
    return f"{parts.scheme}://{host}{parts.path}"
