"""Write the archive: fold events of a log into its tables. Reading is in `history/repository.py`.

`fold_events` is one step of the archiver, in the transaction of the caller. A batch takes about ten statements,
however many events it has.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from cloudchat.archive.archived_event import ArchivedEvent, encode_fields, from_columns, users_of
from cloudchat.archive.batch_fold import BatchFold, EmojiUse, Targets, reaction_keys
from cloudchat.archive.event_ids import event_id, next_id
from cloudchat.core.search_terms import search_terms
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.archive_tables import (
    archive_epochs,
    archive_heads,
    archived_edits,
    archived_events,
    archived_reactions,
)
from cloudchat.database.models import Room, User
from cloudchat.database.transactions import changed_rows
from cloudchat.database.upsert import insert_into

NOTHING_ARCHIVED = StreamPosition("", 0)
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class UnknownRoom(Exception):
    """The log belongs to a room that the database does not have: nothing of it can be archived."""


def read_heads(db: Session, rooms: Collection[str] | None = None) -> dict[str, StreamPosition]:
    """Return the archived head of each room that has one: everything up to it is in the archive. None: all rooms."""
    query = select(archive_heads.c.room_id, archive_heads.c.epoch, archive_heads.c.seq)
    if rooms is not None:
        query = query.where(archive_heads.c.room_id.in_(rooms))
    return {row.room_id: StreamPosition(row.epoch, row.seq) for row in db.execute(query)}


def read_room_ids(db: Session) -> list[str]:
    """Return the ids of all rooms."""
    return list(db.scalars(select(Room.id).order_by(Room.id)))


def fold_events(db: Session, room_id: str, after: int, encoded: Sequence[bytes]) -> StreamPosition | None:
    """Fold events of a room's log, in the order of their seqs, onto an archive that has everything up to `after`.

    Returns the new head. None, and nothing is written, if the archive's head is not `after` any more, because another
    process was faster. The condition is in the UPDATE of the head, which comes first: it locks the room until
    the end of the transaction. Seqs may be missing between `after` and the first event, and between two events of
    different epochs: the store has lost those. Raises UnknownRoom.
    """
    head = _head_of(db, room_id)
    events = [_decode(event) for event in encoded]
    last = events[-1]
    new_head = StreamPosition(last["epoch"], last["seq"])
    if head.seq != after or not advance_head(db, room_id, after, new_head):
        return None
    rows = [event for event in events if event["type"] in ("message", "notice")]
    registered = _registered(db, set().union(*map(users_of, rows)))
    fold = BatchFold(_load_targets(db, room_id, events, after), registered)
    for event in events:
        fold.apply(event)
    add_epochs(db, room_id, list(_new_epochs(head.epoch, events)))
    add_events(db, room_id, list(fold.added.values()))
    _write_changes(db, room_id, fold)
    return new_head


def advance_head(db: Session, room_id: str, after: int, head: StreamPosition) -> bool:
    """Raise the room's archived head from the seq `after` to `head`. Returns False if it is not `after`.

    Until the transaction ends, no other one can change the archive of this room if it begins like this.
    """
    columns = archive_heads.c
    if after:
        statement = update(archive_heads).where(columns.room_id == room_id, columns.seq == after)
        return changed_rows(db, statement.values(epoch=head.epoch, seq=head.seq)) == 1
    new = insert_into(db, archive_heads).values(room_id=room_id, epoch=head.epoch, seq=head.seq)
    return db.scalar(new.on_conflict_do_nothing().returning(columns.seq)) is not None


def add_epochs(db: Session, room_id: str, epochs: Sequence[tuple[int, str]]) -> None:
    """Add epochs, each as the seq of its first event and its name."""
    if epochs:
        rows = [{"room_id": room_id, "first_seq": first_seq, "epoch": epoch} for first_seq, epoch in epochs]
        db.execute(insert(archive_epochs), rows)


def add_events(db: Session, room_id: str, events: Sequence[ArchivedEvent]) -> None:
    """Insert messages and notices that the archive does not have."""
    if not events:
        return
    ids = _free_ids(db, [event_id(event.at_ms, room_id, event.seq) for event in events])
    rows = [
        {
            "id": id,
            "room_id": room_id,
            "seq": event.seq,
            "user_id": event.user_id,
            "notice": event.notice,
            "text": event.text,
            "fields": encode_fields(event.fields).decode(),
        }
        for id, event in zip(ids, events, strict=True)
    ]
    db.execute(insert(archived_events), rows)


# -- internal ---------------------------------------------------------------------------------------------------------


def _head_of(db: Session, room_id: str) -> StreamPosition:
    query = select(archive_heads.c.epoch, archive_heads.c.seq).select_from(Room)
    joined = query.outerjoin(archive_heads, archive_heads.c.room_id == Room.id).where(Room.id == room_id)
    row = db.execute(joined).first()
    if row is None:
        raise UnknownRoom(room_id)
    return NOTHING_ARCHIVED if row.epoch is None else StreamPosition(row.epoch, row.seq)


def _registered(db: Session, ids: Collection[str]) -> frozenset[str]:
    return frozenset(db.scalars(select(User.id).where(User.id.in_(ids)))) if ids else frozenset()


def _new_epochs(current: str, events: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, str]]:
    for event in events:
        if event["epoch"] != current:
            current = event["epoch"]
            yield event["seq"], current


def _load_targets(db: Session, room_id: str, events: Sequence[Mapping[str, Any]], last_archived: int) -> Targets:
    targets = Targets()
    kinds = ("edited", "deleted", "reaction")
    seqs = {event["target"] for event in events if event["type"] in kinds and event["target"] <= last_archived}
    if not seqs:
        return targets
    columns = archived_events.c
    query = select(archived_events).where(columns.room_id == room_id, columns.seq.in_(seqs))
    # FOR UPDATE: on PostgreSQL an erasure of a user may change the same rows. SQLite has one writer at a time.
    targets.events = {row.seq: from_columns(row) for row in db.execute(query.with_for_update())}
    if keys := reaction_keys(events, last_archived):
        _load_reactions(db, room_id, {key[0] for key in keys}, {key[2] for key in keys}, targets)
    return targets


def _load_reactions(db: Session, room_id: str, seqs: set[int], users: set[str], targets: Targets) -> None:
    """Load how often each emoji is used, and the reactions of the given users only."""
    columns = archived_reactions.c
    here = columns.room_id == room_id, columns.seq.in_(seqs)
    uses = select(columns.seq, columns.emoji, func.count(), func.min(columns.emoji_seq)).where(*here)
    for seq, emoji, count, since in db.execute(uses.group_by(columns.seq, columns.emoji)):
        targets.uses[seq, emoji] = EmojiUse(count, since)
    own = select(columns.seq, columns.emoji, columns.user_id, columns.emoji_seq, columns.reaction_seq)
    for seq, emoji, user_id, *reaction in db.execute(own.where(*here, columns.user_id.in_(users))):
        targets.reactions[seq, emoji, user_id] = reaction[0], reaction[1]


def _free_ids(db: Session, wanted: Sequence[int]) -> list[int]:
    """Return the wanted ids, and for each that another event has the next free one of the same millisecond."""
    ids = list(wanted)
    unchecked = set(ids)
    used: set[int] = set()
    while unchecked:
        taken = used | set(db.scalars(select(archived_events.c.id).where(archived_events.c.id.in_(unchecked))))
        assigned: set[int] = set()
        changed = set()
        for index, id in enumerate(ids):
            while id in taken or id in assigned:
                id = next_id(id)
                changed.add(id)
            ids[index] = id
            assigned.add(id)
        used, unchecked = taken, changed
    return ids


def _write_changes(db: Session, room_id: str, fold: BatchFold) -> None:
    reactions, edits = archived_reactions.c, archived_edits.c
    if fold.changed:
        statement = update(archived_events).where(
            archived_events.c.room_id == room_id, archived_events.c.seq == bindparam("of_seq")
        )
        changed = [
            {
                "of_seq": event.seq,
                "text": event.text,
                "terms": search_terms(event.text),
                "fields": encode_fields(event.fields).decode(),
            }
            for event in fold.changed.values()
        ]
        db.connection().execute(statement, changed)  # sets the columns text, terms and fields
    if fold.deleted:
        db.execute(delete(archived_reactions).where(reactions.room_id == room_id, reactions.seq.in_(fold.deleted)))
        db.execute(delete(archived_edits).where(edits.room_id == room_id, edits.seq.in_(fold.deleted)))
    if fold.earlier_texts:
        rows = [
            {"room_id": room_id, "seq": text.seq, "edit_seq": text.edit_seq, "at": text.at, "text": text.text}
            for text in fold.earlier_texts
        ]
        db.execute(insert(archived_edits), rows)
    if removed := fold.removed_reactions:
        one = delete(archived_reactions).where(
            reactions.room_id == room_id,
            reactions.seq == bindparam("of_seq"),
            reactions.emoji == bindparam("of_emoji"),
            reactions.user_id == bindparam("of_user"),
        )
        keys = [{"of_seq": seq, "of_emoji": emoji, "of_user": user} for seq, emoji, user in removed]
        db.connection().execute(one, keys)
    if added := fold.added_reactions:
        rows = [
            {
                "room_id": room_id,
                "seq": seq,
                "emoji": emoji,
                "user_id": user,
                "emoji_seq": since,
                "reaction_seq": at_seq,
            }
            for (seq, emoji, user), (since, at_seq) in added
        ]
        db.execute(insert(archived_reactions), rows)
