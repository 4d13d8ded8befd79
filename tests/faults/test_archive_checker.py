"""The checker of the archive reports each planted fault with its own sentence, and accepts a correct archive."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from cloudchat.core.message_fold import MessageFold
from faults.archive_checker import ArchivedRoom, archive_violations
from support.room_logs import LogWriter


def correct() -> ArchivedRoom:
    log = LogWriter()
    for number in range(1, 5):
        log.message("ann", f"m{number}")
    log.edit(1, "ann", "edited")
    log.react(2, "bob")
    log.delete(3, "ann")
    log.notice("ann", "topic", value="x")
    rows = copy.deepcopy(MessageFold(log.events).rows())
    return ArchivedRoom(log.events, rows, log.events[-1]["seq"], {1: ["m1", "edited"], 3: [""]})


def row(room: ArchivedRoom, seq: int) -> dict[str, Any]:
    return next(row for row in room.rows if row["seq"] == seq)


def test_a_correct_archive_has_no_violation() -> None:
    assert archive_violations(correct()) == []


def lose_a_row(room: ArchivedRoom) -> None:
    del room.rows[1]


def lose_an_edit(room: ArchivedRoom) -> None:
    room.rows[0] = dict(room.log[0])


def lose_a_reaction(room: ArchivedRoom) -> None:
    del row(room, 2)["reactions"]


def count_a_reaction_twice(room: ArchivedRoom) -> None:
    row(room, 2)["reactions"][0]["count"] = 2


def lose_a_deletion(room: ArchivedRoom) -> None:
    room.rows[2] = dict(room.log[2])


def fold_twice(room: ArchivedRoom) -> None:
    room.rows.insert(2, room.rows[1])


def swap(room: ArchivedRoom) -> None:
    room.rows[0], room.rows[1] = room.rows[1], room.rows[0]


def invent(room: ArchivedRoom) -> None:
    room.rows.append({**room.rows[0], "seq": 99})


def stop_early(room: ArchivedRoom) -> None:
    room.head -= 1


def raise_the_head_too_far(room: ArchivedRoom) -> None:
    room.head += 1


def change_the_epoch(room: ArchivedRoom) -> None:
    row(room, 4)["epoch"] = "e2"


def keep_an_earlier_text(room: ArchivedRoom) -> None:
    room.texts[3].append("m3")


@pytest.mark.parametrize(
    ("plant", "sentence"),
    [
        (lose_a_row, "2 is not in the archive"),
        (lose_an_edit, "1 is archived as"),
        (lose_a_reaction, "2 is archived as"),
        (count_a_reaction_twice, "2 is archived as"),
        (lose_a_deletion, "3 is archived as"),
        (fold_twice, "2 is in the archive 2 times"),
        (swap, "not in the order"),
        (invent, "99 is in the archive and not in the log"),
        (stop_early, "the archive ends at 7"),
        (raise_the_head_too_far, "the archive ends at 9"),
        (change_the_epoch, "4 is archived as"),
        (keep_an_earlier_text, "3 is deleted"),
    ],
)
def test_planted_fault_is_reported(plant: Callable[[ArchivedRoom], None], sentence: str) -> None:
    room = correct()
    plant(room)
    assert any(sentence in violation for violation in archive_violations(room)), archive_violations(room)
