"""SQL queries of an erasure: which orders are open, what is left of the person, and its deletion from the archive."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, delete, exists, or_, select, union, update

from cloudchat.archive.archived_event import encode_fields, from_columns
from cloudchat.database.tables.accounts import erasures, users
from cloudchat.database.tables.archive import archived_edits, archived_events, archived_reactions
from cloudchat.database.transactions import Transaction, changed_rows

_events = archived_events.c


class OpenErasure(NamedTuple):
    """An order to erase a user, whose `name` is the new one. Times are seconds since 1970."""

    user_id: str
    name: str
    ordered_at: float


def claim(db: Transaction, now: float, until: float) -> OpenErasure | None:
    """Take an open order that no other process works on, and keep it until `until`. Return None if there is none.

    One conditional UPDATE: of two concurrent calls, one gets the order.
    """
    free = erasures.c.finished_at.is_(None), or_(erasures.c.claimed_until.is_(None), erasures.c.claimed_until < now)
    open_orders = select(erasures.c.user_id, users.c.name, erasures.c.ordered_at).join(
        users, users.c.id == erasures.c.user_id
    )
    order = db.execute(open_orders.where(*free).order_by(erasures.c.ordered_at).limit(1)).first()
    if order is None:
        return None
    claimed = update(erasures).where(erasures.c.user_id == order.user_id, *free).values(claimed_until=until)
    return OpenErasure(*order) if changed_rows(db, claimed) else None


def extend_claim(db: Transaction, user_id: str, until: float) -> None:
    """Keep an order for longer."""
    db.execute(update(erasures).where(erasures.c.user_id == user_id).values(claimed_until=until))


def finish(db: Transaction, user_id: str, now: float) -> None:
    """Mark an order as executed."""
    db.execute(update(erasures).where(erasures.c.user_id == user_id).values(finished_at=now, claimed_until=None))


def finished_since(db: Transaction, since: float) -> Sequence[str]:
    """Return the ids of the users whose erasure was finished since an instant."""
    return db.scalars(select(erasures.c.user_id).where(erasures.c.finished_at >= since)).all()


def rooms_with_texts(db: Transaction, user_id: str) -> Sequence[str]:
    """Return the rooms in which a message of the user has a text."""
    return db.scalars(select(_events.room_id).where(_events.user_id == user_id, _events.text != "").distinct()).all()


def rooms_with_traces(db: Transaction, user_id: str) -> Sequence[str]:
    """Return the rooms whose logs may have events with the user's name. The archive has names only in `users`."""
    wrote = select(_events.room_id).where(_events.user_id == user_id)
    reacted = select(archived_reactions.c.room_id).where(archived_reactions.c.user_id == user_id)
    named = select(_events.room_id).where(*_names(user_id))
    return db.scalars(union(wrote, reacted, named)).all()


class Texts(NamedTuple):
    """The texts of a user in a room whose hot log begins with the event `oldest_hot`."""

    room_id: str
    user_id: str
    oldest_hot: int

    @property
    def left(self) -> tuple[ColumnElement[bool], ...]:
        """The condition for all messages that have a text."""
        return _events.room_id == self.room_id, _events.user_id == self.user_id, _events.text != ""

    @property
    def is_hot(self) -> ColumnElement[bool]:
        """The condition for messages of which the hot log may have a text: their own, or that of an edit."""
        edits = archived_edits.c
        of_message = edits.room_id == self.room_id, edits.seq == _events.seq
        return or_(_events.seq >= self.oldest_hot, exists().where(*of_message, edits.edit_seq >= self.oldest_hot))


def hot_seqs(db: Transaction, texts: Texts, after: int, limit: int) -> Sequence[int]:
    """Return messages with a text in the hot log, those after the seq `after`, the oldest first."""
    query = select(_events.seq).where(*texts.left, texts.is_hot, _events.seq > after)
    return db.scalars(query.order_by(_events.seq).limit(limit)).all()


def delete_archived_texts(db: Transaction, texts: Texts, at: str, limit: int) -> int:
    """Delete the oldest texts that are only in the archive, with earlier texts and reactions. Return their number.

    The rows are the same as after a deletion at the time `at` that was folded into them.
    """
    # FOR UPDATE: on PostgreSQL the archiver may fold a change into the same rows.
    query = select(archived_events).where(*texts.left, ~texts.is_hot).order_by(_events.seq).limit(limit)
    messages = [(row.id, from_columns(row)) for row in db.execute(query.with_for_update())]
    if not messages:
        return 0
    seqs = [message.seq for _, message in messages]
    for table in (archived_edits, archived_reactions):
        db.execute(delete(table).where(table.c.room_id == texts.room_id, table.c.seq.in_(seqs)))
    for _, message in messages:
        message.delete(at)
    changed = [
        {"row": id, "text": "", "terms": "", "fields": encode_fields(message.fields).decode()}
        for id, message in messages
    ]
    db.execute(update(archived_events).where(_events.id == bindparam("row")), changed)
    return len(messages)


def _names(user_id: str) -> tuple[ColumnElement[bool], ...]:
    # An id has no character that LIKE treats as special, but for the underscore, which also matches itself.
    return _events.notice, _events.fields.like(f'%"target":{{"id":"{user_id}"%')
