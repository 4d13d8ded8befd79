"""Heads, epochs and events of the archive: what the fold of a log and an import write. Reading is in
`history/repository.py`.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import insert, select, update

from cloudchat.archive.archived_event import ArchivedEvent, encode_fields
from cloudchat.archive.event_ids import event_id, next_id
from cloudchat.core.search_terms import search_terms
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.inserts import insert_into, insert_new_rows
from cloudchat.database.tables.archive import archive_epochs, archive_heads, archived_events
from cloudchat.database.tables.rooms import rooms
from cloudchat.database.transactions import Transaction, changed_rows

NOTHING_ARCHIVED = StreamPosition("", 0)
_EVENT_COLUMNS = ("id", "room_id", "seq", "user_id", "notice", "text", "fields", "terms")


def read_heads(db: Transaction, rooms: Collection[str] | None = None) -> dict[str, StreamPosition]:
    """Return the archived head of each room that has one: everything up to it is in the archive. None: all rooms."""
    query = select(archive_heads.c.room_id, archive_heads.c.epoch, archive_heads.c.seq)
    if rooms is not None:
        query = query.where(archive_heads.c.room_id.in_(rooms))
    return {row.room_id: StreamPosition(row.epoch, row.seq) for row in db.execute(query)}


def read_room_ids(db: Transaction) -> list[str]:
    """Return the ids of all rooms."""
    return list(db.scalars(select(rooms.c.id).order_by(rooms.c.id)))


def advance_head(db: Transaction, room_id: str, after: int, head: StreamPosition) -> bool:
    """Raise the room's archived head from the seq `after` to `head`. Returns False if it is not `after`.

    Until the transaction ends, no other one can change the archive of this room if it begins like this.
    """
    columns = archive_heads.c
    if after:
        statement = update(archive_heads).where(columns.room_id == room_id, columns.seq == after)
        return changed_rows(db, statement.values(epoch=head.epoch, seq=head.seq)) == 1
    new = insert_into(db, archive_heads).values(room_id=room_id, epoch=head.epoch, seq=head.seq)
    return db.scalar(new.on_conflict_do_nothing().returning(columns.seq)) is not None


def add_epochs(db: Transaction, epochs: Sequence[tuple[str, int, str]]) -> None:
    """Add epochs of rooms, each as the room's id, the seq of its first event and its name."""
    if epochs:
        rows = [{"room_id": room_id, "first_seq": seq, "epoch": epoch} for room_id, seq, epoch in epochs]
        db.execute(insert(archive_epochs), rows)


def add_events(db: Transaction, events: Sequence[tuple[str, ArchivedEvent]]) -> None:
    """Insert messages and notices that the archive does not have, each with the id of its room."""
    rows = [
        (
            event_id(event.at_ms, room_id, event.seq),
            room_id,
            event.seq,
            event.user_id,
            event.notice,
            event.text,
            encode_fields(event.fields).decode(),
            search_terms(event.text),
        )
        for room_id, event in events
    ]
    columns = archived_events.c
    while rows and insert_new_rows(db, archived_events, _EVENT_COLUMNS, rows) < len(rows):
        # Some ids are those of other events: try the next ones of the same milliseconds.
        query = select(columns.id, columns.room_id, columns.seq).where(columns.id.in_([row[0] for row in rows]))
        owners = {id: (room_id, seq) for id, room_id, seq in db.execute(query)}
        rows = [(next_id(row[0]), *row[1:]) for row in rows if owners.get(row[0]) != row[1:3]]
