"""`/api/rooms`. Members and moderation have their own modules.

All routes are plain `def`s, which FastAPI runs in threads: SQL blocks.
"""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from slowapi import Limiter
from starlette.convertors import StringConvertor, register_url_convertor

from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.errors import InvalidField, NotFound
from cloudchat.auth.principal import CHAT_READ, CHAT_WRITE
from cloudchat.http.csrf import require_json_from_allowed_origin
from cloudchat.http.error_docs import documented
from cloudchat.rate_limiting.http_limits import limited_route
from cloudchat.rooms.caller import Caller
from cloudchat.rooms.dependencies import NameCursor, NamePart, PageSize, RoomCursor, RoomId, require_caller
from cloudchat.rooms.members.routes import add_member_routes
from cloudchat.rooms.moderation.routes import add_moderation_routes
from cloudchat.rooms.permissions import Kind
from cloudchat.rooms.schemas import (
    PublicRoomResponse,
    PublicRoomsResponse,
    RoomChangeRequest,
    RoomListResponse,
    RoomRequest,
    RoomResponse,
)
from cloudchat.rooms.service import RoomService
from cloudchat.rooms.updates import RoomUpdate
from cloudchat.settings import Settings


class _RoomIdConvertor(StringConvertor):
    """A room id in a path: not `public`, which has a route of its own and so other methods."""

    regex = "(?!public$)[^/]+"


register_url_convertor("room", _RoomIdConvertor())
_ROOM = "/{room_id:room}"


def room_routes(rooms: RoomService, authenticator: Authenticator, limiter: Limiter, settings: Settings) -> APIRouter:
    """Return the routes of rooms, of their members and of moderation."""
    routes = APIRouter(prefix="/api/rooms", tags=["rooms"], route_class=limited_route(limiter, settings.account_rate))
    reader = Annotated[Caller, Depends(require_caller(authenticator, CHAT_READ))]
    writer = Annotated[Caller, Depends(require_caller(authenticator, CHAT_WRITE))]
    json_body = [Depends(require_json_from_allowed_origin(settings))]

    @routes.get("", summary="List your rooms", responses=documented(401, 403, 404, 422, 429, 503))
    def list_rooms(caller: reader, cursor: RoomCursor = None, limit: PageSize = 100) -> RoomListResponse:
        """Return a page of the rooms that you are in, the oldest first. 404 if the room `cursor` does not exist."""
        after = None if cursor is None else rooms.place_of(cursor)
        if cursor is not None and after is None:
            raise NotFound("there is no such cursor")
        found = rooms.page_of(caller.user_id, after, limit + 1)
        page = [RoomResponse.from_summary(room) for room in found[:limit]]
        return RoomListResponse(rooms=page, next=page[-1].id if len(found) > limit else None)

    @routes.get("/public", summary="Find public rooms", responses=documented(401, 403, 422, 429, 503))
    def find_public_rooms(
        caller: reader, q: NamePart = "", cursor: NameCursor = None, limit: PageSize = 100
    ) -> PublicRoomsResponse:
        """Return a page of the public rooms that have `q` in their names, by name. Archived rooms are left out."""
        found = rooms.find_public(caller, q, cursor, limit + 1)
        page = [PublicRoomResponse.from_room(room) for room in found[:limit]]
        return PublicRoomsResponse(rooms=page, next=found[limit - 1].name_key if len(found) > limit else None)

    @routes.post(
        "",
        summary="Create a room, or open a direct room",
        status_code=201,
        dependencies=json_body,
        responses={
            200: {"model": RoomResponse, "description": "The direct room of these people, which existed already"},
            **documented(401, 403, 409, 413, 415, 422, 429, 503),
        },
    )
    def create_room(caller: writer, body: RoomRequest, response: Response) -> RoomResponse:
        """Create a room, whose owner you are. 409 if another public room has the name, in any case.

        `direct` returns the room of you and `users`: 201 if it is new, 200 if it existed.
        """
        if Kind(body.kind) is not Kind.DIRECT:
            created = rooms.create(
                body.kind, body.name or "", body.topic or "", body.users, caller=caller, now=time.time()
            )
            return RoomResponse.from_summary(created)
        for field in ("name", "topic"):
            if getattr(body, field):
                raise InvalidField(field, f"a direct room has no {field}")
        room, is_new = rooms.open_direct(body.users, caller=caller, now=time.time())
        if not is_new:
            response.status_code = 200
        return RoomResponse.from_summary(room)

    @routes.get(_ROOM, summary="Get a room", responses=documented(401, 403, 404, 422, 429, 503))
    def get_room(caller: reader, room_id: RoomId) -> RoomResponse:
        """Return a room that you are in, or a public one. 404 for every other room, whether or not it exists."""
        room = rooms.get(room_id, caller)
        return RoomResponse.from_summary(room, rooms.read_by_others(room))

    @routes.patch(
        _ROOM,
        summary="Change a room, or switch its notifications",
        dependencies=json_body,
        responses=documented(401, 403, 404, 409, 413, 415, 422, 429, 503),
    )
    def change_room(caller: writer, room_id: RoomId, body: RoomChangeRequest) -> RoomResponse:
        """Change a room. Each member can change `muted`; the other fields are for owners.

        409 if the room is archived and is not restored by the same request, or if another public room has the name.
        """
        update = RoomUpdate(
            name=body.name,
            topic=body.topic,
            archived=body.archived,
            slow_mode_seconds=body.slow_mode_seconds,
            retention_days=body.retention_days,
            muted=body.muted,
        )
        return RoomResponse.from_summary(rooms.update(room_id, update, caller=caller, now=time.time()))

    add_member_routes(routes, rooms, authenticator, settings)
    add_moderation_routes(routes, rooms, authenticator, settings)
    return routes
