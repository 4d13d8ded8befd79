"""Read a room for an export: each page is one short transaction, and only one page is in memory."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from cloudchat import __version__
from cloudchat.archive.export import repository
from cloudchat.archive.export.html_page import write_html
from cloudchat.archive.export.jsonl import write_lines
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.audit import record
from cloudchat.database.transactions import Database
from cloudchat.rooms.caller import Caller
from cloudchat.rooms.members.service import demand
from cloudchat.rooms.permissions import OPERATOR, Command

PAGE_ROWS = 100
"""At most 40 MiB if all texts are as long, as often edited and reacted to as possible; typically 40 KiB."""


class ExportFormat(StrEnum):
    """A format of exports."""

    JSONL = "jsonl"
    HTML = "html"


MEDIA_TYPES = {ExportFormat.JSONL: "application/jsonl; charset=utf-8", ExportFormat.HTML: "text/html; charset=utf-8"}


class RoomExports:
    """Exports rooms. Blocking: call it, and iterate over its results, in threads. Raises `DatabaseUnavailable`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def is_behind(self, room_id: str) -> bool:
        """Return whether the room has newer events than the archive, which an export does not have."""
        with self._db.read() as db:
            return repository.is_behind(db, room_id)

    def export(self, room_id: str, file_format: ExportFormat, *, caller: Caller, now: float) -> Iterator[bytes]:
        """Check and record the export. Return the parts of the file, which are read while the iterator is used.

        The export has what was archived when it began. Changes that are made while it is written may be in it or not.
        Between two parts no transaction is open, so a slow reader holds nothing but one page.

        Raises:
            NotFound, PermissionDenied
        """
        with self._db.write() as db:
            if caller.server_role != OPERATOR:
                demand(db, room_id, Command.EXPORT, caller)
            head = repository.archived_head(db, room_id)
            description = {
                "exported_at": rfc3339(now),
                "cloudchat": __version__,
                "head": {"epoch": head.epoch, "seq": head.seq},
                **repository.room_description(db, room_id),
            }
            record(
                db,
                now,
                caller.user_id,
                "room.export",
                target=room_id,
                address=caller.address,
                detail=f"format={file_format} seq={head.seq}",
            )
        if file_format is ExportFormat.JSONL:
            return write_lines(description, (rows for rows, _ in self._pages(room_id, head.seq, quotes=False)))
        return write_html(description, self._pages(room_id, head.seq, quotes=True))

    def _pages(
        self, room_id: str, head: int, *, quotes: bool
    ) -> Iterator[tuple[list[dict[str, Any]], dict[int, tuple[str, str]]]]:
        """Yield pages of rows, and for each the quoted messages by their seqs."""
        after = 0
        while True:
            with self._db.snapshot() as db:
                rows = repository.rows_after(db, room_id, after, head, PAGE_ROWS)
                wanted = {row["reply_to"] for row in rows if "reply_to" in row} if quotes else set()
                quoted = repository.quoted_messages(db, room_id, wanted)
            if not rows:
                return
            after = rows[-1]["seq"]
            yield rows, quoted
