"""Read a room's history from its hot log and the archive as one, without a seam and without a double.

The log has the newest events, up to its head. The archive has everything up to its own head, which is at most a second
behind, and the log is trimmed only as far as it is archived. So together they have every message, and those that both
have are taken from the log.

A page has one `as_of`: the log's head when it was read. The archive's rows lack the events between its head and that
one. These are read from the log and folded into the rows here, by the rule of `core.message_fold`.
"""

from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from cloudchat.archive.history.merge import folded, joined, needs_archive, relevant
from cloudchat.archive.history.repository import ArchivedPage
from cloudchat.broker.archiving.log_archive import LogArchive, UnarchivedRange
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.reads import HistoryRange, HistoryRows
from cloudchat.core.message_fold import Row
from cloudchat.database.transactions import DatabaseUnavailable

MAX_ATTEMPTS = 5
"""How often a page is read again because the archive has grown meanwhile."""
MAX_UNARCHIVED_EVENTS = 5000
"""How many events are folded into the archive's rows for one page. Beyond that the archive is too far behind."""
EVENTS_PER_READ = 500


_decode = msgspec.json.Decoder(dict[str, Any]).decode


class LogReader(Protocol):
    """What is needed of the broker. It raises `BrokerUnavailable`."""

    async def history(self, room: str, wanted: HistoryRange) -> HistoryRows:
        """See `Broker.history`."""


class ArchiveReader(Protocol):
    """What is needed of SQL. It raises `DatabaseUnavailable`."""

    async def archived_page(self, room: str, wanted: HistoryRange, *, all_users: bool) -> ArchivedPage:
        """See `repository.read_page`."""


class HistoryReader:
    """Reads the history of rooms."""

    def __init__(self, log: LogReader, unarchived: LogArchive, archive: ArchiveReader) -> None:
        self._log = log
        self._unarchived = unarchived
        self._archive = archive

    async def read(self, room: str, wanted: HistoryRange) -> HistoryRows:
        """Return messages and notices in their current form: at most as many as wanted, and fewer when they are large.

        Raises `BrokerUnavailable`, also when SQL is needed and away: rows of the log are returned as long as there are
        any, with `more_before`.
        """
        for attempt in range(MAX_ATTEMPTS):
            log = await self._log.history(room, wanted)
            if not needs_archive(log, wanted):
                return log
            try:
                page = await self._page(room, wanted, log)
            except DatabaseUnavailable as error:
                if log.rows and wanted.start >= log.oldest:
                    return replace(log, more_before=True)
                raise BrokerUnavailable("the archive cannot be read") from error
            # The archive stays ahead only if the store has lost events: then its rows are the newest there are.
            if page is not None and (page.head.seq <= log.as_of or attempt == MAX_ATTEMPTS - 1):
                return joined(log, page, wanted)
        raise BrokerUnavailable("the archive changes faster than it can be read")

    async def _page(self, room: str, wanted: HistoryRange, log: HistoryRows) -> ArchivedPage | None:
        """Return the archive's rows with all events up to the head of the log. None: the archive changes, read again.

        Raises `DatabaseUnavailable`, `BrokerUnavailable`.
        """
        page = await self._archive.archived_page(room, wanted, all_users=False)
        if page.head.seq >= log.as_of:
            return page
        events = relevant(page, await self._events(room, page.head.seq, log.as_of), log.oldest)
        if not events:
            return page
        complete = await self._archive.archived_page(room, wanted, all_users=True)
        return folded(complete, events, wanted) if complete.head == page.head else None

    async def _events(self, room: str, after: int, last: int) -> list[Row]:
        events: list[Row] = []
        while after < last:
            (found,) = await self._unarchived.unarchived([UnarchivedRange(room, after, EVENTS_PER_READ)])
            events += [_decode(event) for seq, event in found.events if seq <= last]
            if len(events) > MAX_UNARCHIVED_EVENTS:
                raise BrokerUnavailable("the archive is too far behind")
            after = found.through if found.events else last
        return events
