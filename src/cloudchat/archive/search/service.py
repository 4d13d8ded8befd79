"""Search for messages, in the rooms of the caller."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from cloudchat.archive.event_ids import at_ms_of, first_id_at
from cloudchat.archive.search import repository
from cloudchat.archive.search.highlights import Span, highlights
from cloudchat.archive.search.query import Query, parse_query
from cloudchat.archive.search.repository import Filters, FoundMessage, SearchTooSlow
from cloudchat.auth.errors import InvalidField, NotFound
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.transactions import Database
from cloudchat.protocol.errors import ErrorCode, ServiceError

MAX_CONCURRENT = 4
"""Searches that run at the same time in one process: others wait, in the order of their arrival."""
MAX_WAIT_SECONDS = 5.0
_MAX_AT_MS = (1 << 43) - 1
"""The year 2248: ids are numbers of 63 bits."""


class SearchOverloaded(ServiceError):
    """Too many searches are waiting. Retry in some seconds."""

    code = ErrorCode.UNAVAILABLE
    retry_after_ms = 2000


class SearchRequest(Struct, frozen=True):
    """What to search for. Times are in milliseconds since 1970; `cursor` is the id of the last hit before the page."""

    query: str
    room_id: str | None = None
    user_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    cursor: int | None = None
    limit: int = 20


class Hit(Struct, frozen=True):
    """A message that matches, and where it does. `at` is in RFC 3339."""

    message: FoundMessage
    at: str
    highlights: Sequence[Span]


class SearchService:
    """Searches. Lives on the event loop; the database is read in threads."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._turns = asyncio.Semaphore(MAX_CONCURRENT)  # FIFO

    async def search(self, caller_id: str, request: SearchRequest) -> Sequence[Hit]:
        """Return the newest hits, the newest first.

        Raises NotFound for a room that the caller is not in, InvalidField for a query that finds nothing at all or
        takes too long, SearchOverloaded, and `DatabaseUnavailable`.
        """
        query = parse_query(request.query)
        try:
            async with asyncio.timeout(MAX_WAIT_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise SearchOverloaded("too many people are searching at this moment; try again in some seconds") from None
        try:
            return await asyncio.to_thread(self._search, caller_id, query, request)
        finally:
            self._turns.release()

    def _search(self, caller_id: str, query: Query, request: SearchRequest) -> Sequence[Hit]:
        end_id = first_id_at(_MAX_AT_MS if request.until_ms is None else _bounded(request.until_ms))
        filters = Filters(
            room_id=request.room_id,
            user_id=request.user_id,
            first_id=first_id_at(_bounded(request.since_ms or 0)),
            end_id=end_id if request.cursor is None else min(end_id, request.cursor),
        )
        try:
            with self._db.read() as db:
                if request.room_id is not None and not repository.is_member(db, caller_id, request.room_id):
                    raise NotFound("you are not in a room with this id")
                found = repository.find_messages(db, caller_id, query, filters, request.limit)
        except SearchTooSlow:
            message = "this search takes too long; add a rarer word, or search in one room or in a shorter time"
            raise InvalidField("q", message) from None
        return [Hit(message, _at(message), highlights(message.text, query)) for message in found]


def _at(message: FoundMessage) -> str:
    return rfc3339((at_ms_of(message.id) + 0.5) / 1000)  # the half keeps the milliseconds from being rounded down


def _bounded(at_ms: int) -> int:
    return min(max(at_ms, 0), _MAX_AT_MS)
