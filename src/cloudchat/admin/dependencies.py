"""FastAPI dependencies and parameter types of the administration routes."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from cloudchat.admin.actor import Actor
from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.dependencies import require_principal
from cloudchat.auth.principal import ADMINISTER, Principal
from cloudchat.rate_limiting.http_limits import client_address

_ID = r"^[A-Za-z0-9_-]{1,22}$"
_EXAMPLE = "q_axJiJBBhCsk1eqY2Fzxg"
PathId = Annotated[str, Path(pattern=_ID, examples=[_EXAMPLE])]
After = Annotated[
    str | None,
    Query(
        description="Return the page after this user: the `next` of the previous page.",
        pattern=_ID,
        examples=[_EXAMPLE],
    ),
]
Before = Annotated[
    str | None,
    Query(
        description="Return the page before this entry: the `next` of the newer page.",
        pattern=_ID,
        examples=[_EXAMPLE],
    ),
]
NamePart = Annotated[str, Query(max_length=128, examples=["an"])]
PageSize = Annotated[int, Query(description="The size of the page.", ge=1, le=500, examples=[100])]


def require_administrator(authenticator: Authenticator) -> Callable[[Request, Principal], Actor]:
    """Return a dependency that requires a token, of a session or an API token, with the scope `admin`.

    Any other request fails with 401 or 403.
    """
    administrator = require_principal(authenticator, scope=ADMINISTER)

    def actor(request: Request, principal: Annotated[Principal, Depends(administrator)]) -> Actor:
        return Actor.from_principal(principal, client_address(request))

    return actor
