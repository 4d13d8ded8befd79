"""The middleware around all routes, in its order."""

from collections import Counter
from collections.abc import Iterable

from fastapi import FastAPI

from cloudchat.http.csrf import Origins
from cloudchat.http.errors import install_error_handlers
from cloudchat.http.middleware.body_limit import BodyLimit
from cloudchat.http.middleware.cors import CorsMiddleware
from cloudchat.http.middleware.proxies import TrustedProxies
from cloudchat.http.middleware.request_log import RequestId, RequestLog
from cloudchat.http.middleware.security_headers import SecurityHeaders


def install_middleware(
    app: FastAPI,
    origins: Origins,
    request_counts: Counter[tuple[str, str, int]],
    trusted_proxies: Iterable[str] = (),
) -> None:
    """Wrap `app`. Starlette runs the middleware that was added last first, so this reads from the inside out.

    The headers are added outside of the error handling, so that error responses have them, too. The client's real
    address is known to everything that logs or limits.
    """
    app.add_middleware(BodyLimit)
    install_error_handlers(app)
    app.add_middleware(CorsMiddleware, origins=origins)
    app.add_middleware(RequestLog, counts=request_counts)
    app.add_middleware(SecurityHeaders, origins=origins)
    app.add_middleware(TrustedProxies, proxies=trusted_proxies)
    app.add_middleware(RequestId)
