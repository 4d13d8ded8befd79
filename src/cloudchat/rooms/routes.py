"""`/api/rooms`."""

from typing import Annotated

from fastapi import APIRouter, Depends
from slowapi import Limiter

from cloudchat.auth.dependencies import require_principal
from cloudchat.auth.principal import CHAT_READ, Principal
from cloudchat.auth.service import AccountService
from cloudchat.http.error_docs import documented
from cloudchat.rate_limiting.http_limits import limited_route
from cloudchat.rooms.schemas import RoomListResponse, RoomResponse
from cloudchat.rooms.service import RoomService
from cloudchat.settings import Settings


def room_routes(rooms: RoomService, accounts: AccountService, limiter: Limiter, settings: Settings) -> APIRouter:
    """Return the router of `/api/rooms`."""
    routes = APIRouter(prefix="/api", tags=["rooms"], route_class=limited_route(limiter, settings.account_rate))
    Reader = Annotated[Principal, Depends(require_principal(accounts, scope=CHAT_READ))]  # noqa: N806 (a type)

    @routes.get("/rooms", responses=documented(401, 403, 429, 503))
    def list_rooms(principal: Reader) -> RoomListResponse:
        """List the rooms that you are in."""
        return RoomListResponse(rooms=[RoomResponse.from_summary(room) for room in rooms.rooms_of(principal.user_id)])

    return routes
