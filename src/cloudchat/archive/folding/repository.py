"""Fold batches of events of rooms' logs into the archive: one step of the archiver, in the transaction of the caller.

All rooms share the statements: about ten, however many rooms and events there are. With ten statements for each room,
200 rooms with one event each took 250 ms.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import bindparam, delete, func, insert, select, tuple_, update

from cloudchat.archive.archived_event import encode_fields, from_columns, users_of
from cloudchat.archive.folding.batch_fold import BatchFold, EmojiUse, FoldOutcome, LogBatch, NotFolded, Targets
from cloudchat.archive.repository import NOTHING_ARCHIVED, add_epochs, add_events, advance_head
from cloudchat.core.search_terms import search_terms
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.inserts import replace_rows
from cloudchat.database.tables.accounts import users
from cloudchat.database.tables.archive import archive_heads, archived_edits, archived_events, archived_reactions
from cloudchat.database.tables.rooms import rooms
from cloudchat.database.transactions import Transaction

_CHANGES = ("edited", "deleted", "reaction")
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_MessageKey = tuple[str, int]
"""(room id, seq)."""


class _Log(Struct):
    """The events of a batch, and the head of the room's archive before it."""

    room_id: str
    before: StreamPosition
    events: list[dict[str, Any]]

    @property
    def head(self) -> StreamPosition:
        last = self.events[-1]
        return StreamPosition(last["epoch"], last["seq"])

    def new_epochs(self) -> Iterable[tuple[str, int, str]]:
        current = self.before.epoch
        for event in self.events:
            if event["epoch"] != current:
                current = event["epoch"]
                yield self.room_id, event["seq"], current

    def changes_of_archived(self) -> Iterable[dict[str, Any]]:
        """Yield the changes of messages that are in the archive already."""
        for event in self.events:
            if event["type"] in _CHANGES and event["target"] <= self.before.seq:
                yield event


def fold_logs(db: Transaction, batches: Sequence[LogBatch]) -> dict[str, FoldOutcome]:
    """Fold a batch of each of several rooms onto an archive that has everything up to `LogBatch.after`.

    Nothing of a room is written if the head of its archive is not `after` any more, because another process was
    faster (`MOVED`), or if the database does not have the room. The heads are locked until the end of the transaction,
    and are raised first. Seqs may be missing between `after` and the first event, and between two events of different
    epochs: the store has lost those. Two processes must give the rooms in the same order.
    """
    outcomes: dict[str, FoldOutcome] = {}
    heads = _lock_heads(db, [batch.room for batch in batches])
    logs = []
    for batch in batches:
        head = heads.get(batch.room)
        if head is None:
            outcomes[batch.room] = NotFolded.UNKNOWN_ROOM
        elif head.seq != batch.after:
            outcomes[batch.room] = NotFolded.MOVED
        else:
            logs.append(_Log(batch.room, head, [_decode(event) for event in batch.events]))
    lost = _advance_heads(db, logs)
    logs = [log for log in logs if log.room_id not in lost]
    _write(db, logs, _fold(db, logs))
    return outcomes | dict.fromkeys(lost, NotFolded.MOVED) | {log.room_id: log.head for log in logs}


# -- internal ---------------------------------------------------------------------------------------------------------


def _lock_heads(db: Transaction, room_ids: Collection[str]) -> dict[str, StreamPosition]:
    """Return the archived heads of those rooms that exist. No other transaction can raise them until this one ends."""
    columns = archive_heads.c
    query = select(columns.room_id, columns.epoch, columns.seq).where(columns.room_id.in_(room_ids))
    # FOR UPDATE: on PostgreSQL another process may fold the same rooms. A transaction of SQLite that writes is alone.
    rows = db.execute(query.order_by(columns.room_id).with_for_update())
    heads = {room_id: StreamPosition(epoch, seq) for room_id, epoch, seq in rows}
    if new := [room_id for room_id in room_ids if room_id not in heads]:
        heads |= dict.fromkeys(db.scalars(select(rooms.c.id).where(rooms.c.id.in_(new))), NOTHING_ARCHIVED)
    return heads


def _advance_heads(db: Transaction, logs: Sequence[_Log]) -> set[str]:
    """Raise the heads of the rooms. Return the rooms whose first head another process has written in this moment."""
    raised = [(log.room_id, log.head.epoch, log.head.seq) for log in logs if log.before.seq]
    if replace_rows(db, archive_heads, ("room_id", "epoch", "seq"), raised, growing="seq") != len(raised):
        raise RuntimeError("an archived head has moved although it was locked")
    return {log.room_id for log in logs if not log.before.seq and not advance_head(db, log.room_id, 0, log.head)}


def _fold(db: Transaction, logs: Sequence[_Log]) -> dict[str, BatchFold]:
    """Fold the events of each room. Nothing is written."""
    with_names = (event for log in logs for event in log.events if event["type"] in ("message", "notice"))
    registered = _registered(db, set(chain.from_iterable(map(users_of, with_names))))
    targets = _load_targets(db, logs)
    folds = {}
    for log in logs:
        fold = folds[log.room_id] = BatchFold(targets.get(log.room_id, Targets()), registered)
        for event in log.events:
            fold.apply(event)
    return folds


def _registered(db: Transaction, ids: Collection[str]) -> frozenset[str]:
    """Return those of the ids that have a row in `users`: nearly always all.

    So the rows are counted first. SQLite's driver releases the GIL for each row that it reads, and beside a busy event
    loop it takes long to get it back.
    """
    if not ids or db.scalar(select(func.count()).where(users.c.id.in_(ids))) == len(ids):
        return frozenset(ids)
    return frozenset(db.scalars(select(users.c.id).where(users.c.id.in_(ids))))


def _load_targets(db: Transaction, logs: Sequence[_Log]) -> Mapping[str, Targets]:
    """Return what the archive has of the messages that the batches change, by room."""
    targets: defaultdict[str, Targets] = defaultdict(Targets)
    changes = [(log.room_id, event) for log in logs for event in log.changes_of_archived()]
    if not changes:
        return targets
    columns = archived_events.c
    messages = {(room_id, event["target"]) for room_id, event in changes}
    query = select(archived_events).where(tuple_(columns.room_id, columns.seq).in_(messages))
    # FOR UPDATE: on PostgreSQL an erasure of a user may change the same rows.
    for row in db.execute(query.order_by(columns.room_id, columns.seq).with_for_update()):
        targets[row.room_id].events[row.seq] = from_columns(row)
    if reactions := [(room_id, event) for room_id, event in changes if event["type"] == "reaction"]:
        messages = {(room_id, event["target"]) for room_id, event in reactions}
        _load_reactions(db, messages, {event["user"]["id"] for _, event in reactions}, targets)
    return targets


def _load_reactions(
    db: Transaction, messages: Collection[_MessageKey], users: Collection[str], targets: Mapping[str, Targets]
) -> None:
    """Load how often each emoji is used, and the reactions of the given users only."""
    columns = archived_reactions.c
    message = columns.room_id, columns.seq, columns.emoji
    here = tuple_(columns.room_id, columns.seq).in_(messages)
    uses = select(*message, func.count(), func.min(columns.emoji_seq)).where(here).group_by(*message)
    for room_id, seq, emoji, count, since in db.execute(uses):
        targets[room_id].uses[seq, emoji] = EmojiUse(count, since)
    own = select(*message, columns.user_id, columns.emoji_seq, columns.reaction_seq)
    for room_id, seq, emoji, user_id, *reaction in db.execute(own.where(here, columns.user_id.in_(users))):
        targets[room_id].reactions[seq, emoji, user_id] = reaction[0], reaction[1]


def _write(db: Transaction, logs: Sequence[_Log], folds: Mapping[str, BatchFold]) -> None:
    add_epochs(db, [epoch for log in logs for epoch in log.new_epochs()])
    add_events(db, [(room_id, event) for room_id, fold in folds.items() for event in fold.added.values()])
    _update_events(db, folds)
    if deleted := [(room_id, seq) for room_id, fold in folds.items() for seq in fold.deleted]:
        for table in (archived_reactions, archived_edits):
            db.execute(delete(table).where(tuple_(table.c.room_id, table.c.seq).in_(deleted)))
    earlier_texts = [
        {"room_id": room_id, "seq": text.seq, "edit_seq": text.edit_seq, "at": text.at, "text": text.text}
        for room_id, fold in folds.items()
        for text in fold.earlier_texts
    ]
    if earlier_texts:
        db.execute(insert(archived_edits), earlier_texts)
    _write_reactions(db, folds)


def _update_events(db: Transaction, folds: Mapping[str, BatchFold]) -> None:
    columns = archived_events.c
    changed = [
        {
            "of_room": room_id,
            "of_seq": event.seq,
            "text": event.text,
            "terms": search_terms(event.text),
            "fields": encode_fields(event.fields).decode(),
        }
        for room_id, fold in folds.items()
        for event in fold.changed.values()
    ]
    if changed:
        one = columns.room_id == bindparam("of_room"), columns.seq == bindparam("of_seq")
        db.execute(update(archived_events).where(*one), changed)  # sets the columns text, terms and fields


def _write_reactions(db: Transaction, folds: Mapping[str, BatchFold]) -> None:
    columns = archived_reactions.c
    removed = [
        {"of_room": room_id, "of_seq": seq, "of_emoji": emoji, "of_user": user}
        for room_id, fold in folds.items()
        for seq, emoji, user in fold.removed_reactions
    ]
    if removed:
        one = delete(archived_reactions).where(
            columns.room_id == bindparam("of_room"),
            columns.seq == bindparam("of_seq"),
            columns.emoji == bindparam("of_emoji"),
            columns.user_id == bindparam("of_user"),
        )
        db.execute(one, removed)
    added = [
        {
            "room_id": room_id,
            "seq": seq,
            "emoji": emoji,
            "user_id": user,
            "emoji_seq": since,
            "reaction_seq": at_seq,
        }
        for room_id, fold in folds.items()
        for (seq, emoji, user), (since, at_seq) in fold.added_reactions
    ]
    if added:
        db.execute(insert(archived_reactions), added)
