"""`ScriptedServer`: a server that the test controls, for situations that a healthy server never produces.

It answers in the browser's request interception, without a port or a process: a missing event, a refused send or a
close code arrives exactly when the test says so.
"""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Route, WebSocketRoute

from cloudchat.page.build import PAGE, BuiltFile, build_page, read_directory

ORIGIN = "http://localhost"
FRONTEND = Path(__file__).parents[2] / "frontend"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; worker-src 'self'; manifest-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types service-worker"
)
ADA = {"id": "u-ada", "name": "ada", "role": "member"}
AT = "2026-11-22T10:{:02}:{:02}.000Z"
Frame = dict[str, Any]


class ScriptedServer:
    """A server with one room and one user. The test can change every answer."""

    def __init__(self, context: BrowserContext) -> None:
        self.epoch = "e1"
        self.log: list[Frame] = []
        self.oldest = 1
        self.read = 0
        """Up to where ada has read."""
        self.signed_in = True
        self.heartbeat_seconds = 25
        self.http_answers: dict[str, tuple[int, Frame, dict[str, str]]] = {}
        """Path → status, body and headers, instead of the usual answer."""
        self.send_errors: list[Frame] = []
        """Each replies to one `send`, instead of an ack."""
        self.command_replies: dict[str, Callable[[Frame], list[Frame]]] = {}
        """Type of a command → its replies, instead of the usual ones."""
        self.refuses_replay = False
        """Whether every join with a position gets status gap."""
        self.refuses_sockets: tuple[Frame, int] | None = None
        """The error and the close code of every new socket, instead of `welcome`."""
        self.drops_acks = False
        """Whether messages are stored, but neither acknowledged nor broadcast."""
        self.requests: list[str] = []
        self.commands: list[Frame] = []
        self.protocols: list[list[str]] = []
        self.sockets: list[WebSocketRoute] = []
        context.route(f"{ORIGIN}/**", self._serve)
        context.route_web_socket("**/ws", self._open)

    # -- Called by the test --

    def add_message(self, text: str, *, name: str = "grace", cid: str | None = None, **more: Any) -> Frame:
        """Store a message and send it to every connected socket."""
        event = self.append("message", text=text, cid=cid or f"c{len(self.log)}", **{"user": _user(name), **more})
        self.broadcast(event)
        return event

    def append(self, kind: str, **fields: Any) -> Frame:
        """Store an event without sending it."""
        seq = len(self.log) + 1
        at = AT.format(seq // 60 % 60, seq % 60)
        event = {"type": kind, "room": "lobby", "epoch": self.epoch, "seq": seq, "at": at, **fields}
        self.log.append(event)
        return event

    def lose_events(self, count: int) -> None:
        """Lose the newest events, as in a restore or a failover: a new epoch begins, and the log keeps its events."""
        del self.log[len(self.log) - count :]
        self.epoch = f"e{int(self.epoch[1:]) + 1}"

    def broadcast(self, frame: Frame) -> None:
        """Send a frame to every connected socket."""
        for socket in self.sockets:
            socket.send(json.dumps(frame))

    def close(self, code: int) -> None:
        """Close every socket with this code."""
        sockets, self.sockets = self.sockets, []
        for socket in sockets:
            socket.close(code=code, reason="")

    def count_commands(self, kind: str) -> int:
        """Return how many commands of this type have arrived."""
        return sum(command["type"] == kind for command in self.commands)

    # -- HTTP --

    def _serve(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        self.requests.append(path)
        if path in self.http_answers:
            status, body, headers = self.http_answers[path]
            return route.fulfill(status=status, json=body, headers=headers)
        if path.startswith("/api/"):
            return self._answer(route, path)
        file = _page_files().get(path.lstrip("/") or PAGE)
        if file is None:
            return route.fulfill(status=404, body="")
        headers = {"Content-Security-Policy": POLICY, "Content-Type": file.content_type}
        return route.fulfill(body=file.content, headers=headers)

    def _answer(self, route: Route, path: str) -> None:
        if path == "/api/auth/logout":
            self.signed_in = False
            return route.fulfill(status=204, body="")
        if path == "/api/auth/register":
            return route.fulfill(status=201, json=ADA)
        if path == "/api/auth/login":
            self.signed_in = True
        elif not self.signed_in:
            return route.fulfill(status=401, json={"error": {"code": "forbidden", "message": "Sign in first."}})
        number = len(self.requests)
        return route.fulfill(json={"access_token": f"token{number}", "expires_in": 600, "user": ADA})

    # -- WebSocket --

    def _open(self, socket: WebSocketRoute) -> None:
        self.protocols.append(list(socket.protocols))
        if self.refuses_sockets is not None:
            error, code = self.refuses_sockets
            if error:
                socket.send(json.dumps({"type": "error", **error}))
            socket.close(code=code)
            return
        self.sockets.append(socket)
        socket.on_message(lambda text: self._command(socket, json.loads(text)))
        limits = {"frame_bytes": 65536, "text_chars": 4000, "sends_per_10s": 20}
        room = {"id": "lobby", "name": "lobby", "kind": "public", "topic": "", "role": "member", "archived": False}
        room |= {"muted": False, "slow_mode_seconds": 0, "epoch": self.epoch, "seq": len(self.log), "read": self.read}
        welcome = {"type": "welcome", "session": "s", "user": ADA, "limits": limits, "rooms": [room]}
        socket.send(json.dumps({**welcome, "heartbeat_seconds": self.heartbeat_seconds}))

    def _command(self, socket: WebSocketRoute, command: Frame) -> None:
        self.commands.append(command)
        answer = self.command_replies.get(command["type"]) or getattr(self, f"_{command['type']}")
        for frame in answer(command):
            socket.send(json.dumps(frame))

    def _join(self, command: Frame) -> list[Frame]:
        after = command.get("after")
        status = "fresh"
        start = max(self.oldest - 1, len(self.log) - command["limit"])
        if after is not None:
            kept = not self.refuses_replay and after["epoch"] == self.epoch and after["seq"] + 1 >= self.oldest
            status, start = ("recovered", after["seq"]) if kept else ("gap", start)
        joined = {"type": "joined", "id": command["id"], "room": "lobby", "status": status, "epoch": self.epoch}
        return [{**joined, "seq": len(self.log), "oldest": self.oldest}, *self.log[start:]]

    def _history(self, command: Frame) -> list[Frame]:
        oldest, head = self.oldest - 1, len(self.log)
        if "after" in command:
            start = max(oldest, command["after"])
            end = min(head, start + command["limit"])
        else:
            end = min(head, command["before"] - 1)
            start = max(oldest, end - command["limit"])
        page = {"type": "history", "id": command["id"], "room": "lobby", "epoch": self.epoch, "as_of": head}
        more = {"more_before": start > oldest, "more_after": end < head}
        return [{**page, "events": self.log[start:end], **more}]

    def _send(self, command: Frame) -> list[Frame]:
        if self.send_errors:
            return [{"type": "error", "id": command["id"], **self.send_errors.pop(0)}]
        known = next((event for event in self.log if event.get("cid") == command["cid"]), None)
        event = known or self.append("message", text=command["text"], cid=command["cid"], user=_user("ada"))
        ack = {"type": "ack", "id": command["id"], "room": "lobby", "epoch": self.epoch, "seq": event["seq"]}
        ack |= {"cid": command["cid"], "at": event["at"], "duplicate": known is not None}
        if self.drops_acks:
            return []
        return [ack] if known else [event, ack]

    def _read(self, command: Frame) -> list[Frame]:
        self.read = max(self.read, command["seq"])
        return [{"type": "ack", "id": command["id"], "room": "lobby", "seq": self.read}]

    def _unread(self, command: Frame) -> list[Frame]:
        unread = sum(event["type"] == "message" and event["user"] != _user("ada") for event in self.log[self.read :])
        counted = {"room": "lobby", "unread": unread, "mentions": 0}
        return [{"type": "unread", "id": command["id"], "rooms": [counted]}]

    def _who(self, command: Frame) -> list[Frame]:
        return [{"type": "present", "id": command["id"], "room": "lobby", "users": [_user("ada")], "total": 1}]

    def _typing(self, _: Frame) -> list[Frame]:
        return []

    def _auth(self, command: Frame) -> list[Frame]:
        return [{"type": "authenticated", "id": command["id"], "token_expires_at": "2026-11-22T11:00:00Z"}]

    def _ping(self, command: Frame) -> list[Frame]:
        return [{"type": "pong", "id": command["id"], "server_time": "2026-11-22T10:00:00Z"}]


def _user(name: str) -> Frame:
    return {"id": f"u-{name}", "name": name}


@functools.cache
def _page_files() -> dict[str, BuiltFile]:
    return build_page(read_directory(FRONTEND))
