"""Fill a database with the archive of a company: rooms of very different sizes, two years, many languages."""

import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import accumulate, islice
from typing import Any

import psycopg

from benchmarks.archive.texts import Texts
from cloudchat.archive.event_ids import event_id
from cloudchat.core.search_terms import search_terms
from cloudchat.database.urls import sqlite_file

ROOMS, USERS = 300, 500
_END_MS = 1_796_000_000_000  # in November 2026
_SPAN_MS = 2 * 365 * 86_400_000
_BATCH = 5000
_REACTIONS_EVERY = 12  # messages

Rows = Sequence[tuple[Any, ...]]


class ArchiveRows:
    """Makes the rows of `messages` messages in the order of their times. The same seed makes the same rows."""

    def __init__(self, messages: int, seed: int = 1) -> None:
        self._messages = messages
        self._random = random.Random(seed)
        self._texts = Texts(seed)
        self.room_ids = [f"room{number:03d}AbCdEfGhIjKlM_-" for number in range(ROOMS)]
        self.user_ids = [f"user{number:03d}aBcDeFgHiJkLm-_" for number in range(USERS)]
        self._heads = dict.fromkeys(self.room_ids, 0)
        self._reactions: list[tuple[Any, ...]] = []

    def tables(self) -> Iterator[tuple[str, str, Rows]]:
        """Yield parts of tables to insert in this order: the name of the table, its columns, and rows."""
        yield (
            "users",
            "id, name, name_key, role, created_at",
            [(id, id[:7], id[:7], "member", 1) for id in self.user_ids],
        )
        yield "rooms", "id, name, kind, created_at", [(id, id[:7], "private", 1) for id in self.room_ids]
        rows = self._events()
        while batch := list(islice(rows, _BATCH)):
            yield "archived_events", "id, room_id, seq, user_id, notice, text, fields, terms", batch
            yield "archived_reactions", "room_id, seq, emoji, user_id, emoji_seq, reaction_seq", self._reactions
            self._reactions = []
        yield "archive_heads", "room_id, epoch, seq", [(id, "e1", seq) for id, seq in self._heads.items()]
        yield "archive_epochs", "room_id, first_seq, epoch", [(id, 1, "e1") for id in self.room_ids]

    def _events(self) -> Iterator[tuple[Any, ...]]:
        chance = self._random
        weights = list(accumulate(1 / (rank + 2) ** 1.1 for rank in range(ROOMS)))
        for number in range(self._messages):
            room = chance.choices(self.room_ids, cum_weights=weights)[0]
            user = self.user_ids[int(USERS * chance.random() ** 2)]
            self._heads[room] = seq = self._heads[room] + 1
            at_ms = _END_MS - _SPAN_MS + number * _SPAN_MS // self._messages
            text = self._texts.text()
            if number % _REACTIONS_EVERY == 0:
                self._react(room, seq)
            fields = f'{{"cid":"{chance.getrandbits(32):08x}-0000-4000-8000-{seq:012d}"}}'
            yield event_id(at_ms, room, seq), room, seq, user, False, text, fields, search_terms(text)

    def _react(self, room: str, seq: int) -> None:
        first, users = self._random.randrange(USERS), self._random.randint(1, 4)
        for place in range(users):
            user = self.user_ids[(first + place) % USERS]
            self._reactions.append((room, seq, "👍", user, seq + 1, seq + 1 + place))


def fill(url: str, messages: int) -> None:
    """Write users, rooms and messages into a migrated database. The indexes grow with the rows, as in a server."""
    rows = ArchiveRows(messages)
    path = sqlite_file(url)
    if path is not None:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            _fill_sqlite(database, rows)
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            _fill_postgres(connection, rows)


def _fill_sqlite(database: sqlite3.Connection, rows: ArchiveRows) -> None:
    database.execute("PRAGMA synchronous = OFF")
    for table, columns, values in rows.tables():
        marks = ", ".join("?" * (columns.count(",") + 1))
        database.execute("BEGIN")
        database.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)
        database.execute("COMMIT")
    database.execute("ANALYZE")


def _fill_postgres(connection: psycopg.Connection[Any], rows: ArchiveRows) -> None:
    with connection.cursor() as cursor:
        for table, columns, values in rows.tables():
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in values:
                    copy.write_row(row)
        cursor.execute("VACUUM ANALYZE")
