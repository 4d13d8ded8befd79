"""`ScriptedUser`: executes a script on one socket at a time and over HTTP, on several servers, and records it all."""

import asyncio
import json
import random
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.protocol import State
from websockets.typing import Subprotocol

from faults.rooms.observations import LOGGED, Call, Change, Frame, Received, RoomLog, RoomRun, SocketRecord
from faults.rooms.plan import EMOJI, Step
from support.accounts import Account

REPLY_SECONDS = 20.0
JOIN_LIMIT = 500
_ROLES = ("member", "member", "member", "moderator", "moderator", "reader")
_CHANGES = {
    "add": ("PUT", "members"),
    "role": ("PUT", "members"),
    "enter": ("PUT", "members"),
    "remove": ("DELETE", "members"),
    "exit": ("DELETE", "members"),
    "mute": ("PUT", "mutes"),
    "unmute": ("DELETE", "mutes"),
    "ban": ("PUT", "bans"),
    "unban": ("DELETE", "bans"),
}


class ScriptedUser:
    """One user. `rooms` are the ids of the rooms of the plan, `others` the users whose membership this one changes."""

    def __init__(self, account: Account, ports: Sequence[int], rooms: Sequence[str], run: RoomRun, seed: str) -> None:
        self._account = account
        self._ports = ports
        self._rooms = rooms
        self._run = run
        self._chance = random.Random(seed)
        self._others: list[str] = []
        self._socket: ClientConnection | None = None
        self._record: SocketRecord
        self._number = 0
        self._connected = asyncio.Event()
        self._opened: dict[str, tuple[Call, asyncio.Future[None]]] = {}
        self._ids = 0
        self._last_seqs: dict[str, tuple[str, int]] = {}
        self._messages: dict[str, list[tuple[int, str]]] = {room: [] for room in rooms}
        self._logged: list[Frame] = []

    @property
    def id(self) -> str:
        return self._account.user_id

    async def run_script(self, script: Sequence[Step], others: Sequence[str], http: httpx.AsyncClient) -> Any:
        """Execute all steps; yields the control after each one, so that the caller can count them."""
        self._others = list(others)
        for step in script:
            await asyncio.sleep(step.pause)
            await self._execute(step, http)
            yield step

    async def keep_connected(self) -> None:
        """Stay connected until cancelled, and read everything."""
        while True:
            port = self._chance.choice(self._ports)
            try:
                await self._connect(port)
            except ConnectionClosed:
                continue
            except (OSError, InvalidHandshake, TimeoutError, EOFError):
                await asyncio.sleep(0.05)  # the server is not ready yet

    async def settle(self) -> None:
        """Join all rooms of the user from the last position, so that the user follows them to the end of the run."""
        await self._connected.wait()
        for room in self._record.rooms:
            if room in self._rooms:
                await self._call(self._join_frame(room))

    def is_settled(self, logs: Mapping[str, RoomLog]) -> bool:
        """Return whether the socket knows the user's rooms and roles, and has received the last event of each room."""
        if self._socket is None or not self._connected.is_set():
            return False
        told = {room: role for room, role in self._record.rooms.items() if room in self._rooms}
        right = {room: log.members[self.id] for room, log in logs.items() if self.id in log.members}
        return told == right and all(self._last_seqs.get(room, ("", 0))[1] == len(logs[room].raw) for room in right)

    # -- sockets ------------------------------------------------------------------------------------------------------

    async def _connect(self, port: int) -> None:
        async with connect(
            f"ws://127.0.0.1:{port}/ws",
            subprotocols=[Subprotocol("cloudchat.v1")],
            additional_headers=self._authorization,
            compression=None,
            proxy=None,
            close_timeout=1,
            max_queue=None,
        ) as socket:
            self._record, self._number = SocketRecord(self.id), len(self._run.sockets)
            self._run.sockets.append(self._record)
            self._socket = socket
            record = self._record
            try:
                async for text in socket:
                    self._receive(record, Received(time.time(), str(text)))
            finally:
                self._connected.clear()
                self._socket = None
                record.ended = True
                for _, done in self._opened.values():
                    if not done.done():
                        done.set_result(None)
                self._opened.clear()

    def _receive(self, record: SocketRecord, item: Received) -> None:
        record.received.append(item)
        frame = item.frame
        if frame["type"] == "welcome":
            self._connected.set()
            for room in record.rooms:
                if room in self._rooms:
                    self._start(self._join_frame(room))
        elif frame["type"] == "room_added" and frame["room"]["id"] in self._rooms:
            self._start(self._join_frame(frame["room"]["id"]))
        if "id" in frame and frame["id"] in self._opened:
            call, done = self._opened.pop(frame["id"])
            call.reply, call.replied_at = frame, item.at
            if not done.done():
                done.set_result(None)
        if frame["type"] in LOGGED and (room := frame["room"]) in self._messages:
            self._last_seqs[room] = frame["epoch"], frame["seq"]
            if frame["type"] == "message":
                self._messages[room].append((frame["seq"], frame["user"]["id"]))

    def _join_frame(self, room: str, back: int = 0) -> Frame:
        frame: Frame = {"type": "join", "room": room, "limit": JOIN_LIMIT}
        if room in self._last_seqs:
            epoch, seq = self._last_seqs[room]
            frame["after"] = {"epoch": epoch, "seq": max(0, seq - back)}
        return frame

    def _start(self, frame: Frame) -> asyncio.Future[None]:
        """Send a command without waiting; the future is done with its reply or the end of the socket."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        socket = self._socket
        if socket is None or socket.state is not State.OPEN or not self._connected.is_set():
            done.set_result(None)
            return done
        self._ids += 1
        frame = {**frame, "id": f"{self._ids}"}
        call = Call(self.id, self._number, frame, time.time())
        self._run.calls.append(call)
        self._opened[frame["id"]] = call, done
        if frame["type"] == "join":
            self._record.joins[frame["id"]] = frame
        if "cid" in frame:
            self._logged.append({name: value for name, value in frame.items() if name != "id"})
        # Written in this tick: the order of the calls is that of the frames.
        socket.protocol.send_text(json.dumps(frame).encode())
        with suppress(Exception):
            socket.send_data()
        return done

    async def _call(self, frame: Frame) -> None:
        async with asyncio.timeout(REPLY_SECONDS):
            await self._start(frame)

    # -- steps --------------------------------------------------------------------------------------------------------

    async def _execute(self, step: Step, http: httpx.AsyncClient) -> None:
        room = self._rooms[step.room]
        if step.action in _CHANGES:
            await self._change(step, room, http)
        elif step.action == "drop":
            socket = self._socket
            if socket is not None:
                socket.transport.abort()
                with suppress(ConnectionClosed):
                    await socket.wait_closed()
            async with asyncio.timeout(REPLY_SECONDS):
                await self._connected.wait()
        elif step.action == "post":
            await self._post(self._message(step, room), http)
        elif (frame := self._frame_of(step, room)) is not None:
            if step.waits and step.action != "typing":  # which has no reply
                await self._call(frame)
            else:
                self._start(frame)

    def _frame_of(self, step: Step, room: str) -> Frame | None:
        if step.action == "join":
            return self._join_frame(room, back=int(step.pick * 60))
        if step.action == "leave":
            return {"type": "leave", "room": room}
        if step.action == "history":
            return {"type": "history", "room": room, "before": 2**53 - 1, "limit": 200}
        if step.action in ("who", "typing"):
            return {"type": step.action, "room": room}
        if step.action == "read":
            return {"type": "read", "room": room, "seq": int(step.pick * self._last_seqs.get(room, ("", 0))[1])}
        if step.action == "repeat":
            return self._logged[-1 - int(step.pick * min(8, len(self._logged)))] if self._logged else None
        if step.action == "send":
            return self._message(step, room)
        logged: Frame = {"type": step.action, "room": room, "cid": str(uuid.uuid4())}
        own = [seq for seq, user in self._messages[room] if user == self.id]
        every = [seq for seq, _ in self._messages[room]]
        known = own if own and step.action != "react" and step.choice < 0.8 else every
        if not known:
            return None
        logged["seq"] = known[-1 - int(step.pick * min(8, len(known)))]
        if step.action == "edit":
            return {**logged, "text": f"edit {logged['cid']}{self._mention(step)}"}
        if step.action == "react":
            return {**logged, "emoji": EMOJI[int(step.choice * len(EMOJI))], "on": step.choice * 10 % 1 < 0.7}
        return logged

    def _message(self, step: Step, room: str) -> Frame:
        cid = str(uuid.uuid4())
        frame: Frame = {"type": "send", "room": room, "cid": cid, "text": f"message {cid}{self._mention(step)}"}
        if step.choice < 0.2 and self._messages[room]:
            frame["reply_to"] = self._messages[room][int(step.pick * len(self._messages[room]))][0]
        return frame

    def _mention(self, step: Step) -> str:
        """Return the name of a user who may be in the room or not, in half of the messages."""
        names = list(self._run.names.values())
        return f" @{names[int(step.pick * len(names))]}" if step.choice < 0.5 else ""

    async def _post(self, frame: Frame, http: httpx.AsyncClient) -> None:
        """Send a message over HTTP. It is recorded like a command, as of a socket of its own."""
        call = Call(self.id, -1 - list(self._run.names).index(self.id), frame, time.time())
        self._run.calls.append(call)
        self._logged.append(frame)  # its cid may be repeated on a socket
        with suppress(httpx.TransportError):
            response = await http.post(
                f"http://127.0.0.1:{self._chance.choice(self._ports)}/api/rooms/{frame['room']}/messages",
                json={name: frame[name] for name in ("text", "reply_to") if name in frame},
                headers={**self._authorization, "Idempotency-Key": frame["cid"]},
            )
            body = response.json()
            call.reply = {"type": "ack", **body} if response.is_success else {"type": "error", **body["error"]}
            call.replied_at = time.time()

    @property
    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._account.access_token}"}

    async def _change(self, step: Step, room: str, http: httpx.AsyncClient) -> None:
        is_own = step.action in ("enter", "exit")
        target = self.id if is_own else self._others[int(step.pick * len(self._others))]
        body: Frame | None = None
        if step.action == "role":
            body = {"role": _ROLES[int(step.choice * len(_ROLES))]}
        elif step.action in ("mute", "ban"):
            body = {"reason": "planned"}
        method, collection = _CHANGES[step.action]
        change = Change(self.id, step.action, room, target, time.time())
        self._run.changes.append(change)
        path = f"/api/rooms/{room}/{collection}/{target}"
        with suppress(httpx.TransportError):
            response = await http.request(
                method,
                f"http://127.0.0.1:{self._chance.choice(self._ports)}{path}",
                json=body,
                headers=self._authorization,
            )
            change.status, change.answered_at = response.status_code, time.time()
