"""`/api/rooms/{room_id}/members`."""

import time
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Response

from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.principal import CHAT_READ, CHAT_WRITE
from cloudchat.http.error_docs import documented
from cloudchat.rooms.caller import Caller
from cloudchat.rooms.dependencies import (
    NameCursor,
    NamePart,
    PageSize,
    RoomId,
    UserId,
    require_caller,
    require_json_if_any,
)
from cloudchat.rooms.members.schemas import MemberRequest, MemberResponse, MembersResponse
from cloudchat.settings import Settings

if TYPE_CHECKING:
    from cloudchat.rooms.service import RoomService


def add_member_routes(
    routes: APIRouter, rooms: "RoomService", authenticator: Authenticator, settings: Settings
) -> None:
    """Add the routes to the router of `/api/rooms`, which has their limit."""
    reader = Annotated[Caller, Depends(require_caller(authenticator, CHAT_READ))]
    writer = Annotated[Caller, Depends(require_caller(authenticator, CHAT_WRITE))]

    @routes.get(
        "/{room_id}/members", summary="List the members of a room", responses=documented(401, 403, 404, 422, 429, 503)
    )
    def list_members(
        caller: reader, room_id: RoomId, q: NamePart = "", cursor: NameCursor = None, limit: PageSize = 100
    ) -> MembersResponse:
        """Return a page of the members whose names begin with `q`, by name."""
        found = rooms.members.list(room_id, q, cursor, limit + 1, caller=caller)
        page = [MemberResponse.of(member) for member in found[:limit]]
        return MembersResponse(members=page, next=found[limit - 1].name_key if len(found) > limit else None)

    @routes.put(
        "/{room_id}/members/{user_id}",
        summary="Join a room, add a member, or change a role",
        dependencies=[Depends(require_json_if_any(settings))],
        responses=documented(401, 403, 404, 409, 413, 415, 422, 429, 503),
    )
    def put_member(
        caller: writer, room_id: RoomId, user_id: UserId, body: MemberRequest | None = None
    ) -> MemberResponse:
        """Make a user a member, or change the role of a member. With your own id, you join a public room.

        The body is optional. 403 if you are banned or your role does not allow it. 409 if the user is banned, is in too
        many rooms, or is the last owner of a private room.
        """
        role = None if body is None else body.role
        return MemberResponse.of(rooms.members.put(room_id, user_id, role, caller=caller, now=time.time()))

    @routes.delete(
        "/{room_id}/members/{user_id}",
        summary="Leave a room, or remove a member",
        status_code=204,
        responses=documented(401, 403, 404, 409, 422, 429, 503),
    )
    def remove_member(caller: writer, room_id: RoomId, user_id: UserId) -> Response:
        """Remove a member of a lower role. With your own id, you leave the room.

        409 in the lobby, and for the last owner of a private room that has other members.
        """
        rooms.members.remove(room_id, user_id, caller=caller, now=time.time())
        return Response(status_code=204)
