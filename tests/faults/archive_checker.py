"""Check that the archive of a room is the fold of its log. Each rule yields a sentence per violation."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudchat.core.message_fold import MessageFold

Rows = list[dict[str, Any]]


@dataclass
class ArchivedRoom:
    """The whole log of a room, and what the archive has of it.

    `texts` are all texts that any table of the archive has of a message, by its seq.
    """

    log: Rows
    rows: Rows
    head: int
    texts: dict[int, list[str]] = field(default_factory=dict)


def archive_violations(room: ArchivedRoom) -> list[str]:
    """Return every violation."""
    rules = [_the_head_is_the_end_of_the_log(room), _rows_are_the_fold(room), _deleted_texts_are_gone(room)]
    return [violation for rule in rules for violation in rule]


def _the_head_is_the_end_of_the_log(room: ArchivedRoom) -> Iterator[str]:
    last = room.log[-1]["seq"] if room.log else 0
    if room.head != last:
        yield f"the archive ends at {room.head}, the log at {last}"


def _rows_are_the_fold(room: ArchivedRoom) -> Iterator[str]:
    expected = {row["seq"]: row for row in MessageFold(room.log).rows()}
    seqs = [row["seq"] for row in room.rows]
    if seqs != sorted(seqs):
        yield "the rows are not in the order of their seqs"
    yield from (f"{seq} is in the archive {count} times" for seq, count in Counter(seqs).items() if count > 1)
    yield from (f"{seq} is not in the archive" for seq in sorted(expected.keys() - set(seqs)))
    for row in room.rows:
        if row["seq"] not in expected:
            yield f"{row['seq']} is in the archive and not in the log"
        elif row != expected[row["seq"]]:
            yield f"{row['seq']} is archived as {row}, the log makes {expected[row['seq']]}"


def _deleted_texts_are_gone(room: ArchivedRoom) -> Iterator[str]:
    deleted: Sequence[int] = [event["target"] for event in room.log if event["type"] == "deleted"]
    for seq in deleted:
        if any(room.texts.get(seq, ())):
            yield f"{seq} is deleted, and the archive has a text of it"
