"""`/api/rooms`."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from slowapi import Limiter

from cloudchat.auth.dependencies import require_principal
from cloudchat.auth.principal import CHAT_READ, Principal
from cloudchat.auth.service import AccountService
from cloudchat.http.error_docs import documented
from cloudchat.rate_limiting.http_limits import limited_route
from cloudchat.rooms.service import RoomService
from cloudchat.settings import Settings


class RoomAnswer(BaseModel):
    """A room that one is in."""

    id: str = Field(examples=["lobby"])
    name: str = Field(examples=["lobby"])
    kind: str = Field(examples=["public"])
    read: int = Field(description="The seq that one has read up to; 0 is nothing.", examples=[0])


class RoomsAnswer(BaseModel):
    """The rooms that one is in, the oldest first."""

    rooms: list[RoomAnswer]


def room_routes(rooms: RoomService, accounts: AccountService, limiter: Limiter, settings: Settings) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/api", tags=["rooms"], route_class=limited_route(limiter, settings.account_rate))
    reader = Annotated[Principal, Depends(require_principal(accounts, scope=CHAT_READ))]

    @routes.get("/rooms", responses=documented(401, 403, 429, 503))
    def list_rooms(principal: reader) -> RoomsAnswer:
        """The rooms that one is in."""
        return RoomsAnswer(
            rooms=[
                RoomAnswer(id=room.id, name=room.name, kind=room.kind, read=room.read)
                for room in rooms.rooms_of(principal.user_id)
            ]
        )

    return routes
