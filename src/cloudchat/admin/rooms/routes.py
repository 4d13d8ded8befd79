"""`GET /api/admin/rooms`. What an administrator does about a room are the routes of `cloudchat.rooms`."""

from fastapi import APIRouter

from cloudchat.admin.rooms import schemas
from cloudchat.admin.service import AdminService
from cloudchat.auth.errors import NotFound
from cloudchat.http.error_docs import documented
from cloudchat.rooms.dependencies import NamePart, PageSize, RoomCursor


def add_room_routes(routes: APIRouter, admin: AdminService) -> None:
    """Add the route to the router of `/api/admin`, which has its limit and requires the scope `admin`."""

    @routes.get("/rooms", summary="List all rooms", responses=documented(401, 403, 404, 422, 429, 503))
    def list_rooms(q: NamePart = "", cursor: RoomCursor = None, limit: PageSize = 100) -> schemas.ListedRoomsResponse:
        """Return a page of the public and private rooms that have `q` in their names, the oldest first.

        Direct rooms are left out: who talks to whom is not the administration's business. 404 if the room `cursor`
        does not exist.
        """
        after = None if cursor is None else admin.rooms.place_of(cursor)
        if cursor is not None and after is None:
            raise NotFound("there is no such cursor")
        found = admin.rooms.find_named(q, after, limit + 1)
        page = [schemas.ListedRoomResponse.from_room(room) for room in found[:limit]]
        return schemas.ListedRoomsResponse(rooms=page, next=page[-1].id if len(found) > limit else None)
