"""From the `Authorization` header to a Principal."""

import time
from collections.abc import Callable, Collection
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cloudchat.auth.principal import Principal
from cloudchat.auth.service import AccountService
from cloudchat.auth.tokens.access_tokens import ACCESS, API
from cloudchat.http.errors import ApiError
from cloudchat.http.request_log import USER
from cloudchat.protocol.errors import ErrorCode

_bearer = HTTPBearer(auto_error=False, description="An access token or an API token.")
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]

SignedIn = Callable[[Request, HTTPAuthorizationCredentials | None], Principal]


def bearer_token(credentials: _Credentials) -> str | None:
    """The token of the `Authorization` header, unchecked."""
    return credentials.credentials if credentials else None


def signed_in(
    accounts: AccountService, *, scope: str | None = None, kinds: Collection[str] = (ACCESS, API)
) -> SignedIn:
    """A dependency that gives the Principal of the request's token, or answers 401 or 403.

    With `scope` the token must hold it; `kinds` are the token kinds accepted. A plain `def`: it asks the database.
    """

    def principal(request: Request, credentials: _Credentials) -> Principal:
        if credentials is None:
            raise ApiError(ErrorCode.UNAUTHENTICATED, "send Authorization: Bearer and a token")
        found = accounts.authenticate(credentials.credentials, time.time())
        request.scope.setdefault("state", {})[USER] = found.user_id
        if found.kind not in kinds:
            raise ApiError(ErrorCode.UNAUTHENTICATED, "this kind of token is not accepted here")
        if scope is not None and scope not in found.scopes:
            why = "a one-time password, or a second factor that is not set up yet, withholds scopes"
            raise ApiError(ErrorCode.FORBIDDEN, f"this needs the scope {scope}; {why}")
        return found

    return principal
