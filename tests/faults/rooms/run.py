"""One run of a plan: users on two servers that share a store and a database, while processes are killed."""

import asyncio
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from faults.crowd import ENVIRONMENT
from faults.rooms.membership import members_by_notices
from faults.rooms.observations import RoomLog, RoomRun
from faults.rooms.plan import ROOM_KINDS, USERS, Plan
from faults.rooms.user import ScriptedUser
from support.accounts import Account, register
from support.chat_users import RATES, room_of
from support.server import RunningServer
from support.socket import ChatSocket
from support.stores import RunningStore
from support.two_servers import two_servers

SETTLE_SECONDS = 30.0


@dataclass
class Site:
    """Two servers on one store and one database, and the users."""

    store: RunningStore
    servers: list[RunningServer]
    accounts: list[Account]

    @property
    def ports(self) -> list[int]:
        return [server.port for server in self.servers]

    def inject(self, fault: str) -> None:
        """Kill a process, and start it again."""
        process = self.store if fault == "kill store" else self.servers[int(fault[-1])]
        process.kill()
        process.start()


@contextmanager
def running_site() -> Iterator[Site]:
    """Start the processes, and register the users."""
    with two_servers({**ENVIRONMENT, **RATES}) as (store, *servers):
        yield Site(store, servers, [register(servers[0].url) for _ in range(USERS)])


def execute(site: Site, plan: Plan) -> RoomRun:
    """Run a plan in new rooms, and return what was observed."""
    owner, *others = site.accounts
    rooms = [room_of(owner, kind, f"{kind} {plan.seed} {random.randrange(10**9)}") for kind in ROOM_KINDS]
    for room in rooms:
        for account in others:
            owner.http.put(f"/api/rooms/{room}/members/{account.user_id}").raise_for_status()
    return asyncio.run(_Execution(site, plan, rooms).run())


class _Execution:
    def __init__(self, site: Site, plan: Plan, rooms: list[str]) -> None:
        self._site = site
        self._plan = plan
        self._rooms = rooms
        self._run = RoomRun(names={account.user_id: account.name for account in site.accounts})
        self._users = [
            ScriptedUser(account, site.ports, rooms, self._run, f"{plan.seed} {number}")
            for number, account in enumerate(site.accounts)
        ]
        self._steps = 0
        self._stepped = asyncio.Condition()

    async def run(self) -> RoomRun:
        async with asyncio.TaskGroup() as connections:
            tasks = [connections.create_task(user.keep_connected()) for user in self._users]
            async with httpx.AsyncClient(timeout=20, verify=False) as http, asyncio.TaskGroup() as scripts:
                for user, script in zip(self._users, self._plan.scripts, strict=True):
                    scripts.create_task(self._follow(user, script, http))
                scripts.create_task(self._inject_faults())
            await self._settle()
            ended = [record.ended for record in self._run.sockets]
            for task in tasks:
                task.cancel()
        for record, had_ended in zip(self._run.sockets, ended, strict=True):
            record.ended = had_ended
        return self._run

    async def _follow(self, user: ScriptedUser, script: Any, http: httpx.AsyncClient) -> None:
        targets = [other.id for other in self._users[1:] if other is not user]
        async for _ in user.run_script(script, targets, http):
            async with self._stepped:
                self._steps += 1
                self._stepped.notify_all()

    async def _inject_faults(self) -> None:
        for after, fault in self._plan.faults:
            async with self._stepped:
                await self._stepped.wait_for(partial(self._has_reached, after))
            start = time.time()
            self._run.outages.append((start, float("inf")))
            await asyncio.to_thread(self._site.inject, fault)
            self._run.outages[-1] = start, time.time()

    def _has_reached(self, steps: int) -> bool:
        return self._steps >= steps

    async def _settle(self) -> None:
        """Wait until every user has been told everything."""
        for user in self._users:
            await user.settle()
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            before = self._run.logs
            self._run.logs = {
                room: await asyncio.to_thread(self._read_room, room, kind)
                for room, kind in zip(self._rooms, ROOM_KINDS, strict=True)
            }
            if self._is_settled(before) or time.monotonic() > deadline:
                return  # the checker says what is missing
            await asyncio.sleep(0.1)

    def _is_settled(self, before: Mapping[str, RoomLog]) -> bool:
        """Return whether nothing has changed since the logs were read before, and every user knows everything.

        The notice of a change whose server was killed is appended up to two seconds later.
        """
        logs = self._run.logs
        return (
            before == logs
            and all(members_by_notices(log) == log.members for log in logs.values())
            and all(user.is_settled(logs) for user in self._users)
        )

    def _read_room(self, room: str, kind: str) -> RoomLog:
        owner = self._site.accounts[0]
        with ChatSocket(self._site.servers[0].ws_url, owner.access_token) as socket:
            epoch = next(held["epoch"] for held in socket.receive()["rooms"] if held["id"] == room)
            head = socket.join(room, after={"epoch": epoch, "seq": 0})["seq"]
            raw: dict[int, str] = {}
            while len(raw) < head:
                frame = socket.receive()
                if frame.get("room") == room and frame["type"] != "head":
                    raw[frame["seq"]] = socket.raw[-1]
            rows = _read_history(socket, room)
        listed = owner.http.get(f"/api/rooms/{room}/members", params={"limit": 100})
        listed.raise_for_status()
        members = {member["id"]: member["role"] for member in listed.json()["members"]}
        return RoomLog(kind, [raw[seq] for seq in sorted(raw)], rows, members)


def _read_history(socket: ChatSocket, room: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    before, more = 2**53 - 1, True
    while more:
        page = socket.command("history", room=room, before=before, limit=200)
        assert page["type"] == "history", page
        rows = [*page["events"], *rows]
        more, before = page["more_before"], rows[0]["seq"] if rows else 1
    return rows


def summary(run: RoomRun) -> str:
    """Return how much happened in a run: one in which nothing happens proves nothing."""
    stored = sum(call.is_stored for call in run.calls)
    refused = sum(call.error is not None for call in run.calls)
    changed = sum(change.status is not None and change.status < 300 for change in run.changes)
    events = sum(len(log.raw) for log in run.logs.values())
    return (
        f"{len(run.calls)} commands ({stored} stored, {refused} refused), {changed} changes, "
        f"{len(run.sockets)} sockets, {len(run.segments)} joins, {events} events"
    )
