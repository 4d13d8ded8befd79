"""SQL queries of exports: a room, its members, and its messages and notices with everything that belongs to them."""

from collections.abc import Collection

from sqlalchemy import select

from cloudchat.archive.history.repository import read_events, read_page
from cloudchat.archive.repository import NOTHING_ARCHIVED, read_heads
from cloudchat.broker.reads import HistoryRange
from cloudchat.core.message_fold import Row
from cloudchat.core.stream_position import StreamPosition
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.tables.accounts import users
from cloudchat.database.tables.archive import archived_edits
from cloudchat.database.tables.rooms import Room, log_checkpoints, memberships, rooms
from cloudchat.database.transactions import Transaction

MAX_IDS_PER_QUERY = 5000


def archived_head(db: Transaction, room_id: str) -> StreamPosition:
    """Return the position up to which the archive has everything of a room."""
    return read_heads(db, [room_id]).get(room_id, NOTHING_ARCHIVED)


def is_behind(db: Transaction, room_id: str) -> bool:
    """Return whether the room is known to have events that are not archived yet."""
    seq = db.scalar(select(log_checkpoints.c.seq).where(log_checkpoints.c.room_id == room_id))
    return (seq or 0) > archived_head(db, room_id).seq


def room_description(db: Transaction, room_id: str) -> Row:
    """Return the room and its members as an export describes them."""
    room = Room(*db.execute(select(rooms).where(rooms.c.id == room_id)).one())
    members = select(users.c.id, users.c.name, memberships.c.role).join(
        memberships, memberships.c.user_id == users.c.id
    )
    members = members.where(memberships.c.room_id == room_id).order_by(users.c.name_key)
    return {
        "room": {
            "id": room.id,
            "kind": room.kind,
            "name": room.name,
            "topic": room.topic,
            "archived": room.archived_at is not None,
            "created_at": rfc3339(room.created_at),
        },
        "members": [{"id": id, "name": name, "role": role} for id, name, role in db.execute(members)],
    }


def rows_after(db: Transaction, room_id: str, after: int, head: int, limit: int) -> list[Row]:
    """Return the next messages and notices after the seq `after`, up to `head`, as an export has them.

    These are the rows of `history` with all users who reacted, with their names and those of mentioned users, and with
    the earlier texts.
    """
    page = read_page(db, room_id, HistoryRange.after_seq(after, limit), all_users=True)
    rows = [row for row in page.newer if row["seq"] <= head]
    names = _names(db, {id for row in rows for id in _ids_without_names(row)})
    earlier = _earlier_texts(db, room_id, [row["seq"] for row in rows if "edited_at" in row])
    for row in rows:
        del row["room"]
        if "mentions" in row:
            row["mentions"] = [{"id": id, "name": names.get(id, "")} for id in row["mentions"]]
        for reaction in row.get("reactions", ()):
            reaction["users"] = [{"id": id, "name": names.get(id, "")} for id in reaction["users"]]
        if row["seq"] in earlier:
            row["earlier_texts"] = earlier[row["seq"]]
    return rows


def quoted_messages(db: Transaction, room_id: str, seqs: Collection[int]) -> dict[int, tuple[str, str]]:
    """Return the author's name and the text of messages, by their seqs."""
    found = read_events(db, room_id, seqs) if seqs else {}
    names = _names(db, {event.user_id for event in found.values()})
    return {seq: (names.get(event.user_id, ""), event.text) for seq, event in found.items() if not event.notice}


def _ids_without_names(row: Row) -> list[str]:
    return [*row.get("mentions", ()), *(id for reaction in row.get("reactions", ()) for id in reaction["users"])]


def _names(db: Transaction, ids: Collection[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), MAX_IDS_PER_QUERY):
        query = select(users.c.id, users.c.name).where(users.c.id.in_(wanted[start : start + MAX_IDS_PER_QUERY]))
        names.update((row.id, row.name) for row in db.execute(query))
    return names


def _earlier_texts(db: Transaction, room_id: str, seqs: Collection[int]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    if seqs:
        columns = archived_edits.c
        query = select(columns.seq, columns.edit_seq, columns.at, columns.text)
        query = query.where(columns.room_id == room_id, columns.seq.in_(seqs)).order_by(columns.seq, columns.edit_seq)
        for seq, edit_seq, at, text in db.execute(query):
            found.setdefault(seq, []).append({"replaced_by": edit_seq, "at": rfc3339(at), "text": text})
    return found
