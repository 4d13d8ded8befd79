"""SQL queries of imports: their progress, their users, and the rows that they add to the archive."""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from sqlalchemy import Table, delete, func, insert, select, update

from cloudchat.archive.archived_event import ArchivedEvent
from cloudchat.archive.importing.source import EarlierText
from cloudchat.archive.repository import add_epochs, add_events, advance_head, read_heads
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.inserts import insert_into
from cloudchat.database.tables.accounts import User, users
from cloudchat.database.tables.archive import (
    archived_edits,
    archived_events,
    archived_reactions,
    imported_users,
    imports,
)
from cloudchat.database.tables.rooms import Room, memberships, read_positions, rooms
from cloudchat.database.transactions import Transaction


class AlreadyInserted(Exception):
    """Another command, which runs at the same time, has inserted this row. The transaction must end."""


# --- Progress


class Import(Struct, frozen=True):
    """The import of a room. `head` is the position up to which its archive is written."""

    room_id: str
    fingerprint: str
    finished: bool
    head: StreamPosition


def find_import(db: Transaction, source: str, source_id: str) -> Import | None:
    """Return the import of a room, or None."""
    columns = imports.c
    query = select(columns.room_id, columns.fingerprint, columns.finished_at)
    row = db.execute(query.where(columns.source == source, columns.source_id == source_id)).first()
    if row is None:
        return None
    head = read_heads(db, [row.room_id]).get(row.room_id, StreamPosition("", 0))
    return Import(row.room_id, row.fingerprint, row.finished_at is not None, head)


def begin_import(db: Transaction, source: str, source_id: str, fingerprint: str, room: Room, now: float) -> None:
    """Insert the room of an import, which no user can find yet, and the import. Raises AlreadyInserted."""
    db.execute(insert(rooms).values(room._asdict()))
    row = {"source": source, "source_id": source_id, "fingerprint": fingerprint, "room_id": room.id, "started_at": now}
    _insert_new(db, imports, row)


def finish_import(db: Transaction, source: str, source_id: str, now: float) -> None:
    """Record that the import is complete."""
    this = imports.c.source == source, imports.c.source_id == source_id
    db.execute(update(imports).where(*this).values(finished_at=now))


def discard_rows(db: Transaction, room_id: str, limit: int) -> bool:
    """Delete up to `limit` rows of an unfinished import. Return False, and delete the import, if there are none left.

    Everything else that belongs to the room is deleted with its row.
    """
    columns = archived_events.c
    oldest = select(columns.seq).where(columns.room_id == room_id).order_by(columns.seq).limit(limit)
    last = db.scalar(select(func.max(oldest.subquery().c.seq)))
    if last is None:
        db.execute(delete(rooms).where(rooms.c.id == room_id))
        return False
    for table in (archived_edits, archived_reactions, archived_events):
        db.execute(delete(table).where(table.c.room_id == room_id, table.c.seq <= last))
    return True


# --- Users


def imported_user_ids(db: Transaction, source: str, source_ids: Collection[str]) -> dict[str, str]:
    """Return who users of the source are here, as far as earlier imports have decided it."""
    columns = imported_users.c
    query = select(columns.source_id, columns.user_id)
    query = query.where(columns.source == source, columns.source_id.in_(source_ids))
    # Not `dict(…)`: it would take the result for a mapping.
    return {source_id: user_id for source_id, user_id in db.execute(query)}  # noqa: C416


def remember_user(db: Transaction, source: str, source_id: str, user_id: str) -> None:
    """Store who a user of the source is here. Raises AlreadyInserted."""
    _insert_new(db, imported_users, {"source": source, "source_id": source_id, "user_id": user_id})


def _insert_new(db: Transaction, table: Table, row: Mapping[str, object]) -> None:
    statement = insert_into(db, table).values(**row).on_conflict_do_nothing(index_elements=["source", "source_id"])
    if db.scalar(statement.returning(table.c.source_id)) is None:
        raise AlreadyInserted


# --- Rows


class ImportedRow(Struct):
    """A row with the users of this installation: the event, its reactions by emoji, and its earlier texts."""

    event: ArchivedEvent
    reactions: Sequence[tuple[str, Sequence[str]]]
    earlier_texts: Sequence[EarlierText]


def add_rows(db: Transaction, room_id: str, after: int, head: StreamPosition, rows: Sequence[ImportedRow]) -> bool:
    """Add rows to an archive that has everything up to `after`, and raise its head.

    Returns False, and adds nothing, if the head is not `after`: another command imports the same room.
    """
    if not advance_head(db, room_id, after, head):
        return False
    if not after:
        add_epochs(db, [(room_id, 1, head.epoch)])
    add_events(db, [(room_id, row.event) for row in rows])
    # The seqs of reactions order them, and are below those of later ones.
    reactions = [
        {
            "room_id": room_id,
            "seq": row.event.seq,
            "emoji": emoji,
            "user_id": user_id,
            "emoji_seq": number,
            "reaction_seq": place,
        }
        for row in rows
        for number, (emoji, users) in enumerate(row.reactions)
        for place, user_id in enumerate(users)
    ]
    if reactions:
        db.execute(insert(archived_reactions), reactions)
    edits = [
        {"room_id": room_id, "seq": row.event.seq, "edit_seq": text.replaced_by, "at": text.at, "text": text.text}
        for row in rows
        for text in row.earlier_texts
    ]
    if edits:
        db.execute(insert(archived_edits), edits)
    return True


# --- The finished room


def member_ids(db: Transaction, room_id: str, user_ids: Collection[str]) -> set[str]:
    """Return those of the users who are members of the room."""
    query = select(memberships.c.user_id).where(memberships.c.room_id == room_id, memberships.c.user_id.in_(user_ids))
    return set(db.scalars(query))


def users_by_id(db: Transaction, user_ids: Collection[str]) -> Mapping[str, User]:
    """Return users, disabled ones too."""
    rows = db.execute(select(users).where(users.c.id.in_(user_ids)))
    return {user.id: user for user in (User(*row) for row in rows)}


def mark_read(db: Transaction, room_id: str, user_ids: Collection[str], head: StreamPosition) -> None:
    """Record that new members have read the room: what was imported is not unread."""
    rows = [{"user_id": user_id, "room_id": room_id, "epoch": head.epoch, "seq": head.seq} for user_id in user_ids]
    if rows:
        db.execute(insert(read_positions), rows)


def direct_room_exists(db: Transaction, key: str) -> bool:
    """Return whether the people of a direct room have one."""
    return db.scalar(select(rooms.c.id).where(rooms.c.direct_key == key)) is not None
