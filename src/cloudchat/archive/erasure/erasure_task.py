"""Execute the orders to erase a person: end memberships, delete texts, replace the name in events.

The order is a row in SQL, written with the erasure of the account. A process claims it, and does each step again after
a crash: each of them finds what is left. So an erasure is finished however often it is interrupted.

A message in the hot log is deleted by a logged `deleted`, as a moderator's deletion is, so that every client with the
room open removes the text. Older messages are deleted in the archive only: a hundred thousand logged deletions would
push everything else out of the hot logs.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from cloudchat.archive.erasure import repository
from cloudchat.archive.erasure.repository import OpenErasure, Texts
from cloudchat.broker.appends import AppendCallback, AppendOutcome, Change, Entry
from cloudchat.broker.archiving.log_archive import LogArchive
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.reads import Page
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.transactions import Database, DatabaseUnavailable, Transaction
from cloudchat.protocol.events import User, encoder
from cloudchat.protocol.logged_events import DeletedBody
from cloudchat.rooms.service import RoomService
from cloudchat.rooms.summaries.summary import RoomUser

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 2.0
CLAIM_SECONDS = 10.0
"""After the death of a process, another one goes on after that time. Two at once do no harm."""
SETTLE_SECONDS = 10.0
"""Events that were accepted before the account was closed are in the archive by then."""
MAX_MESSAGES_PER_STEP = 200
"""On SQLite all other writers wait for a transaction."""
PAUSE_SECONDS = 0.05
"""Between two steps other writers get the lock, and other appends the store."""

_CIDS = uuid.UUID("6d2a4b0e-41d4-4f0b-9d3f-6f7b3a1c58e2")
_T = TypeVar("_T")


class HotLog(Protocol):
    """What is needed of the room logs."""

    def change(self, change: Change, on_done: AppendCallback) -> None:
        """Append a change of a message, also of one that is in the archive only."""


class HotLogReader(Protocol):
    """What is needed of the broker."""

    async def newest(self, room: str, limit: int, max_bytes: int) -> Page:
        """Return the newest events. Raises `BrokerUnavailable`."""

    @property
    def archive(self) -> LogArchive:
        """What the archive changes in the logs."""


class ErasureTask:
    """Executes the orders, one after the other."""

    def __init__(self, db: Database, rooms: RoomService, hot_log: HotLog, broker: HotLogReader) -> None:
        self._db = db
        self._rooms = rooms
        self._hot_log = hot_log
        self._broker = broker

    async def run(self) -> None:
        """Execute orders until cancelled."""
        while True:
            try:
                await self.execute_next(time.time())
            except (DatabaseUnavailable, BrokerUnavailable) as error:
                logger.warning("an erasure is interrupted: %s", error)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def execute_next(self, now: float) -> bool:
        """Execute one order as far as possible. Return whether one was finished.

        Raises `DatabaseUnavailable`, `BrokerUnavailable`; another call continues.
        """
        erasure = await self._write(lambda db: repository.claim(db, now, now + CLAIM_SECONDS))
        if erasure is None:
            return False
        user = RoomUser(erasure.user_id, erasure.name)
        await asyncio.to_thread(self._rooms.members.leave_all, user, now)
        deleted = 0
        for room_id in await self._read(lambda db: repository.rooms_with_texts(db, user.id)):
            deleted += await self._delete_texts(room_id, erasure)
        for room_id in await self._read(lambda db: repository.rooms_with_traces(db, user.id)):
            await self._replace_name(room_id, user)
        finished = not deleted and now > erasure.ordered_at + SETTLE_SECONDS
        if finished:
            await asyncio.to_thread(self._rooms.members.show_new_name, user.id, now)
            await self._write(lambda db: repository.finish(db, user.id, now))
            logger.info("erased a user user=%s", user.id)
        else:  # what was written last is found by another pass
            await self._write(lambda db: repository.extend_claim(db, user.id, now))
        return finished

    async def _replace_name(self, room_id: str, user: RoomUser) -> None:
        """Replace the user's name in the events of a hot log."""
        done, through = -1, 0
        while through > done:
            done = through
            through = await self._broker.archive.rename_user(room_id, user.id, user.name, done, MAX_MESSAGES_PER_STEP)

    async def _delete_texts(self, room_id: str, erasure: OpenErasure) -> int:
        """Delete the user's texts in one room. Return how many were there."""
        oldest = (await self._broker.newest(room_id, 1, 1)).oldest
        texts = Texts(room_id, erasure.user_id, oldest)
        return await self._delete_hot(texts, erasure) + await self._delete_archived(texts, erasure)

    async def _delete_hot(self, texts: Texts, erasure: OpenErasure) -> int:
        deleted, after = 0, 0
        while seqs := await self._read(
            partial(repository.hot_seqs, texts=texts, after=after, limit=MAX_MESSAGES_PER_STEP)
        ):
            facts = await asyncio.to_thread(self._rooms.changes.facts, [texts.room_id])
            for seq in seqs:
                await self._delete_logged(texts.room_id, erasure, seq, facts[texts.room_id].version)
            deleted += len(seqs)
            after = seqs[-1]
            await self._keep(erasure)
        return deleted

    async def _delete_archived(self, texts: Texts, erasure: OpenErasure) -> int:
        at, deleted = rfc3339(time.time()), 0
        step = partial(repository.delete_archived_texts, texts=texts, at=at, limit=MAX_MESSAGES_PER_STEP)
        while count := await self._write(step):
            deleted += count
            await self._keep(erasure)
        return deleted

    async def _delete_logged(self, room_id: str, erasure: OpenErasure, seq: int, version: int) -> None:
        """Delete a message in the hot log. Raises `BrokerUnavailable`.

        A refusal is not an error: the message was trimmed or deleted, or the room has changed. The next pass sees it.
        """
        at = rfc3339(time.time())
        body = DeletedBody(target=seq, user=User(id=erasure.user_id, name=erasure.name), at=at)
        cid = str(uuid.uuid5(_CIDS, f"{room_id} {seq}"))
        entry = Entry(room_id, erasure.user_id, cid, "deleted", encoder.encode(body)[1:], at, version)
        done: asyncio.Future[AppendOutcome] = asyncio.get_running_loop().create_future()
        self._hot_log.change(Change(entry, seq, moderates=True), lambda outcome: _finish(done, outcome))
        outcome = await done
        if isinstance(outcome, BrokerUnavailable):
            raise outcome

    async def _keep(self, erasure: OpenErasure) -> None:
        """Keep the claim, and let others write."""
        until = time.time() + CLAIM_SECONDS
        await self._write(lambda db: repository.extend_claim(db, erasure.user_id, until))
        await asyncio.sleep(PAUSE_SECONDS)

    async def _read(self, query: Callable[[Transaction], _T]) -> _T:
        return await asyncio.to_thread(self._in_transaction, query, False)

    async def _write(self, query: Callable[[Transaction], _T]) -> _T:
        return await asyncio.to_thread(self._in_transaction, query, True)

    def _in_transaction(self, query: Callable[[Transaction], _T], writes: bool) -> _T:
        with self._db.write() if writes else self._db.read() as db:
            return query(db)


def _finish(done: "asyncio.Future[AppendOutcome]", outcome: AppendOutcome) -> None:
    if not done.done():  # the task was cancelled meanwhile
        done.set_result(outcome)
