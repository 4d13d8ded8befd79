"""Who asks, when a proxy stands in between: only a proxy that the operator named is believed (ASVS 15.3.4).

uvicorn's own middleware would do on TCP. Over a unix socket it trusts everything, and takes the *first* address of
X-Forwarded-For, which is whatever the client itself wrote there if the proxy only appends.
"""

import ipaddress
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

_SCHEMES = {b"http": "http", b"https": "https"}


class TrustedProxies:
    """Puts the client's real address and scheme into the scope, of requests and of sockets.

    On TCP the peer must be one of `proxies` (addresses or networks). A unix socket can be reached by our own proxy
    alone, by the rights on its folder. Of X-Forwarded-For counts the right-most address that is no trusted proxy's,
    for everything left of it was said by somebody nobody knows. Other headers (X-Real-IP, Forwarded) change nothing.
    """

    def __init__(self, app: ASGIApp, proxies: Iterable[str]) -> None:
        self._app = app
        self._networks = [ipaddress.ip_network(proxy) for proxy in proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] in ("http", "websocket") and self._believes_peer_of(scope):
            forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
            address = self._client_in(b",".join(forwarded).decode("latin-1"))
            if address is not None:
                scope["client"] = (address, 0)
            protocols = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
            scheme = _SCHEMES.get(protocols[-1].strip().lower()) if protocols else None
            if scheme is not None:
                scope["scheme"] = scheme if scope["type"] == "http" else scheme.replace("http", "ws")
        await self._app(scope, receive, send)

    def _believes_peer_of(self, scope: Scope) -> bool:
        server = scope.get("server")
        if server is not None and server[1] is None:  # a unix socket: a path and no port
            return True
        client = scope.get("client")
        return client is not None and self._trusts(client[0])

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)

    def _client_in(self, forwarded: str) -> str | None:
        found = None
        for element in reversed(forwarded.split(",")):
            try:
                found = str(ipaddress.ip_address(element.strip()))
            except ValueError:
                break  # nobody can say who is behind something that is no address
            if not self._trusts(found):
                break
        return found
