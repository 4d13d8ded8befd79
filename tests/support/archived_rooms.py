"""Rows in the archive, written directly, for tests of what reads and deletes them."""

import json
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import delete, insert, select, update

from cloudchat.archive.event_ids import event_id, next_id
from cloudchat.core.search_terms import search_terms
from cloudchat.database.tables.archive import (
    archive_epochs,
    archive_heads,
    archived_edits,
    archived_events,
    archived_reactions,
)
from cloudchat.database.transactions import Database
from support.account_services import NOW
from support.chat_rooms import Rooms


class ArchivedRoom:
    """The archive of one room, which a test fills."""

    def __init__(self, db: Database, room_id: str) -> None:
        self.db = db
        self.id = room_id

    def add(self, seq: int, at: float, user_id: str, text: str = "hello", **fields: object) -> None:
        """Insert a message; with the field `kind`, a notice."""
        id = event_id(int(at * 1000), self.id, seq)
        with self.db.read() as db:
            while db.scalar(select(archived_events.c.id).where(archived_events.c.id == id)) is not None:
                id = next_id(id)  # one pair of rooms in 256 has the same ids for the same time and seq
        row = {
            "id": id,
            "room_id": self.id,
            "seq": seq,
            "user_id": user_id,
            "notice": "kind" in fields,
            "text": "" if "kind" in fields else text,
            "fields": json.dumps(fields, separators=(",", ":")),
        }
        with self.db.write() as db:
            db.execute(insert(archived_events).values(row))
            db.execute(delete(archive_heads).where(archive_heads.c.room_id == self.id))
            db.execute(insert(archive_heads).values(room_id=self.id, epoch="e1", seq=seq))

    def react(self, seq: int, user_id: str, emoji: str = "👍") -> None:
        reaction = {"room_id": self.id, "seq": seq, "emoji": emoji, "user_id": user_id, "emoji_seq": 1}
        with self.db.write() as db:
            db.execute(insert(archived_reactions).values(**reaction, reaction_seq=1))

    def add_earlier_text(self, seq: int, at: float, text: str, edit_seq: int = 2) -> None:
        """Insert a text that the edit `edit_seq` has replaced."""
        with self.db.write() as db:
            db.execute(insert(archived_edits).values(room_id=self.id, seq=seq, edit_seq=edit_seq, at=at, text=text))

    def texts(self) -> dict[int, str]:
        """Return the texts of all rows, by seq."""
        found = select(archived_events.c.seq, archived_events.c.text).where(archived_events.c.room_id == self.id)
        with self.db.read() as db:
            return {row.seq: row.text for row in db.execute(found.order_by(archived_events.c.seq))}

    def fields(self, seq: int) -> dict[str, object]:
        mine = archived_events.c.room_id == self.id, archived_events.c.seq == seq
        with self.db.read() as db:
            found: dict[str, object] = json.loads(db.scalars(select(archived_events.c.fields).where(*mine)).one())
            return found

    def changed_seqs(self) -> tuple[set[int], set[int]]:
        """Return the seqs of the messages with reactions, and of those with earlier texts."""
        with self.db.read() as db:
            return (
                set(db.scalars(select(archived_reactions.c.seq).where(archived_reactions.c.room_id == self.id))),
                set(db.scalars(select(archived_edits.c.seq).where(archived_edits.c.room_id == self.id))),
            )


@dataclass
class ArchivedMessages:
    """The archive of the rooms of a test. Each message is a second later than the one before."""

    rooms: Rooms
    seqs: Counter[str] = field(default_factory=Counter)
    at: float = NOW

    def add(self, room: str, author: str, text: str, *, notice: bool = False) -> int:
        """Archive a message, and return its seq."""
        self.seqs[room] += 1
        self.at += 1
        seq = self.seqs[room]
        fields = {"kind": "joined"} if notice else {"cid": f"c{seq}"}
        ArchivedRoom(self.rooms.services.db, room).add(seq, self.at, self.rooms.ids[author], text, **fields)
        if seq == 1:
            with self.rooms.services.db.write() as db:
                db.execute(insert(archive_epochs).values(room_id=room, first_seq=1, epoch="e1"))
        return seq

    def edit(self, room: str, seq: int, text: str) -> None:
        """Give a message another text; an empty one deletes it."""
        with self.rooms.services.db.write() as db:
            changes = update(archived_events).values(text=text, terms=search_terms(text))
            db.execute(changes.where(archived_events.c.room_id == room, archived_events.c.seq == seq))

    def remove(self, room: str, seq: int) -> None:
        """Remove a row, as retention does."""
        with self.rooms.services.db.write() as db:
            db.execute(delete(archived_events).where(archived_events.c.room_id == room, archived_events.c.seq == seq))

    def terms(self, room: str, seq: int) -> str:
        with self.rooms.services.db.read() as db:
            found = select(archived_events.c.terms)
            return str(db.scalar(found.where(archived_events.c.room_id == room, archived_events.c.seq == seq)))
