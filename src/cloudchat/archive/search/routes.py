"""`/api/search`."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from slowapi import Limiter

from cloudchat.archive.search.query import MAX_QUERY_CHARACTERS
from cloudchat.archive.search.schemas import HitResponse, SearchResponse
from cloudchat.archive.search.service import SearchRequest, SearchService
from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.dependencies import require_principal
from cloudchat.auth.principal import CHAT_READ, Principal
from cloudchat.http.error_docs import documented
from cloudchat.rate_limiting.http_limits import limited_route
from cloudchat.settings import Settings

_ID = r"^[A-Za-z0-9_-]{1,64}$"
_Words = Annotated[
    str,
    Query(
        description='Words in any order, "a phrase", and -not. A word of 3 or more letters also finds longer ones. Any '
        "language; case and diacritics do not matter.",
        max_length=MAX_QUERY_CHARACTERS,
        examples=["café -closed"],
    ),
]
_Room = Annotated[str | None, Query(description="Only this room.", pattern=_ID, examples=["lobby"])]
_Author = Annotated[
    str | None, Query(description="Only messages of this user.", pattern=_ID, examples=["q_axJiJBBhCsk1eqY2Fzxg"])
]
_Since = Annotated[
    datetime | None,
    Query(description="Only messages at or after this time, or this date.", examples=["2026-11-01T00:00:00Z"]),
]
_Until = Annotated[
    datetime | None,
    Query(description="Only messages before this time, or this date.", examples=["2026-12-01T00:00:00Z"]),
]
_Cursor = Annotated[
    str | None,
    Query(
        description="The `next` of the previous page.",
        pattern=r"^[0-9]{1,18}$|^[1-8][0-9]{18}$",
        examples=["1883242000000000000"],
    ),
]
_Limit = Annotated[int, Query(description="The size of the page.", ge=1, le=100, examples=[20])]


def search_routes(
    search: SearchService, authenticator: Authenticator, limiter: Limiter, settings: Settings
) -> APIRouter:
    """Return the route."""
    routes = APIRouter(prefix="/api", tags=["messages"], route_class=limited_route(limiter, settings.search_rate))

    @routes.get("/search", summary="Search in your rooms", responses=documented(401, 403, 404, 422, 429, 503))
    async def search_messages(
        caller: Annotated[Principal, Depends(require_principal(authenticator, scope=CHAT_READ))],
        q: _Words,
        room: _Room = None,
        user: _Author = None,
        since: _Since = None,
        until: _Until = None,
        cursor: _Cursor = None,
        limit: _Limit = 20,
    ) -> SearchResponse:
        """Return the messages of your rooms that match, in their current form, the newest first.

        404 for a room that you are not in. 422 if `q` has no words, or if the search takes longer than 2 seconds. A new
        message is found about a second after it was sent. Times without an offset are in UTC.
        """
        request = SearchRequest(
            query=q,
            room_id=room,
            user_id=user,
            since_ms=_milliseconds(since),
            until_ms=_milliseconds(until),
            cursor=None if cursor is None else int(cursor),
            limit=limit + 1,
        )
        found = await search.search(caller.user_id, request)
        page = [HitResponse.from_hit(hit) for hit in found[:limit]]
        return SearchResponse(hits=page, next=str(found[limit - 1].message.id) if len(found) > limit else None)

    return routes


def _milliseconds(time: datetime | None) -> int | None:
    if time is None:
        return None
    aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)
