"""Frames as the server sends them."""

import json
from typing import Any

Frame = dict[str, Any]
AT = "2026-11-28T12:00:00.000Z"
ANN = {"id": "u", "name": "ann"}


def message(seq: int, *, room: str = "lobby", epoch: str = "e1", text: str = "") -> Frame:
    position = {"room": room, "epoch": epoch, "seq": seq}
    return {"type": "message", **position, "cid": f"c{seq}", "user": ANN, "at": AT, "text": text or f"m{seq}"}


def joined(command: Frame, status: str, head: int, *, oldest: int = 1, epoch: str = "e1") -> Frame:
    """Return the reply to the `join` command."""
    reply = {"type": "joined", "id": command["id"], "room": command["room"], "status": status}
    return {**reply, "epoch": epoch, "seq": head, "oldest": oldest}


def head(seq: int, *, room: str = "lobby", epoch: str = "e1") -> Frame:
    return {"type": "head", "room": room, "epoch": epoch, "seq": seq}


def ack(cid: str, seq: int = 1) -> Frame:
    return {
        "type": "ack",
        "id": cid,
        "cid": cid,
        "room": "lobby",
        "epoch": "e1",
        "seq": seq,
        "at": AT,
        "duplicate": False,
    }


def error(id: str, code: str = "unavailable", *, retryable: bool = True, **more: Any) -> Frame:
    return {"type": "error", "id": id, "code": code, "message": "no", "retryable": retryable, **more}


WELCOME: Frame = {"type": "welcome", "heartbeat_seconds": 25, "rooms": [], "user": ANN}


def room_state(id: str, *, seq: int = 0, read: int = 0, kind: str = "public", **more: Any) -> Frame:
    """Return a room as in `welcome`."""
    state = {"archived": False, "muted": False, "slow_mode_seconds": 0, "epoch": "e1", "seq": seq, "read": read}
    return {"id": id, "kind": kind, "name": id, "topic": "", "role": "member", **state, **more}


def welcome(*rooms: Frame) -> Frame:
    return {**WELCOME, "rooms": list(rooms)}


def text_of(frame: Frame) -> str:
    return json.dumps(frame)
