"""The broker on Redis 7 or Valkey: one stream a room, written and read by the functions in functions.lua."""

import asyncio
import itertools
import secrets
from collections.abc import Callable
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from cloudchat.broker import keys
from cloudchat.broker.broker import Appended, BrokerUnavailable, Done, Entry, Listener, Page
from cloudchat.broker.commit_pipe import FUNCTIONS, CommitPipe, pack
from cloudchat.broker.subscription import Subscription
from cloudchat.broker.witness import Witness

READ_SECONDS = 3.0
PAGE_BYTES = 512 * 1024
"""A page of the log ends here, so that a reader's buffer holds it."""


class RedisBroker:
    """See `Broker` for what it guarantees. `run` must be running for subscriptions to be heard."""

    def __init__(
        self, url: str, listener: Listener, *, history_messages: int, settled: Callable[[], None] = lambda: None
    ) -> None:
        """`settled` is called when no append of this process is under way any more."""
        self._keep = history_messages
        self._pipe = CommitPipe(url, settled)
        self._witness = Witness(listener)
        self.subscription = Subscription(url, self._witness)
        # No retries: redis-py's default ones made two entries of one XADD. A bounded wait for a connection, so that a
        # crowd of readers queues instead of opening a connection each.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=16,
            timeout=READ_SECONDS,
            socket_timeout=READ_SECONDS,
            socket_connect_timeout=READ_SECONDS,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._redis = Redis.from_pool(pool)

    @property
    def busy(self) -> bool:
        """Whether appends of this process are under way."""
        return self._pipe.busy

    async def run(self) -> None:
        """Keep the subscription. Returns only by cancellation."""
        await self.subscription.run()

    async def close(self) -> None:
        """End all connections."""
        await self._pipe.close()
        await self._redis.aclose()

    def append(self, entry: Entry, done: Done) -> None:
        """See `Broker`."""
        room = entry.room
        witness = self._witness

        def answered(outcome: Appended | BrokerUnavailable) -> None:
            if type(outcome) is Appended:
                witness.saw(room, outcome.epoch, outcome.seq)
            done(outcome)

        request = pack(
            "FCALL",
            "cloudchat_append_v1",
            4,
            keys.meta(room),
            keys.log(room),
            keys.seen(room),
            keys.channel(room),
            new_epoch(),
            room,
            entry.kind,
            entry.body,
            entry.user,
            entry.cid,
            entry.at,
            self._keep,
            *witness.known(room),
        )
        self._pipe.submit(request, answered)

    async def read(self, room: str, after: int, limit: int) -> Page:
        """See `Broker`."""
        reply = await self._call("cloudchat_read_v1", room, after, limit)
        return self._page(room, reply)

    async def read_before(self, room: str, before: int, limit: int) -> Page:
        """See `Broker`."""
        reply = await self._call("cloudchat_read_before_v1", room, before, limit)
        return self._page(room, reply)

    async def renew_epoch(self, room: str, epoch: str, seen: int) -> None:
        """See `Broker`."""
        await self._execute("FCALL", "cloudchat_renew_epoch_v1", 1, keys.meta(room), epoch, seen, new_epoch())

    def subscribe(self, room: str) -> None:
        """See `Broker`."""
        self.subscription.add(room)

    def unsubscribe(self, room: str) -> None:
        """See `Broker`."""
        self.subscription.remove(room)

    async def ping(self) -> str | None:
        """What is wrong with the store, for a person, or None."""
        try:
            async with asyncio.timeout(1):
                await self._redis.ping()
        except (RedisError, OSError) as problem:
            return f"the store does not answer: {problem}"
        return None

    async def _call(self, function: str, room: str, seq: int, limit: int) -> Any:
        places = keys.meta(room), keys.log(room)
        known = self._witness.known(room)
        return await self._execute("FCALL", function, 2, *places, new_epoch(), seq, limit, PAGE_BYTES, *known)

    def _page(self, room: str, reply: Any) -> Page:
        epoch, head, oldest, first, events = reply
        page = Page(epoch.decode(), head, oldest, first, events)
        self._witness.saw(room, page.epoch, head)
        return page

    async def _execute(self, *command: str | int) -> Any:
        """One command; the functions are loaded when a wiped store has forgotten them. Raises `BrokerUnavailable`."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                try:
                    return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]
                except ResponseError as problem:
                    if "Function not found" not in str(problem):
                        raise
                    await self._redis.function_load(FUNCTIONS, replace=True)
                    return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as problem:  # TimeoutError is an OSError
            raise BrokerUnavailable(f"the store cannot be read: {problem}") from problem


_PROCESS = secrets.token_urlsafe(12)
_count = itertools.count()


def new_epoch() -> str:
    """A name for a numbering, which no other ever had: 96 random bits of this process, and a count.

    Every append brings one along, in case its room is new: asking the kernel for each was 2 % of a busy server.
    """
    return f"{_PROCESS}.{next(_count)}"
