"""What is measured in a large archive: pages of history, searches, and what the index adds to an insertion."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import delete, func, insert, select, text

from benchmarks.archive.data_set import ArchiveRows
from benchmarks.archive.texts import COMMON, RARE, THIRD
from benchmarks.results import percentile
from cloudchat.archive.search.query import parse_query
from cloudchat.archive.search.repository import Filters, find_messages
from cloudchat.database.inserts import insert_new_rows
from cloudchat.database.tables.accounts import users
from cloudchat.database.tables.archive import archive_heads, archived_events, archived_reactions
from cloudchat.database.tables.rooms import memberships
from cloudchat.database.transactions import Database

PAGE, HITS = 50, 21  # one hit more than a page of the route shows
_NO_END = 1 << 62
_BATCH = 100
_OTHER_QUERIES = ("会议记录", "git.example.com", '"of the"', "customer review", "meet -invoice")


@dataclass(frozen=True)
class Measured:
    """The times of one action in seconds."""

    what: str
    seconds: Sequence[float]

    def cells(self) -> list[str]:
        """Return the line of the table: median and 99th percentile in milliseconds."""
        return [self.what, *(f"{percentile(self.seconds, share) * 1000:.1f}" for share in (0.5, 0.99))]


class Archive:
    """A filled database, with users who are members of one small room, of 30 rooms, and of all rooms."""

    def __init__(self, db: Database, repetitions: int) -> None:
        self._db = db
        self._repetitions = repetitions
        self._random = random.Random(1)
        with db.write() as transaction:
            heads = select(archive_heads.c.room_id, archive_heads.c.seq).order_by(archive_heads.c.seq.desc())
            self._heads = [(room, seq) for room, seq in transaction.execute(heads)]
            people = list(transaction.scalars(select(users.c.id).order_by(users.c.id).limit(3)))
            transaction.execute(delete(memberships))
            rooms = [room for room, _ in self._heads]
            self._members = {"1 small room": people[0], "30 rooms": people[1], f"all {len(rooms)} rooms": people[2]}
            for user, own in zip(people, ([rooms[-20]], rooms[5::10], rooms), strict=True):
                rows = [{"room_id": room, "user_id": user, "role": "member", "joined_at": 1} for room in own]
                transaction.execute(insert(memberships), rows)
            transaction.execute(text("ANALYZE memberships"))

    def history(self) -> Measured:
        """Read pages of 50 messages, with the reactions to them, at random places."""

        def page() -> None:
            room, head = self._random.choice(self._heads)
            before = self._random.randint(1, head + 1)
            with self._db.read() as db:
                events = select(archived_events, users.c.name).outerjoin(users, users.c.id == archived_events.c.user_id)
                events = events.where(archived_events.c.room_id == room, archived_events.c.seq < before)
                rows = db.execute(events.order_by(archived_events.c.seq.desc()).limit(PAGE)).all()
                reactions = select(archived_reactions).where(
                    archived_reactions.c.room_id == room, archived_reactions.c.seq.between(before - PAGE, before)
                )
                assert len(rows) == min(PAGE, before - 1)
                db.execute(reactions).all()

        return self._times("history, 50 messages", page)

    def searches(self) -> list[Measured]:
        """Search for words of each frequency, half of the times from a random point in time on."""
        names = {RARE: "rare word", COMMON: "common word", THIRD: "word in a third of all messages"}
        found = [
            self._times(f"{name}, member of {rooms}", self._search(user, word))
            for word, name in names.items()
            for rooms, user in self._members.items()
        ]
        everywhere = list(self._members.values())[-1]
        return found + [
            self._times(f"`{query}`, member of all", self._search(everywhere, query)) for query in _OTHER_QUERIES
        ]

    def insertions(self, *, without_index: str) -> list[Measured]:
        """Insert batches of 100 messages as the archiver does, with the index and without it. The index is lost."""
        measured = []
        for seed, what in enumerate(("with", "without"), 2):
            if what == "without":
                with self._db.write() as db:
                    db.execute(text(without_index))
            action = partial(self._insert, iter(self._new_rows(seed)))
            measured.append(self._times(f"insert 100 messages {what} the index", action))
        return measured

    def _new_rows(self, seed: int) -> list[list[dict[str, Any]]]:
        made = ArchiveRows(_BATCH * (self._repetitions + 1), seed=seed)
        tables = [(columns.split(", "), rows) for table, columns, rows in made.tables() if table == "archived_events"]
        rows = [dict(zip(columns, row, strict=True)) for columns, rows in tables for row in rows]
        with self._db.read() as db:
            last_id, last_seq = db.execute(
                select(func.max(archived_events.c.id), func.max(archived_events.c.seq))
            ).one()
        for place, row in enumerate(rows, 1):
            row["id"] = last_id + (place << 20)  # a message in each millisecond
            row["room_id"], _ = self._random.choice(self._heads)
            row["seq"] = last_seq + place
        return [rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH)]

    def _insert(self, batches: Iterator[list[dict[str, Any]]]) -> None:
        with self._db.write() as db:
            batch = next(batches)
            insert_new_rows(db, archived_events, list(batch[0]), [tuple(row.values()) for row in batch])

    def _search(self, user: str, words: str) -> Callable[[], None]:
        query = parse_query(words)

        def search() -> None:
            end = _NO_END if self._random.random() < 0.5 else self._random_id()
            with self._db.read() as db:
                find_messages(db, user, query, Filters(None, None, 0, end), HITS)

        return search

    def _random_id(self) -> int:
        return self._random.randrange(1_733_000_000_000, 1_796_000_000_000) << 20

    def _times(self, what: str, action: Callable[[], None]) -> Measured:
        action()
        seconds = []
        for _ in range(self._repetitions):
            start = time.perf_counter()
            action()
            seconds.append(time.perf_counter() - start)
        return Measured(what, seconds)
