"""`/api/rooms/{room_id}/messages/{seq}/edits`: what moderators can read of the archive beside the history."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from slowapi import Limiter

from cloudchat.archive.history.schemas import EarlierTextResponse, EarlierTextsResponse
from cloudchat.archive.service import ArchiveService
from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.principal import CHAT_READ
from cloudchat.http.error_docs import documented
from cloudchat.protocol.commands import MAX_SAFE_INTEGER
from cloudchat.rate_limiting.http_limits import limited_route
from cloudchat.rooms.caller import Caller
from cloudchat.rooms.dependencies import RoomId, require_caller
from cloudchat.settings import Settings


def edit_routes(
    archive: ArchiveService, authenticator: Authenticator, limiter: Limiter, settings: Settings
) -> APIRouter:
    """Return the router."""
    routes = APIRouter(
        prefix="/api/rooms/{room_id}", tags=["messages"], route_class=limited_route(limiter, settings.account_rate)
    )
    reader = Annotated[Caller, Depends(require_caller(authenticator, CHAT_READ))]

    @routes.get(
        "/messages/{seq}/edits",
        summary="Read the earlier texts of a message",
        responses=documented(401, 403, 404, 422, 429, 503),
    )
    def read_edits(
        caller: reader, room_id: RoomId, seq: Annotated[int, Path(ge=1, le=MAX_SAFE_INTEGER, examples=[17])]
    ) -> EarlierTextsResponse:
        """Return the earlier texts of a message that was edited. For moderators.

        404 for a message that does not exist or is deleted. A message is here within a second after it was sent.
        """
        found = archive.earlier_texts(room_id, seq, caller)
        return EarlierTextsResponse(edits=[EarlierTextResponse.of(earlier) for earlier in found])

    return routes
