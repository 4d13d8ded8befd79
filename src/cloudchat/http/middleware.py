"""Everything that wraps all routes, in its order."""

from collections import Counter
from collections.abc import Iterable

from fastapi import FastAPI
from slowapi import Limiter

from cloudchat.http.body_limit import BodyLimit
from cloudchat.http.cors import CorsMiddleware
from cloudchat.http.csrf import Origins
from cloudchat.http.denial_log import DenialLog
from cloudchat.http.errors import install_error_handlers
from cloudchat.http.proxies import TrustedProxies
from cloudchat.http.request_counts import RequestCounts
from cloudchat.http.request_id import RequestId
from cloudchat.http.security_headers import SecurityHeaders
from cloudchat.rate_limiting.http_limits import install_limiter


def protect(
    app: FastAPI,
    limiter: Limiter,
    origins: Origins,
    requests: Counter[tuple[str, str, int]],
    proxies: Iterable[str] = (),
) -> None:
    """Wrap `app`: outermost who asks, then headers, so that every answer below has them; errors; the body's size."""
    app.add_middleware(BodyLimit)
    install_error_handlers(app)
    install_limiter(app, limiter)
    app.add_middleware(CorsMiddleware, origins=origins)
    app.add_middleware(DenialLog)
    app.add_middleware(RequestCounts, counts=requests)
    app.add_middleware(SecurityHeaders, origins=origins)
    app.add_middleware(TrustedProxies, proxies=proxies)
    app.add_middleware(RequestId)
