"""`/api/users`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from slowapi import Limiter

from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.dependencies import require_principal
from cloudchat.auth.principal import CHAT_READ
from cloudchat.http.error_docs import documented
from cloudchat.rate_limiting.http_limits import limited_route
from cloudchat.settings import Settings
from cloudchat.users.schemas import FoundUserResponse, FoundUsersResponse
from cloudchat.users.service import UserDirectory


def user_routes(users: UserDirectory, authenticator: Authenticator, limiter: Limiter, settings: Settings) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api", tags=["users"], route_class=limited_route(limiter, settings.account_rate))

    @routes.get(
        "/users",
        summary="Find users by the beginning of their names",
        dependencies=[Depends(require_principal(authenticator, scope=CHAT_READ))],
        responses=documented(401, 403, 422, 429, 503),
    )
    def find_users(
        q: Annotated[str, Query(max_length=128, examples=["an"])] = "",
        cursor: Annotated[
            str | None,
            Query(
                description="The `next` of the previous page.", max_length=192, pattern=r"^[^\x00]*$", examples=["ann"]
            ),
        ] = None,
        limit: Annotated[int, Query(description="The size of the page.", ge=1, le=500, examples=[20])] = 20,
    ) -> FoundUsersResponse:
        """Return a page of the users whose names begin with `q`, in any case, by name. Disabled users are left out."""
        found = users.find(q, cursor, limit + 1)
        page = [FoundUserResponse.of(user) for user in found[:limit]]
        return FoundUsersResponse(users=page, next=found[limit - 1].name_key if len(found) > limit else None)

    return routes
