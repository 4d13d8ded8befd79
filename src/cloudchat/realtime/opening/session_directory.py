"""What a handshake needs of the database: the principal of a token, and their rooms.

A client that reconnects is answered from memory. All others that wait at the same time share one read of the database:
after a restart, thousands of reads with a thread switch each took 1.5 ms of CPU time per handshake.

Why a token that was revoked opens no socket that stays open
=============================================================
What is in memory was read at most `MAX_AGE_SECONDS` ago. A handshake uses it only after the revocations have been read
(`RevocationSweep.refresh`), which reads at least `OVERLAP_SECONDS` back, so they contain every change since then. That
read began at most `RECENT_SECONDS` before the handshake (longer if one read takes long), and after
every change that this process has committed. A token that was revoked in another process during that time can still
open a socket; the next sweep closes it within 2 seconds like any socket that was open at the revocation, so the
promised 5 seconds hold. When the database does not answer, the handshake is rejected, whether the session is in memory
or not.

The signature of a token is verified when it is read, and again after `MAX_AGE_SECONDS`; its expiry is checked each
time, and a signing key that was removed counts as a revocation.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from itertools import islice

from msgspec import Struct

from cloudchat.auth.errors import AccountError
from cloudchat.auth.principal import CHAT_READ, Principal
from cloudchat.realtime.revocation_sweep import RevocationSweep
from cloudchat.rooms.summaries.summary import RoomSummary

MAX_AGE_SECONDS = 30.0
"""Also how late a client that reconnects learns that it is in a new room, or that a signal was lost which said how far
its user has read in another process.
"""
MAX_SESSIONS = 20_000
"""About 20 MB. Beyond, the session that was read first is forgotten."""
MAX_BATCH = 100
"""Tokens in one read. Their signatures take 10 ms, during which the event loop shares the interpreter."""
QUIET_TICKS = 3
"""A read waits until so many ticks of the event loop have brought no further handshake: one tick accepts a connection,
the next one reads its request, and one more starts its handshake. So the read begins when the loop has nothing else to
do. Without the wait a read had four tokens when 32 handshakes were under way, and its thread, its transaction and its
queries took as long as the signatures. With a wait of 2 ms instead, the core was idle for a tenth of the time.

A read for one handshake does not wait if the one before it was for one, too: the clients come one after the other.
"""
MAX_GATHER_SECONDS = 0.02
"""How long a read waits at most."""


class ChatSession(Struct, frozen=True):
    """A principal and the rooms they are in."""

    principal: Principal
    rooms: Mapping[str, RoomSummary]


ReadSessions = Callable[[Sequence[str]], Awaitable[Mapping[str, ChatSession | AccountError]]]
"""Returns the session of each token, or why it has none. Raises `DatabaseUnavailable`."""


class SessionCache:
    """The sessions that were read in the last `MAX_AGE_SECONDS`. Sans-I/O: `now` is in seconds since 1970."""

    def __init__(self) -> None:
        self._entries: OrderedDict[bytes, tuple[ChatSession, float]] = OrderedDict()
        """By the digest of the token: a dump of the memory must not contain tokens. Those read first are first."""
        self._forgotten: OrderedDict[str, float] = OrderedDict()
        """By user, the time up to which their sessions are out of date."""

    def __len__(self) -> int:
        """Return the number of sessions."""
        return len(self._entries)

    def add(self, token: str, session: ChatSession, read_at: float) -> None:
        """Add a session, unless it may not open sockets: it may get that right in the next moment."""
        if CHAT_READ in session.principal.scopes:
            digest = _digest(token)
            self._entries[digest] = session, read_at
            self._entries.move_to_end(digest)
            if len(self._entries) > MAX_SESSIONS:
                self._entries.popitem(last=False)

    def get(self, token: str, now: float) -> ChatSession | None:
        """Return the session of a token that has not expired."""
        self._remove_old(now)
        entry = self._entries.get(_digest(token))
        if entry is None:
            return None
        session, read_at = entry
        principal = session.principal
        if read_at <= self._forgotten.get(principal.user_id, 0.0):
            return None
        # A clock that was set back must not prolong anything.
        return session if read_at <= now < principal.expires_at else None

    def forget_user(self, user_id: str, now: float) -> None:
        """Forget the sessions of a user that were read up to now, also those that are added later."""
        self._forgotten[user_id] = now
        self._forgotten.move_to_end(user_id)
        if len(self._forgotten) > MAX_SESSIONS:
            self._entries.clear()
            self._forgotten.clear()

    def _remove_old(self, now: float) -> None:
        while self._entries:
            digest, (_, read_at) = next(iter(self._entries.items()))
            if now - read_at < MAX_AGE_SECONDS:
                break
            del self._entries[digest]
        while self._forgotten:
            user_id, forgotten_at = next(iter(self._forgotten.items()))
            if now - forgotten_at < MAX_AGE_SECONDS:
                break
            del self._forgotten[user_id]


class SessionDirectory:
    """Finds the sessions of tokens, in memory or in the database."""

    def __init__(self, read: ReadSessions, sweep: RevocationSweep) -> None:
        self._read = read
        self._sweep = sweep
        self._cache = SessionCache()
        self._waiting: dict[str, list[asyncio.Future[ChatSession]]] = {}
        """The tokens of the next reads, and the handshakes that wait for each of them."""
        self._reading: asyncio.Task[None] | None = None
        self._last_batch_size = MAX_BATCH
        self._announced = 0
        self._none_announced = asyncio.Event()
        self._none_announced.set()

    def cached(self, token: str) -> ChatSession | None:
        """Return what is known without asking the database. It may have been revoked: call `find` before using it."""
        session = self._cache.get(token, time.time())
        return None if session is None or self._sweep.revokes(session.principal) else session

    def forget_user(self, user_id: str) -> None:
        """Read the user's sessions again: what is in memory of their rooms is out of date."""
        self._cache.forget_user(user_id, time.time())

    @contextmanager
    def announced(self) -> Iterator[None]:
        """Announce that `find` will be called right after the block. A read that starts meanwhile waits for it."""
        self._announced += 1
        self._none_announced.clear()
        try:
            yield
        finally:
            self._announced -= 1
            if not self._announced:
                self._none_announced.set()

    async def find(self, token: str) -> ChatSession:
        """Return the session of a valid token. Raises `AccountError`, `DatabaseUnavailable`."""
        if self.cached(token) is not None:
            await self._sweep.refresh()
            session = self.cached(token)
            if session is not None:
                return session
        return await self._read_with_others(token)

    def _read_with_others(self, token: str) -> "asyncio.Future[ChatSession]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ChatSession] = loop.create_future()
        self._waiting.setdefault(token, []).append(future)
        if self._reading is None:
            self._reading = loop.create_task(self._read_batches())
        return future

    async def _read_batches(self) -> None:
        try:
            while self._waiting:
                if self._last_batch_size > 1 or len(self._waiting) > 1 or self._announced:
                    await self._gather()
                batch = dict(islice(self._waiting.items(), MAX_BATCH))
                self._last_batch_size = len(batch)
                for token in batch:
                    del self._waiting[token]
                await self._read_batch(batch)
        finally:
            self._reading = None

    async def _gather(self) -> None:
        """Wait for the handshakes that are under way, at most `MAX_GATHER_SECONDS`."""
        quiet_ticks = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_GATHER_SECONDS):
                while quiet_ticks < QUIET_TICKS:
                    known = len(self._waiting)
                    await self._none_announced.wait()
                    await asyncio.sleep(0)
                    is_quiet = not self._announced and len(self._waiting) == known
                    quiet_ticks = quiet_ticks + 1 if is_quiet else 0

    async def _read_batch(self, batch: Mapping[str, Sequence[asyncio.Future[ChatSession]]]) -> None:
        read_at = time.time()
        try:
            outcomes: Mapping[str, ChatSession | Exception] = await self._read(list(batch))
        except Exception as error:
            outcomes = dict.fromkeys(batch, error)
        for token, futures in batch.items():
            outcome = outcomes[token]
            if not isinstance(outcome, Exception):
                self._cache.add(token, outcome, read_at)
            for future in futures:
                if future.done():  # the handshake was cancelled
                    continue
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
