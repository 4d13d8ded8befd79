"""FastAPI dependencies and parameter types of the routes of rooms."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.dependencies import require_principal
from cloudchat.auth.principal import Principal
from cloudchat.http.csrf import require_json_from_allowed_origin
from cloudchat.rate_limiting.http_limits import client_address
from cloudchat.rooms.caller import Caller
from cloudchat.settings import Settings

_ID = r"^[A-Za-z0-9_-]{1,64}$"
_WITHOUT_NUL = r"^[^\x00]*$"  # which PostgreSQL does not accept in a text
RoomId = Annotated[str, Path(pattern=_ID, examples=["lobby"])]
UserId = Annotated[str, Path(pattern=_ID, examples=["q_axJiJBBhCsk1eqY2Fzxg"])]
PageSize = Annotated[int, Query(description="The size of the page.", ge=1, le=500, examples=[100])]
RoomCursor = Annotated[
    str | None, Query(description="The `next` of the previous page.", pattern=_ID, examples=["lobby"])
]
NameCursor = Annotated[
    str | None,
    Query(description="The `next` of the previous page.", max_length=192, pattern=_WITHOUT_NUL, examples=["garden"]),
]
NamePart = Annotated[str, Query(max_length=128, examples=["gar"])]


def require_caller(authenticator: Authenticator, scope: str) -> Callable[[Request, Principal], Caller]:
    """Return a dependency that requires a token with this scope. Any other request fails with 401 or 403."""
    authenticated = require_principal(authenticator, scope=scope)

    def caller(request: Request, principal: Annotated[Principal, Depends(authenticated)]) -> Caller:
        return Caller.from_principal(principal, client_address(request))

    return caller


def require_json_if_any(settings: Settings) -> Callable[[Request], Awaitable[None]]:
    """Return the dependency of a route whose body is optional: if there is one, it must be JSON."""
    check = require_json_from_allowed_origin(settings)

    async def check_if_any(request: Request) -> None:
        if "content-type" in request.headers:
            await check(request)

    return check_if_any
