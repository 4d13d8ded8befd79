"""Everything that wraps all routes, in its order."""

from collections import Counter
from collections.abc import Iterable

from fastapi import FastAPI
from slowapi import Limiter

from cloudchat.http.body_limit import BodyLimit
from cloudchat.http.cross_origin import CrossOrigin
from cloudchat.http.errors import install_error_handlers
from cloudchat.http.limits import install_limiter
from cloudchat.http.origins import Origins
from cloudchat.http.proxies import TrustedProxies
from cloudchat.http.refusal_log import RefusalLog
from cloudchat.http.request_counts import RequestCounts
from cloudchat.http.request_id import RequestId
from cloudchat.http.security_headers import SecurityHeaders


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
    app.add_middleware(CrossOrigin, origins=origins)
    app.add_middleware(RefusalLog)
    app.add_middleware(RequestCounts, counts=requests)
    app.add_middleware(SecurityHeaders, origins=origins)
    app.add_middleware(TrustedProxies, proxies=proxies)
    app.add_middleware(RequestId)
