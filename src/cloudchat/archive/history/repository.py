"""SQL queries that read the archive: pages of rows as clients get them, and single events."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, func, select

from cloudchat.archive.archived_event import ArchivedEvent, from_columns, to_client, users_of_row
from cloudchat.archive.folding.batch_fold import EarlierText
from cloudchat.archive.repository import NOTHING_ARCHIVED, read_heads
from cloudchat.broker.appends import ArchivedMessage
from cloudchat.broker.reads import HistoryRange
from cloudchat.core.message_fold import MAX_LISTED_USERS, Row
from cloudchat.core.stream_position import StreamPosition
from cloudchat.core.timestamps import rfc3339_of_ms
from cloudchat.database.tables.accounts import users
from cloudchat.database.tables.archive import archive_epochs, archived_edits, archived_events, archived_reactions
from cloudchat.database.transactions import Transaction

MAX_PAGE_BYTES = 512 * 1024
"""The size limit of the texts and fields of a page, as in the broker. A larger single row is a separate page."""


class ArchivedPage(Struct, frozen=True):
    """Rows before a seq, and rows from a seq on, both oldest first; all events up to `head` are folded into them.

    `more_older` and `more_newer` say whether the archive has more rows in that direction.
    """

    head: StreamPosition
    older: list[Row]
    newer: list[Row]
    more_older: bool
    more_newer: bool


def read_page(db: Transaction, room_id: str, wanted: HistoryRange, *, all_users: bool = False) -> ArchivedPage:
    """Return a page of a room's archive. Reactions list their first 20 users, with `all_users` every one."""
    head = read_heads(db, [room_id]).get(room_id, NOTHING_ARCHIVED)
    seq = archived_events.c.seq
    max_bytes = MAX_PAGE_BYTES // 2 if wanted.rows_before and wanted.rows_from else MAX_PAGE_BYTES
    older, more_older = _read_events(db, room_id, seq < wanted.before, seq.desc(), wanted.rows_before, max_bytes)
    newer, more_newer = _read_events(db, room_id, seq >= wanted.start, seq, wanted.rows_from, max_bytes)
    older.reverse()
    rows = rows_of(db, room_id, [*older, *newer], all_users=all_users)
    return ArchivedPage(head, rows[: len(older)], rows[len(older) :], more_older, more_newer)


def read_events(db: Transaction, room_id: str, seqs: Collection[int]) -> dict[int, ArchivedEvent]:
    """Return the messages and notices of these seqs that the archive has."""
    columns = archived_events.c
    found = db.execute(select(archived_events).where(columns.room_id == room_id, columns.seq.in_(seqs)))
    return {row.seq: from_columns(row) for row in found}


def read_message(db: Transaction, room_id: str, seq: int) -> ArchivedMessage:
    """Return what a change of a message needs to know of it; without an author if the archive has no such message."""
    as_of = read_heads(db, [room_id]).get(room_id, NOTHING_ARCHIVED).seq
    message = read_events(db, room_id, [seq]).get(seq)
    if message is None or message.notice:
        return ArchivedMessage(as_of, "")
    edits = select(func.count()).where(archived_edits.c.room_id == room_id, archived_edits.c.seq == seq)
    reactions = _reactions(db, room_id, [seq], None).get(seq, [])
    return ArchivedMessage(
        as_of,
        message.user_id,
        at=rfc3339_of_ms(message.at_ms),
        edits=db.scalar(edits) or 0,
        reactions=[(one["emoji"], one["users"]) for one in reactions],
        is_deleted=not message.is_live_message,
    )


def read_earlier_texts(db: Transaction, room_id: str, seq: int) -> list[EarlierText]:
    """Return the texts of a message that edits have replaced, the oldest first."""
    columns = archived_edits.c
    query = select(columns.seq, columns.edit_seq, columns.at, columns.text)
    here = query.where(columns.room_id == room_id, columns.seq == seq)
    return [EarlierText(*row) for row in db.execute(here.order_by(columns.edit_seq))]


def rows_of(db: Transaction, room_id: str, events: Sequence[ArchivedEvent], *, all_users: bool = False) -> list[Row]:
    """Return events of a room, in the order of their seqs, in the form in which clients get them."""
    if not events:
        return []
    names = _names(db, set().union(*(users_of_row(event.user_id, event.fields) for event in events)))
    epochs = _epochs(db, room_id, events)
    messages = [event.seq for event in events if not event.notice]
    reactions = _reactions(db, room_id, messages, None if all_users else MAX_LISTED_USERS)
    rows = []
    for event, epoch in zip(events, epochs, strict=True):
        row = to_client(room_id, epoch, event, names)
        rows.append({**row, "reactions": reactions[event.seq]} if event.seq in reactions else row)
    return rows


# -- internal ---------------------------------------------------------------------------------------------------------


def _read_events(
    db: Transaction, room_id: str, condition: ColumnElement[bool], order: Any, limit: int, max_bytes: int
) -> tuple[list[ArchivedEvent], bool]:
    """Return up to `limit` events, at least one, and whether there are more."""
    query = select(archived_events).where(archived_events.c.room_id == room_id, condition)
    events: list[ArchivedEvent] = []
    size = 0
    for row in db.execute(query.order_by(order).limit(limit + 1)):
        size += len(row.text) + len(row.fields)
        if len(events) == limit or (size > max_bytes and events):
            return events, True
        events.append(from_columns(row))
    return events, False


def _names(db: Transaction, ids: Collection[str]) -> dict[str, str]:
    return {row.id: row.name for row in db.execute(select(users.c.id, users.c.name).where(users.c.id.in_(ids)))}


def _epochs(db: Transaction, room_id: str, events: Sequence[ArchivedEvent]) -> Iterable[str]:
    """Return the epoch of each event. A room has few epochs."""
    columns = archive_epochs.c
    query = select(columns.first_seq, columns.epoch).where(
        columns.room_id == room_id, columns.first_seq <= events[-1].seq
    )
    first = [(row.first_seq, row.epoch) for row in db.execute(query.order_by(columns.first_seq))]
    position, epochs = -1, []
    for event in events:
        while position + 1 < len(first) and first[position + 1][0] <= event.seq:
            position += 1
        epochs.append(first[position][1] if position >= 0 else "")
    return epochs


def _reactions(db: Transaction, room_id: str, seqs: Sequence[int], max_users: int | None) -> dict[int, list[Row]]:
    """Return the reactions of each message that has any, with the first `max_users` users of each emoji."""
    columns = archived_reactions.c
    one_emoji = columns.seq, columns.emoji
    ranked = (
        select(
            columns.seq,
            columns.emoji,
            columns.user_id,
            columns.emoji_seq,
            func.count().over(partition_by=one_emoji).label("uses"),
            func.row_number().over(partition_by=one_emoji, order_by=columns.reaction_seq).label("place"),
        )
        .where(columns.room_id == room_id, columns.seq.in_(seqs))
        .subquery()
    )
    query = select(ranked).order_by(ranked.c.seq, ranked.c.emoji_seq, ranked.c.place)
    if max_users is not None:
        query = query.where(ranked.c.place <= max_users)
    reactions: dict[int, list[Row]] = {}
    for row in db.execute(query):
        listed = reactions.setdefault(row.seq, [])
        if row.place == 1:
            listed.append({"emoji": row.emoji, "count": row.uses, "users": []})
        listed[-1]["users"].append(row.user_id)
    return reactions
