"""`/api/rooms/{room_id}/mutes` and `/bans`: moderators' decisions about users."""

import time
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Response

from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.principal import CHAT_READ, CHAT_WRITE
from cloudchat.http.csrf import require_json_from_allowed_origin
from cloudchat.http.error_docs import documented
from cloudchat.rooms.caller import Caller
from cloudchat.rooms.dependencies import NameCursor, PageSize, RoomId, UserId, require_caller
from cloudchat.rooms.moderation.repository import RestrictedUser
from cloudchat.rooms.moderation.schemas import RestrictedUserResponse, RestrictedUsersResponse, RestrictionRequest
from cloudchat.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloudchat.rooms.service import RoomService


def add_moderation_routes(
    routes: APIRouter, rooms: "RoomService", authenticator: Authenticator, settings: Settings
) -> None:
    """Add the routes to the router of `/api/rooms`, which has their limit."""
    reader = Annotated[Caller, Depends(require_caller(authenticator, CHAT_READ))]
    writer = Annotated[Caller, Depends(require_caller(authenticator, CHAT_WRITE))]
    json_body = [Depends(require_json_from_allowed_origin(settings))]
    for_list = documented(401, 403, 404, 422, 429, 503)
    for_put = documented(401, 403, 404, 409, 413, 415, 422, 429, 503)
    for_delete = documented(401, 403, 404, 422, 429, 503)

    @routes.get("/{room_id}/mutes", summary="List the muted users of a room", responses=for_list)
    def list_mutes(
        caller: reader, room_id: RoomId, cursor: NameCursor = None, limit: PageSize = 100
    ) -> RestrictedUsersResponse:
        """Return a page of the muted users, by name. For moderators."""
        found = rooms.moderation.muted_users(room_id, cursor, limit + 1, caller=caller, now=time.time())
        return _page(found, limit)

    @routes.put("/{room_id}/mutes/{user_id}", summary="Mute a user", dependencies=json_body, responses=for_put)
    def mute(caller: writer, room_id: RoomId, user_id: UserId, body: RestrictionRequest) -> RestrictedUserResponse:
        """Let a user of a lower role read and not write. Replaces an earlier mute."""
        muted = rooms.moderation.mute(room_id, user_id, body.seconds, body.reason, caller=caller, now=time.time())
        return RestrictedUserResponse.of(muted)

    @routes.delete("/{room_id}/mutes/{user_id}", summary="Unmute a user", status_code=204, responses=for_delete)
    def unmute(caller: writer, room_id: RoomId, user_id: UserId) -> Response:
        """End a mute. 404 if the user is not muted."""
        rooms.moderation.unmute(room_id, user_id, caller=caller, now=time.time())
        return Response(status_code=204)

    @routes.get("/{room_id}/bans", summary="List the banned users of a room", responses=for_list)
    def list_bans(
        caller: reader, room_id: RoomId, cursor: NameCursor = None, limit: PageSize = 100
    ) -> RestrictedUsersResponse:
        """Return a page of the banned users, by name. For moderators."""
        found = rooms.moderation.banned_users(room_id, cursor, limit + 1, caller=caller, now=time.time())
        return _page(found, limit)

    @routes.put("/{room_id}/bans/{user_id}", summary="Ban a user", dependencies=json_body, responses=for_put)
    def ban(caller: writer, room_id: RoomId, user_id: UserId, body: RestrictionRequest) -> RestrictedUserResponse:
        """Remove a user of a lower role, who cannot come back before the end. Replaces an earlier ban.

        409 in the lobby.
        """
        banned = rooms.moderation.ban(room_id, user_id, body.seconds, body.reason, caller=caller, now=time.time())
        return RestrictedUserResponse.of(banned)

    @routes.delete("/{room_id}/bans/{user_id}", summary="Lift a ban", status_code=204, responses=for_delete)
    def unban(caller: writer, room_id: RoomId, user_id: UserId) -> Response:
        """Lift a ban. The user can join again, or be added. 404 if the user is not banned."""
        rooms.moderation.unban(room_id, user_id, caller=caller, now=time.time())
        return Response(status_code=204)


def _page(found: "Sequence[RestrictedUser]", limit: int) -> RestrictedUsersResponse:
    page = [RestrictedUserResponse.of(user) for user in found[:limit]]
    return RestrictedUsersResponse(users=page, next=found[limit - 1].name_key if len(found) > limit else None)
