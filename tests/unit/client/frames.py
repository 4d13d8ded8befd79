"""Frames as the server sends them."""

import json
from typing import Any

Frame = dict[str, Any]


def message(seq: int, *, room: str = "lobby", epoch: str = "e1", text: str = "") -> Frame:
    return {"type": "message", "room": room, "epoch": epoch, "seq": seq, "text": text or f"m{seq}"}


def joined(command: Frame, status: str, head: int, *, oldest: int = 1, epoch: str = "e1") -> Frame:
    """Return the reply to the `join` command."""
    reply = {"type": "joined", "id": command["id"], "room": command["room"], "status": status}
    return {**reply, "epoch": epoch, "seq": head, "oldest": oldest}


def head(seq: int, *, room: str = "lobby", epoch: str = "e1") -> Frame:
    return {"type": "head", "room": room, "epoch": epoch, "seq": seq}


def ack(cid: str, seq: int = 1) -> Frame:
    return {"type": "ack", "id": cid, "cid": cid, "room": "lobby", "epoch": "e1", "seq": seq, "duplicate": False}


def error(id: str, code: str = "unavailable", *, retryable: bool = True, **more: Any) -> Frame:
    return {"type": "error", "id": id, "code": code, "message": "no", "retryable": retryable, **more}


WELCOME: Frame = {"type": "welcome", "heartbeat_seconds": 25, "rooms": [], "user": {"id": "u", "name": "ann"}}


def text_of(frame: Frame) -> str:
    return json.dumps(frame)
