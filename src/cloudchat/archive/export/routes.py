"""`GET /api/rooms/{room}/export`."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from slowapi import Limiter

from cloudchat.archive.export.service import MEDIA_TYPES, ExportFormat, RoomExports
from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.principal import CHAT_READ
from cloudchat.http.error_docs import documented
from cloudchat.rate_limiting.http_limits import limited_route
from cloudchat.rooms.caller import Caller
from cloudchat.rooms.dependencies import RoomId, require_caller
from cloudchat.settings import Settings

_Format = Annotated[ExportFormat, Query(alias="format")]


def export_routes(
    exports: RoomExports, authenticator: Authenticator, limiter: Limiter, settings: Settings
) -> APIRouter:
    """Return the router."""
    routes = APIRouter(prefix="/api/rooms", tags=["rooms"], route_class=limited_route(limiter, settings.account_rate))
    reader = Annotated[Caller, Depends(require_caller(authenticator, CHAT_READ))]

    @routes.get(
        "/{room_id:room}/export",
        summary="Export a room",
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "The file: JSON Lines, or one HTML page that needs no network",
                "content": {"application/jsonl": {}, "text/html": {}},
            },
            **documented(401, 403, 404, 422, 429, 503),
        },
    )
    def export_room(caller: reader, room_id: RoomId, file_format: _Format = ExportFormat.JSONL) -> StreamingResponse:
        """Download everything that the archive has of a room, for its owners. The archive may be a second behind.

        A file of JSON Lines is complete if its last line has the type `end`. Starlette reads the parts in threads, at
        the speed of the client.
        """
        now = time.time()
        parts = exports.export(room_id, file_format, caller=caller, now=now)
        name = f"cloudchat-{room_id}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}.{file_format}"
        # An attachment: a browser must not show messages of others as a page of this origin.
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return StreamingResponse(parts, media_type=MEDIA_TYPES[file_format], headers=headers)

    return routes
