"""Synthetic exports of Slack."""

import json
import zipfile
from pathlib import Path
from typing import Any

USERS = [
    {"id": "U1", "name": "ann", "profile": {"real_name": "Ann"}},
    {"id": "U2", "name": "grace.h", "profile": {}},
    {"id": "U3", "name": "Zoë Ω", "deleted": True},
    {"id": "U4", "name": "admin"},
]
GENERAL = {
    "id": "C1",
    "name": "general",
    "created": 1_600_000_000,
    "creator": "U1",
    "is_archived": False,
    "members": ["U1", "U2", "U3", "U9"],
    "topic": {"value": "everything", "creator": "U1", "last_set": 0},
    "purpose": {"value": "the purpose"},
}
SECRET = {
    "id": "G1",
    "name": "secret",
    "created": 1_600_000_000,
    "creator": "U2",
    "members": ["U2"],
    "is_archived": True,
}
PAIR = {"id": "D1", "created": 1_600_000_000, "members": ["U1", "U2"]}
SELF = {"id": "D2", "created": 1_600_000_000, "members": ["U1", "U1"]}
GROUP = {"id": "G2", "name": "mpdm-ann--grace.h--zoe-1", "created": 1, "creator": "U1", "members": ["U1", "U2", "U3"]}


def ts(second: int, micro: int = 0) -> str:
    return f"{1_600_000_000 + second}.{micro:06d}"


def message(second: int, text: str = "", user: str = "U1", **fields: Any) -> dict[str, Any]:
    return {"type": "message", "user": user, "text": text, "ts": ts(second), **fields}


def write_export(path: Path, days: dict[str, Any], **lists: Any) -> Path:
    """Write a zip. `days` are messages by file; `lists` replace the content of channels.json and the others."""
    files = {
        "users": USERS,
        "channels": [GENERAL],
        "groups": [SECRET],
        "dms": [PAIR, SELF],
        "mpims": [GROUP],
        "integration_logs": [],
    } | lists
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            if content is not None:
                archive.writestr(f"{name}.json", _json(content))
        for name, content in days.items():
            archive.writestr(name, _json(content))
    return path


def _json(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content)
