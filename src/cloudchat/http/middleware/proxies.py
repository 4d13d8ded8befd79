"""The client's address behind a proxy: only proxies that the operator configured are trusted (ASVS 15.3.4).

uvicorn's own middleware is not used. Over a unix socket it trusts every header, and it takes the *first* address of
X-Forwarded-For, which is what the client itself wrote if the proxy only appends.
"""

import ipaddress
import logging
import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.http.middleware.asgi import Middleware

log = logging.getLogger("cloudchat.http")

UNREADABLE = "cloudchat.unreadable_client"
"""The key in `scope["state"]` of a request whose X-Forwarded-For names no client that could be read."""
_ELEMENT = re.compile(r"\[(?P<six>[^\[\]]+)\](?::(?P<six_port>\d{1,5}))?|(?P<four>[^:\[\]]+):(?P<four_port>\d{1,5})")
"""An address in brackets or with a port; anything else is an address alone."""
_MAX_PORT = 65535
_MAX_LOGGED_CHARS = 64
_SCHEMES = {b"http": "http", b"https": "https"}


class TrustedProxies(Middleware):
    """Sets the client's real address and scheme in the scope of requests and sockets.

    On TCP the peer must be one of `proxies` (addresses or networks). A peer on a unix socket is always trusted: the
    permissions of the socket's directory let only the proxy connect. The client is the right-most address of
    X-Forwarded-For that is not a trusted proxy; everything left of it was written by an unknown party. An element can
    have a port and brackets, as some load balancers write it. Other headers (X-Real-IP, Forwarded) are ignored.

    An element that cannot be read makes all clients of that proxy one client, so it is logged.
    """

    scope_types = ("http", "websocket")

    def __init__(self, app: ASGIApp, proxies: Iterable[str]) -> None:
        super().__init__(app)
        self._networks = [ipaddress.ip_network(proxy) for proxy in proxies]

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the forwarded headers of a trusted peer."""
        if self._peer_is_trusted(scope):
            forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
            address, unreadable = self._client_address(b",".join(forwarded).decode("latin-1"))
            if address is not None:
                scope["client"] = (address, 0)
            if unreadable is not None:
                scope.setdefault("state", {})[UNREADABLE] = True
                proxy = (scope.get("client") or ("local",))[0]
                event = "X-Forwarded-For of a proxy is not an address, so its clients count as one: correct its setting"
                log.warning(f"{event} element=%s address=%s", unreadable, proxy, extra=RATE_LIMITED)
            protocols = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
            scheme = _SCHEMES.get(protocols[-1].strip().lower()) if protocols else None
            if scheme is not None:
                scope["scheme"] = scheme if scope["type"] == "http" else scheme.replace("http", "ws")
        await self._app(scope, receive, send)

    def _peer_is_trusted(self, scope: Scope) -> bool:
        server = scope.get("server")
        if server is not None and server[1] is None:  # a unix socket: a path and no port
            return True
        client = scope.get("client")
        return client is not None and self._is_proxy(client[0])

    def _is_proxy(self, address: str) -> bool:
        if not self._networks:  # parsing an address takes 10 µs
            return False
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)

    def _client_address(self, forwarded: str) -> tuple[str | None, str | None]:
        """Return the client's address, and the element that could not be read if it ended the search."""
        address = None
        for element in reversed(forwarded.split(",")):
            if not element.strip():
                continue  # lists may have empty elements (RFC 9110 §5.6.1)
            try:
                address = address_of(element)
            except ValueError:
                return address, element.strip()[:_MAX_LOGGED_CHARS]  # nothing left of it can be attributed to anyone
            if not self._is_proxy(address):
                break
        return address, None


def address_of(element: str) -> str:
    """Return the address in an element of X-Forwarded-For, without port, brackets, quotes and zone.

    An IPv4 address that is mapped into IPv6 is returned as an IPv4 address.
    Raises ValueError.
    """
    text = element.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    found = _ELEMENT.fullmatch(text)
    if found is None:
        return _plain(text)
    if int(found["six_port"] or found["four_port"] or 0) > _MAX_PORT:
        raise ValueError("the port is too large")
    if found["six"] is not None:
        return _plain(str(ipaddress.IPv6Address(found["six"].partition("%")[0])))
    return str(ipaddress.IPv4Address(found["four"]))


def _plain(address: str) -> str:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)
