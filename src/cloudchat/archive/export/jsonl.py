"""JSON Lines: a line that describes the export and the room, one line for each message and notice, and a last line.

docs/export-format.md documents it. A change that an importer of this version cannot read raises VERSION.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

FORMAT = "cloudchat.room"
VERSION = 1

_encode = msgspec.json.Encoder().encode


def write_lines(description: dict[str, Any], pages: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    """Yield the lines of an export, those of each page together."""
    yield _encode({"type": "export", "format": FORMAT, "version": VERSION, **description}) + b"\n"
    rows = 0
    for page in pages:
        rows += len(page)
        yield b"".join([_encode(row) + b"\n" for row in page])
    yield _encode({"type": "end", "rows": rows}) + b"\n"
