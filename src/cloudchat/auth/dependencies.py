"""FastAPI dependencies that turn the `Authorization` header into a Principal."""

import time
from collections.abc import AsyncIterator, Callable, Collection
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.errors import BadToken, PermissionDenied
from cloudchat.auth.passwords.turns import HashingTurns
from cloudchat.auth.principal import Principal
from cloudchat.auth.tokens.kinds import ACCESS, API
from cloudchat.http.middleware.request_log import USER

_bearer = HTTPBearer(auto_error=False, description="An access token or an API token.")
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]

PrincipalDependency = Callable[[Request, HTTPAuthorizationCredentials | None], Principal]


def bearer_token(credentials: _Credentials) -> str | None:
    """Return the token of the `Authorization` header without checking it."""
    return credentials.credentials if credentials else None


def require_principal(
    authenticator: Authenticator, *, scope: str | None = None, kinds: Collection[str] = (ACCESS, API)
) -> PrincipalDependency:
    """Return a dependency that authenticates the request, or fails with 401 or 403.

    The dependency is a plain `def`, which FastAPI runs in a thread: it queries the database.

    Args:
        scope: The scope that the token must have.
        kinds: The kinds of token that the route accepts.
    """

    def principal(request: Request, credentials: _Credentials) -> Principal:
        if credentials is None:
            raise BadToken("send Authorization: Bearer and a token")
        found = authenticator.authenticate(credentials.credentials, time.time())
        request.scope.setdefault("state", {})[USER] = found.user_id
        if found.kind not in kinds:
            raise BadToken("this kind of token is not accepted here")
        if scope is not None and scope not in found.scopes:
            advice = "change a one-time password, and set up a required second factor, to get all scopes"
            raise PermissionDenied(f"this requires the scope {scope}; {advice}")
        return found

    return principal


def hashing_turn(turns: HashingTurns) -> Any:
    """Return `Depends(…)` for a route that verifies or hashes a password: the route runs when its turn comes.

    Declare it as the last parameter, so that a request without a valid token does not wait. Fails with 503.
    """

    async def turn() -> AsyncIterator[None]:
        async with turns.turn():
            yield

    return Depends(turn, scope="function")  # the turn ends before the response is sent, to however slow a client
