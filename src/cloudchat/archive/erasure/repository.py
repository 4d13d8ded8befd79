"""SQL queries of an erasure: which orders are open, what is left of the person, and its deletion from the archive."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, delete, or_, select, union, update
from sqlalchemy.orm import Session

from cloudchat.database.archive_tables import archived_edits, archived_events, archived_reactions
from cloudchat.database.models import Erasure, User
from cloudchat.database.transactions import changed_rows

_events = archived_events.c


class OpenErasure(NamedTuple):
    """An order to erase a user, whose `name` is the new one. Times are seconds since 1970."""

    user_id: str
    name: str
    ordered_at: float


def claim(db: Session, now: float, until: float) -> OpenErasure | None:
    """Take an open order that no other process works on, and keep it until `until`. Return None if there is none.

    One conditional UPDATE: of two concurrent calls, one gets the order.
    """
    free = Erasure.finished_at.is_(None), or_(Erasure.claimed_until.is_(None), Erasure.claimed_until < now)
    open_orders = select(Erasure.user_id, User.name, Erasure.ordered_at).join(User, User.id == Erasure.user_id)
    order = db.execute(open_orders.where(*free).order_by(Erasure.ordered_at).limit(1)).first()
    if order is None:
        return None
    claimed = update(Erasure).where(Erasure.user_id == order.user_id, *free).values(claimed_until=until)
    return OpenErasure(*order) if changed_rows(db, claimed) else None


def extend_claim(db: Session, user_id: str, until: float) -> None:
    """Keep an order for longer."""
    db.execute(update(Erasure).where(Erasure.user_id == user_id).values(claimed_until=until))


def finish(db: Session, user_id: str, now: float) -> None:
    """Mark an order as executed."""
    db.execute(update(Erasure).where(Erasure.user_id == user_id).values(finished_at=now, claimed_until=None))


def rooms_with_texts(db: Session, user_id: str) -> Sequence[str]:
    """Return the rooms in which a message of the user has a text."""
    return db.scalars(select(_events.room_id).where(_events.user_id == user_id, _events.text != "").distinct()).all()


def rooms_with_traces(db: Session, user_id: str) -> Sequence[str]:
    """Return the rooms whose events may have the user's name."""
    wrote = select(_events.room_id).where(_events.user_id == user_id)
    reacted = select(archived_reactions.c.room_id).where(archived_reactions.c.user_id == user_id)
    named = select(_events.room_id).where(*_names(user_id))
    return db.scalars(union(wrote, reacted, named)).all()


def seqs_with_text(db: Session, room_id: str, user_id: str, from_seq: int, limit: int) -> Sequence[int]:
    """Return the seqs of the user's messages in a room that have a text, from `from_seq` on, the oldest first."""
    mine = _events.room_id == room_id, _events.user_id == user_id, _events.text != "", _events.seq >= from_seq
    return db.scalars(select(_events.seq).where(*mine).order_by(_events.seq).limit(limit)).all()


def delete_texts(db: Session, room_id: str, user_id: str, before_seq: int, at: str, limit: int) -> int:
    """Delete texts, earlier texts and reactions of the user's oldest messages in a room. Return their number.

    The rows are the same as after a deletion at the time `at` that was folded into them.
    """
    mine = _events.room_id == room_id, _events.user_id == user_id, _events.text != "", _events.seq < before_seq
    rows = db.execute(select(_events.id, _events.seq, _events.fields).where(*mine).order_by(_events.seq).limit(limit))
    found = rows.all()
    if not found:
        return 0
    seqs = [row.seq for row in found]
    for table in (archived_edits, archived_reactions):
        db.execute(delete(table).where(table.c.room_id == room_id, table.c.seq.in_(seqs)))
    empty = update(archived_events).where(_events.id == bindparam("row")).values(text="", fields=bindparam("new"))
    db.connection().execute(empty, [{"row": row.id, "new": _without_text(row.fields, at)} for row in found])
    return len(found)


def rename_in_notices(db: Session, user_id: str, name: str) -> None:
    """Replace the user's name in the notices that are about the user."""
    for row in db.execute(select(_events.id, _events.fields).where(*_names(user_id))).all():
        fields = json.loads(row.fields)
        fields["target"]["name"] = name
        changed = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        db.execute(update(archived_events).where(_events.id == row.id).values(fields=changed))


def _names(user_id: str) -> tuple[ColumnElement[bool], ...]:
    # An id has no character that LIKE treats as special, but for the underscore, which also matches itself.
    return _events.notice, _events.fields.like(f'%"target":{{"id":"{user_id}"%')


def _without_text(fields: str, at: str) -> str:
    remaining = json.loads(fields)
    for name in ("mentions", "mentions_room", "edited_at"):
        remaining.pop(name, None)
    remaining["deleted_at"] = at
    return json.dumps(remaining, ensure_ascii=False, separators=(",", ":"))
