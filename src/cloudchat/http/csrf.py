"""Cross-site request forgery: who may use the routes that a browser's cookie opens (ASVS 3.5)."""

from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from fastapi import Request

from cloudchat.http.errors import ApiError
from cloudchat.protocol.errors import ErrorCode
from cloudchat.settings import Settings

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}

Origins = Callable[[], frozenset[str]]
"""The exact origins allowed now: with port 0 they are known only once the server listens."""


def demand_json(request: Request) -> None:
    """A page of another origin can't send this content type without asking first (Fetch standard). Raises ApiError."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise ApiError(415, ErrorCode.BAD_REQUEST, "send Content-Type: application/json")


def demand_allowed_origin(request: Request, origins: Iterable[str], *, present: bool) -> None:
    """The `Origin`, if there is one, must be in the list; with `present` there must be one. Raises ApiError.

    Browsers put it on every POST, programs on none: so only where a cookie is the credential must it be present.
    """
    origin = request.headers.get("origin")
    if (origin is None and present) or (origin is not None and origin not in origins):
        raise ApiError(403, ErrorCode.FORBIDDEN, "this page's origin is not allowed (CLOUDCHAT_ALLOWED_ORIGINS)")


def json_of_our_page(settings: Settings) -> Callable[[Request], Awaitable[None]]:
    """A dependency for every route with a body: JSON, and no page of another origin."""

    async def demand(request: Request) -> None:
        demand_json(request)
        demand_allowed_origin(request, settings.origins, present=False)

    return demand


def only_plain_loopback(origins: Iterable[str]) -> bool:
    """Whether all pages are plain http ones of this machine, the only ones whose cookies need not be Secure."""
    parts = [urlsplit(origin) for origin in origins]
    return bool(parts) and all(part.scheme == "http" and part.hostname in _LOOPBACK for part in parts)
