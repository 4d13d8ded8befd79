"""Everything that wraps all routes, in its order."""

from fastapi import FastAPI
from slowapi import Limiter

from cloudchat.http.body_limit import BodyLimit
from cloudchat.http.errors import install_error_handlers
from cloudchat.http.limits import install_limiter
from cloudchat.http.origins import Origins
from cloudchat.http.security_headers import SecurityHeaders


def protect(app: FastAPI, limiter: Limiter, origins: Origins) -> None:
    """Wrap `app`: outermost the headers, so that every answer below has them; then errors; then the body's size."""
    app.add_middleware(BodyLimit)
    install_error_handlers(app)
    install_limiter(app, limiter)
    app.add_middleware(SecurityHeaders, origins=origins)
