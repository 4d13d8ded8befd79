"""Cross-site request forgery: which pages may use the routes that accept a cookie (ASVS 3.5)."""

from collections.abc import Awaitable, Callable, Iterable

from fastapi import Request

from cloudchat.core.origin import Origin
from cloudchat.http.errors import ApiError
from cloudchat.protocol.errors import ErrorCode
from cloudchat.settings import Settings

ORIGIN_NOT_ALLOWED = "this page's origin is not allowed (CLOUDCHAT_ALLOWED_ORIGINS)"

Origins = Callable[[], frozenset[str]]
"""Returns the exact origins that are allowed now: with port 0 they are known only when the server listens."""


def require_json(request: Request) -> None:
    """Raise ApiError (415) unless the body is declared as JSON.

    A page of another origin can send this content type only after a preflight (Fetch standard).
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise ApiError(ErrorCode.BAD_REQUEST, "send Content-Type: application/json", status=415)


def require_allowed_origin(request: Request, origins: Iterable[str], *, required: bool) -> None:
    """Raise ApiError (403) if the request's `Origin` is not in `origins`.

    Browsers send the header with every POST, programs never do. So it is `required` only where a cookie is the
    credential.
    """
    origin = request.headers.get("origin")
    if (origin is None and required) or (origin is not None and origin not in origins):
        raise ApiError(ErrorCode.FORBIDDEN, ORIGIN_NOT_ALLOWED)


def require_json_from_allowed_origin(settings: Settings) -> Callable[[Request], Awaitable[None]]:
    """Return the dependency of every route with a body: it must be JSON, and not from a page of another origin."""

    async def check(request: Request) -> None:
        require_json(request)
        require_allowed_origin(request, settings.origins, required=False)

    return check


def only_plain_loopback(origins: Iterable[str]) -> bool:
    """Return whether all origins are plain http on this machine: only then may cookies be sent without `Secure`."""
    parsed = [Origin.parse(origin) for origin in origins]
    return bool(parsed) and all(origin.scheme == "http" and origin.is_loopback for origin in parsed)
