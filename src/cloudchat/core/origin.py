"""Web origins: from what people write to what browsers send in `Origin`.

Sources: RFC 6454 §6.2 (serialization); WHATWG URL §3.5 (hosts), §4.3 (ports).
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Self

from msgspec import Struct

from cloudchat.core.setting_text import split_list

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PARTS = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*):)?(?P<slashes>[/\\]*)(?P<user>[^/\\?#]*@)?(?P<authority>[^/\\?#]*)(?P<rest>.*)",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{0,6}))?", re.ASCII)
_NAME = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*", re.ASCII
)
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)
_EXAMPLE, _EXAMPLE_IPV6 = "https://chat.example.com", "http://[::1]:8000"


class InvalidOrigin(ValueError):
    """The text is not an origin. The message has the text, what is wrong, and a form that is right."""


class Origin(Struct, frozen=True):
    """Scheme, host and port, as in `https://chat.example.com`.

    `host` is in the form that browsers send: lower case, international names in Punycode, IPv6 addresses compressed and
    without brackets. `port` is None for the scheme's default.
    """

    scheme: str
    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an origin in any spelling whose meaning is clear. Raises InvalidOrigin."""
        text = text.strip()
        if text.lower() == "null" or "*" in text:
            raise InvalidOrigin(f"{text!r} would allow every page: list each origin, write {_EXAMPLE}")
        found = _PARTS.fullmatch(text)
        scheme = ((found and found["scheme"]) or "").lower()
        if found is None or scheme not in _DEFAULT_PORTS or found["slashes"] != "//":
            raise InvalidOrigin(f"{text!r} does not begin with https:// or http://: write {_suggestion(text)}")
        if found["user"]:
            raise InvalidOrigin(f"'{scheme}://…@…' has a user or a password: write {_suggestion(text)}")
        if found["rest"].strip("/"):
            raise InvalidOrigin(f"{text!r} has a path or a query: write {_suggestion(text)}")
        try:
            return cls(scheme, *_host_and_port(scheme, found["authority"]))
        except ValueError as error:
            raise InvalidOrigin(f"{text!r} is not an origin ({error}): write {_suggestion(text)}") from error

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "")

    @property
    def websocket(self) -> str:
        """The same origin for WebSockets: `wss://…` for https, else `ws://…`."""
        return str(self).replace("http", "ws", 1)

    @property
    def is_loopback(self) -> bool:
        """Whether the host is always this machine."""
        return is_loopback(self.host)

    @property
    def is_unencrypted(self) -> bool:
        """Whether a browser reaches it over a network without TLS: passwords can be read, and cookies are not kept."""
        return self.scheme == "http" and not self.is_loopback


def parse_origins(text: str) -> tuple[str, ...]:
    """Return the origins of a list, each once, in their order.

    Raises InvalidOrigin for the first one that is invalid.
    """
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):  # a JSON list: an origin never begins with a bracket
        text = text[1:-1]
    return tuple(dict.fromkeys(str(Origin.parse(part)) for part in split_list(text)))


def is_loopback(host: str) -> bool:
    """Return whether a name or an address is always this machine (RFC 6761 §6.3; Secure Contexts §3.1)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def unencrypted_problem(origins: Iterable[str]) -> str | None:
    """Return what is wrong with origins that reach the server over a network without TLS, or None.

    The session's cookie is `Secure`, so a browser does not keep it there (RFC 6265bis §5.7).
    """
    unencrypted = ", ".join(sorted(origin for origin in origins if Origin.parse(origin).is_unencrypted))
    if not unencrypted:
        return None
    return (
        f"sign-ins at {unencrypted} do not last: without https a browser does not keep the session, and passwords can "
        "be read on the way; put a proxy with TLS in front, and allow its https origin"
    )


def _host_and_port(scheme: str, authority: str) -> tuple[str, int | None]:
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise ValueError("an IPv6 address needs brackets, and a port is a number")
    port = int(found["port"]) if found["port"] else _DEFAULT_PORTS[scheme]
    if not 0 < port <= 65535:
        raise ValueError(f"there is no port {port}")
    return _host(found["host"]), None if port == _DEFAULT_PORTS[scheme] else port


def _host(text: str) -> str:
    if text.startswith("["):
        address = ipaddress.IPv6Address(text[1:-1])
        if address.scope_id is not None:
            raise ValueError("a browser never sends a zone")
        return address.compressed
    name = text.lower()
    if not name.isascii():
        import idna  # slow to import, and rarely needed

        try:
            name = idna.encode(name, uts46=True).decode()
        except idna.IDNAError as error:
            raise ValueError(str(error)) from error
    name = name.removesuffix(".")
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise ValueError("the host name is invalid" if name else "the host name is missing")
    if _NUMBER.fullmatch(
        name.rpartition(".")[2]
    ):  # browsers take it for an IPv4 address (WHATWG URL, "ends in a number")
        return str(ipaddress.IPv4Address(name))
    return name


def _suggestion(text: str) -> str:
    """Return what the text was probably meant to be, or an example."""
    found = _PARTS.fullmatch(text)
    if found is None:
        return _EXAMPLE
    scheme, authority = (found["scheme"] or "").lower(), found["authority"]
    if scheme and scheme not in _DEFAULT_PORTS and not found["slashes"]:  # `localhost:8000` has no scheme
        scheme, authority = "", f"{found['scheme']}:{authority}"
    if authority.count(":") > 1 or "[" in authority:
        return _EXAMPLE_IPV6
    try:
        host, port = _host_and_port("https", authority)
    except ValueError:
        return _EXAMPLE
    scheme = "http" if Origin("http", host, port).is_loopback and scheme not in ("https", "wss") else "https"
    return str(Origin(scheme, host, port))
