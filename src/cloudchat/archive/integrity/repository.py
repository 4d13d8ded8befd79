"""Count the rows of the archive, and those that contradict others. Each query reads an index once."""

from msgspec import Struct
from sqlalchemy import FromClause, Table, and_, func, or_, select

from cloudchat.archive.repository import read_heads
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.tables.archive import (
    archive_epochs,
    archived_edits,
    archived_events,
    archived_reactions,
)
from cloudchat.database.transactions import Transaction


class ArchiveState(Struct, frozen=True):
    """The archived heads by room, the number of messages and notices, and what is wrong: sentences."""

    heads: dict[str, StreamPosition]
    events: int
    problems: list[str]


def read_state(db: Transaction) -> ArchiveState:
    """Return the state of the archive."""
    heads = read_heads(db)
    columns = archived_events.c
    newest = {
        room: (last, count)
        for room, last, count in db.execute(
            select(columns.room_id, func.max(columns.seq), func.count()).group_by(columns.room_id)
        )
    }
    beyond = [room for room, (last, _) in newest.items() if room not in heads or last > heads[room].seq]
    first = dict(
        db.execute(
            select(archive_epochs.c.room_id, func.min(archive_epochs.c.first_seq)).group_by(archive_epochs.c.room_id)
        ).all()
    )
    without_epoch = [room for room, head in heads.items() if first.get(room, head.seq + 1) > head.seq]
    too_many = [room for room, (_, count) in newest.items() if room in heads and count > heads[room].seq]
    problems = [
        *(f"room {room} has events beyond its archived head" for room in beyond),
        *(f"room {room} has more events than numbers" for room in too_many),
        *(f"room {room} has no epoch for its events" for room in without_epoch),
    ]
    for table, name in ((archived_reactions, "reactions"), (archived_edits, "earlier texts")):
        if count := _count_orphans(db, table):
            problems.append(f"{count} {name} belong to messages that do not exist or are deleted")
    return ArchiveState(heads, sum(count for _, count in newest.values()), problems)


def _count_orphans(db: Transaction, table: Table) -> int:
    events = archived_events.c
    joined: FromClause = table.outerjoin(
        archived_events, and_(events.room_id == table.c.room_id, events.seq == table.c.seq)
    )
    orphaned = or_(events.id.is_(None), events.notice, events.fields.contains('"deleted_at":"', autoescape=True))
    return db.scalar(select(func.count()).select_from(joined).where(orphaned)) or 0
