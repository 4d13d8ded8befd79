"""Import one room: a new room, whose archive is filled before anybody can find it.

The rows keep their seqs, so replies keep their targets. The seqs of a new room are free, and its log begins behind the
last one. An import has these steps, each of which can be repeated:

1. Insert the room, without members and without a key by which it could be found.
2. Add rows in small transactions. Each raises the archived head of the room from the value that it expects, so two
   commands cannot write the same row, and an interrupted import continues behind the head.
3. Begin the log in the store behind the last row.
4. Publish the room: its name, then its members, who are told like after every change of a room.

`kill -9` between two steps leaves a room that no user sees. The same command finds it by `imports` and continues.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from cloudchat.archive.archived_event import from_log
from cloudchat.archive.importing import repository
from cloudchat.archive.importing.publication import publish_room
from cloudchat.archive.importing.report import ImportReport
from cloudchat.archive.importing.repository import AlreadyInserted, Import, ImportedRow
from cloudchat.archive.importing.source import BadImport, SourceRoom, SourceRow, SourceUser
from cloudchat.archive.importing.users import ImportedUsers
from cloudchat.core.ids import new_id
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.audit import BY_COMMAND_LINE
from cloudchat.database.tables.rooms import Room
from cloudchat.database.transactions import Database
from cloudchat.rooms.names import usable_name

BATCH_ROWS = 100
"""About 10 ms of SQLite's only write lock."""

BeginLog = Callable[[str, StreamPosition], None]
"""Lets the log of a room, by its id, begin behind a position. Raises BrokerUnavailable."""
Progress = Callable[[int], None]
"""Called with the number of rows that are in the archive."""


class RoomImporter:
    """Imports rooms of one source. Blocking. Raises `DatabaseUnavailable`.

    `owner` is the id of a user who becomes an owner of each public and private room.
    """

    def __init__(
        self, db: Database, users: ImportedUsers, report: ImportReport, begin_log: BeginLog, owner: str | None = None
    ) -> None:
        self._db = db
        self._users = users
        self._report = report
        self._begin_log = begin_log
        self._owner = owner

    def run(self, room: SourceRoom, rows: Iterable[SourceRow], last_seq: int, progress: Progress) -> str | None:
        """Import a room, or continue its import. Return its id; None if it was imported before.

        `rows` are all rows of the room, in the order of their seqs, in every call. `last_seq` is where its numbering
        ends, 0 for the seq of the last row. Raises BadImport, BrokerUnavailable.
        """
        now = time.time()
        begun = self._begin(room, now)
        if begun is None:
            return None
        head = self._add_rows(begun, rows, last_seq, progress)
        if head.seq:
            self._begin_log(begun.room_id, head)
        publish_room(self._db, begun.room_id, room, head, self._members(room), self._report)
        with self._db.write() as db:
            repository.finish_import(db, room.source, room.source_id, time.time())
        return begun.room_id

    def _begin(self, room: SourceRoom, now: float) -> Import | None:
        """Return the import to continue, or a new one; None if it is finished."""
        with self._db.read() as db:
            found = repository.find_import(db, room.source, room.source_id)
        if found is not None and found.finished:
            if found.fingerprint != room.fingerprint:
                self._report.add(
                    "rooms were imported before from an export with other content; newer messages were left out",
                    room.name or room.source_id,
                )
            return None
        if found is not None and found.fingerprint == room.fingerprint:
            return found
        if found is not None:
            self._discard(found.room_id)
        new = Room(
            id=new_id(),
            name=usable_name(room.name),
            name_key=None,
            kind=room.kind,
            topic=usable_name(room.topic, topic=True),
            created_at=room.created_at,
            created_by=BY_COMMAND_LINE,
            archived_at=now if room.archived else None,
        )
        try:
            with self._db.write() as db:
                repository.begin_import(db, room.source, room.source_id, room.fingerprint, new, now)
        except AlreadyInserted as error:
            raise _also_running() from error
        return Import(new.id, room.fingerprint, finished=False, head=StreamPosition(new_id(), 0))

    def _discard(self, room_id: str) -> None:
        """Remove an unfinished import of other content."""
        left = True
        while left:
            started = time.monotonic()
            with self._db.write() as db:
                left = repository.discard_rows(db, room_id, BATCH_ROWS)
            _let_others_write(started)

    def _add_rows(self, begun: Import, rows: Iterable[SourceRow], last_seq: int, progress: Progress) -> StreamPosition:
        """Add the rows that are missing. Return where the numbering of the room ends."""
        head, epoch, count = begun.head.seq, begun.head.epoch or new_id(), 0
        for batch in _batches(rows, BATCH_ROWS):
            count += len(batch)
            missing = [row for row in batch if row.seq > head]
            if missing:
                head = self._add_batch(begun.room_id, head, StreamPosition(epoch, missing[-1].seq), missing)
            progress(count)
        if last_seq > head:
            head = self._add_batch(begun.room_id, head, StreamPosition(epoch, last_seq), [])
        return StreamPosition(epoch, head)

    def _add_batch(self, room_id: str, after: int, head: StreamPosition, batch: Sequence[SourceRow]) -> int:
        added = self._with_local_users(batch)
        started = time.monotonic()
        with self._db.write() as db:
            if not repository.add_rows(db, room_id, after, head, added):
                raise _also_running()
        _let_others_write(started)
        return head.seq

    def _with_local_users(self, rows: Sequence[SourceRow]) -> list[ImportedRow]:
        users = dict.fromkeys(user for row in rows for user in row.users())
        ids = self._users.ids_of(users)
        registered = {ids[user.id] for user in users}

        def local(user: SourceUser) -> str:
            return ids.get(user.id, user.id)

        added = []
        for row in rows:
            author = row.event["user"]
            event = {**row.event, "user": {"id": local(author), "name": author.name}}
            if row.is_bot:
                event["user"]["bot"] = True
            if target := row.event.get("target"):
                event["target"] = {"id": local(target), "name": target.name}
            if mentions := row.event.get("mentions"):
                event["mentions"] = list(dict.fromkeys(local(user) for user in mentions))
            reactions = [(emoji, list(dict.fromkeys(local(user) for user in by))) for emoji, by in row.reactions]
            added.append(ImportedRow(from_log(event, registered), reactions, row.earlier_texts))
        return added

    def _members(self, room: SourceRoom) -> dict[str, str]:
        """Return the roles of the members by their local ids."""
        ids = self._users.ids_of([user for user, _ in room.members])
        members = {ids[user.id]: role for user, role in room.members}
        if self._owner is not None and room.kind != "direct":
            members[self._owner] = "owner"
        return members


def _also_running() -> BadImport:
    return BadImport("another command imports this room at this moment; let it finish")


def _batches(rows: Iterable[SourceRow], size: int) -> Iterator[list[SourceRow]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


def _let_others_write(started: float) -> None:
    """Wait as long as the transaction took: a program that waits for SQLite's lock looks only from time to time."""
    time.sleep(min(time.monotonic() - started, 0.1))
