"""The client's address behind a proxy: only proxies that the operator configured are trusted (ASVS 15.3.4).

uvicorn's own middleware is not used. Over a unix socket it trusts every header, and it takes the *first* address of
X-Forwarded-For, which is what the client itself wrote if the proxy only appends.
"""

import ipaddress
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from cloudchat.http.asgi import Middleware

_SCHEMES = {b"http": "http", b"https": "https"}


class TrustedProxies(Middleware):
    """Sets the client's real address and scheme in the scope of requests and sockets.

    On TCP the peer must be one of `proxies` (addresses or networks). A peer on a unix socket is always trusted: the
    permissions of the socket's directory let only the proxy connect. The client is the right-most address of
    X-Forwarded-For that is not a trusted proxy; everything left of it was written by an unknown party. Other headers
    (X-Real-IP, Forwarded) are ignored.
    """

    scope_types = ("http", "websocket")

    def __init__(self, app: ASGIApp, proxies: Iterable[str]) -> None:
        super().__init__(app)
        self._networks = [ipaddress.ip_network(proxy) for proxy in proxies]

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the forwarded headers of a trusted peer."""
        if self._peer_is_trusted(scope):
            forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
            address = self._client_address(b",".join(forwarded).decode("latin-1"))
            if address is not None:
                scope["client"] = (address, 0)
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
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)

    def _client_address(self, forwarded: str) -> str | None:
        address = None
        for element in reversed(forwarded.split(",")):
            try:
                address = str(ipaddress.ip_address(element.strip()))
            except ValueError:
                break  # not an address: nothing left of it can be attributed to anyone
            if not self._is_proxy(address):
                break
        return address
