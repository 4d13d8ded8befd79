"""Messages in the archive, written into its tables directly."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, insert, select, update

from cloudchat.archive.event_ids import event_id
from cloudchat.core.search_terms import search_terms
from cloudchat.database.archive_tables import archive_epochs, archive_heads, archived_events
from support.chat_rooms import Rooms


@dataclass
class ArchivedMessages:
    """The archive of the rooms of a test. Each message is a second later than the one before."""

    rooms: Rooms
    seqs: Counter[str] = field(default_factory=Counter)
    at_ms: int = 1_800_000_000_000

    def add(self, room: str, author: str, text: str, *, notice: bool = False) -> int:
        """Archive a message, and return its seq."""
        self.seqs[room] += 1
        self.at_ms += 1000
        seq, db = self.seqs[room], self.rooms.services.db
        row: dict[str, Any] = {
            "id": event_id(self.at_ms, room, seq),
            "room_id": room,
            "seq": seq,
            "user_id": self.rooms.ids[author],
            "notice": notice,
            "text": text,
            "fields": json.dumps({"kind": "joined"} if notice else {"cid": f"c{seq}"}),
        }
        with db.write() as transaction:
            transaction.execute(insert(archived_events), [row])
            transaction.execute(delete(archive_heads).where(archive_heads.c.room_id == room))
            transaction.execute(insert(archive_heads).values(room_id=room, epoch="e1", seq=seq))
            if seq == 1:
                transaction.execute(insert(archive_epochs).values(room_id=room, first_seq=1, epoch="e1"))
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
