"""From a request to the administrator who makes it."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from cloudchat.admin.actor import Actor, acting
from cloudchat.auth.dependencies import signed_in
from cloudchat.auth.principal import ADMINISTER, Principal
from cloudchat.auth.service import AccountService
from cloudchat.rate_limiting.http_limits import client_address

_ID = r"^[A-Za-z0-9_-]{1,22}$"
PathId = Annotated[str, Path(pattern=_ID)]
Cursor = Annotated[str | None, Query(pattern=_ID)]
PageSize = Annotated[int, Query(ge=1, le=500)]


def acting_administrator(accounts: AccountService) -> Callable[[Request, Principal], Actor]:
    """A dependency: whose token, of a session or an API token, holds the scope `admin`; 401 or 403 for all others."""
    administrator = signed_in(accounts, scope=ADMINISTER)

    def actor(request: Request, principal: Annotated[Principal, Depends(administrator)]) -> Actor:
        return acting(principal, client_address(request))

    return actor
