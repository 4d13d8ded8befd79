"""Keep the processes' presence in the store, and know that of the others.

A process writes its own changes and publishes them in the same step: the first one at once, then one call per
`FLUSH_SECONDS`. So a user who comes is seen by all processes without a delay, and thousands who come at the same time
are few calls. Nothing rests on that message: each process compares the versions of all others every `POLL_SECONDS` and
reads what it missed. The users of a killed process are gone `ALIVE_SECONDS` after its last heartbeat, in each process
with its own next poll, without a message of another process. So presence is right within 20 seconds of a `kill -9`.

While the store is unavailable, presence does not change. Afterwards each process writes down all its users again if the
store has forgotten it.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from importlib.resources import files
from typing import Any

from cloudchat.broker import keys
from cloudchat.broker.broker import BrokerUnavailable
from cloudchat.broker.redis_functions import RedisFunctions
from cloudchat.core.ids import new_id
from cloudchat.realtime.ephemeral.local_presence import LocalPresence
from cloudchat.realtime.ephemeral.presence_view import PresenceView
from cloudchat.realtime.ephemeral.signals import PresenceChanged, encode_signals

FUNCTIONS = files("cloudchat.realtime.ephemeral").joinpath("presence.lua").read_text()
"""The Redis functions of presence."""
FLUSH_SECONDS = 0.1
IDLE_SECONDS = 0.25
"""How often a process looks for users who have left, and whether the next poll is due."""
POLL_SECONDS = 5.0
ALIVE_SECONDS = 15
MAX_CHANGES = 1000
"""Of one call. What exceeds it is written by the next one."""

_PREFIX = "cloudchat:{presence}:"
_VERSIONS = f"{_PREFIX}versions"

OnChange = Callable[[Iterable[str]], None]
"""Receives the users whose presence may have changed, on the event loop. It must not raise."""


class PresenceSync:
    """The presence of this process, and the view of all."""

    def __init__(
        self, functions: RedisFunctions, local: LocalPresence, view: PresenceView, on_change: OnChange
    ) -> None:
        """`local` is what is written, `view` is what is brought up to date."""
        self._local = local
        self._view = view
        self._functions = functions
        self._on_change = on_change
        self._process = new_id()
        self._version = 0
        self._unwritten: dict[str, bool] = {}
        """Changes that the store may not know: whether each user is online."""
        self._user_came = asyncio.Event()
        local.user_came = self._user_came.set

    def change_received(self, signal: PresenceChanged) -> None:
        """Apply the change of another process."""
        if signal.process != self._process:
            self._on_change(self._view.change(signal.process, signal.version, signal.came, signal.left))

    async def run(self) -> None:
        """Write changes and poll the others, until cancelled."""
        next_poll = 0.0
        while True:
            self._user_came.clear()
            must_pause = True
            try:
                if time.monotonic() >= next_poll:
                    await self._poll()
                    next_poll = time.monotonic() + POLL_SECONDS
                must_pause = await self._write_changes(time.monotonic())
            except BrokerUnavailable:
                next_poll = 0.0  # the store may have lost everything: the next answer must be that of a poll
            if must_pause:
                await asyncio.sleep(FLUSH_SECONDS)
            else:
                await self._wait_for_user()

    async def _wait_for_user(self) -> None:
        """Wait until a user comes, at most for `IDLE_SECONDS`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_SECONDS):
                await self._user_came.wait()

    async def close(self) -> None:
        """Tell the others that this process has no sockets any more."""
        names = [_VERSIONS, self._alive, self._online]
        try:
            await self._functions.call("cloudchat_presence_retire_v1", names, self._process)
        except BrokerUnavailable:
            return  # its heartbeats end, which has the same effect a little later

    @property
    def _alive(self) -> str:
        return f"{_PREFIX}alive:{self._process}"

    @property
    def _online(self) -> str:
        return f"{_PREFIX}online:{self._process}"

    async def _poll(self) -> None:
        names = [_VERSIONS, self._alive]
        prefixes = f"{_PREFIX}alive:", f"{_PREFIX}online:"
        reply: Any = await self._functions.call(
            "cloudchat_presence_poll_v1", names, self._process, ALIVE_SECONDS, *prefixes
        )
        known, living = reply
        if self._version and not known:  # the store was wiped, or this process was silent for too long
            self._unwritten = dict.fromkeys(self._local.users, True)
        versions = {living[i].decode(): int(living[i + 1]) for i in range(0, len(living), 2)}
        self._on_change(self._view.retain({self._process, *versions}))
        for process in self._view.outdated(versions):
            reply = await self._functions.call(
                "cloudchat_presence_read_v1", [_VERSIONS, f"{_PREFIX}online:{process}"], process
            )
            version, users = reply
            self._on_change(self._view.replace(process, int(version), [user.decode() for user in users]))

    async def _write_changes(self, now: float) -> bool:
        """Write all changes. Return whether there were any."""
        came, left = self._local.take_changes(now)
        self._unwritten |= dict.fromkeys(came, True) | dict.fromkeys(left, False)
        if not self._unwritten:
            return False
        while self._unwritten:
            batch = dict(list(self._unwritten.items())[:MAX_CHANGES])
            await self._write(
                came=[user for user, online in batch.items() if online],
                left=[user for user, online in batch.items() if not online],
            )
            for user_id in batch:
                del self._unwritten[user_id]
        return True

    async def _write(self, came: list[str], left: list[str]) -> None:
        # Each call has a new version, also after one with an unknown outcome: others then read what they missed.
        self._version += 1
        signal = encode_signals([PresenceChanged(self._process, self._version, came, left)]).decode()
        await self._functions.call(
            "cloudchat_presence_update_v1",
            [_VERSIONS, self._alive, self._online],
            self._process,
            self._version,
            ALIVE_SECONDS,
            keys.SIGNALS,
            signal,
            len(came),
            *came,
            *left,
        )
        self._on_change(self._view.change_own(self._process, came, left))
