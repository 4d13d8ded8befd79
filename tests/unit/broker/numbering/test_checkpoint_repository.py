"""`LogCheckpoints`: what is read back after saves in any order."""

import pytest
from sqlalchemy import insert

from cloudchat.broker.numbering.checkpoint_repository import LogCheckpoints
from cloudchat.database.tables.rooms import rooms
from support.account_services import NOW, AccountServices
from support.databases import on_both

pytestmark = on_both


@pytest.fixture
def checkpoints(services: AccountServices) -> LogCheckpoints:
    return LogCheckpoints(services.db)


def test_saved_mark_is_loaded(checkpoints: LogCheckpoints) -> None:
    assert checkpoints.load() == {}
    checkpoints.save({"lobby": ("e1", 7)})
    assert checkpoints.load() == {"lobby": ("e1", 7)}


def test_seq_never_decreases(checkpoints: LogCheckpoints) -> None:
    checkpoints.save({"lobby": ("e1", 7)})
    checkpoints.save({"lobby": ("e1", 5)})
    assert checkpoints.load() == {"lobby": ("e1", 7)}
    checkpoints.save({"lobby": ("e1", 8)})
    assert checkpoints.load() == {"lobby": ("e1", 8)}


def test_new_epoch_begins_with_the_seq_of_the_one_before_it(checkpoints: LogCheckpoints) -> None:
    checkpoints.save({"lobby": ("e1", 7)})
    checkpoints.save({"lobby": ("e0", 1)})
    assert checkpoints.load() == {"lobby": ("e1", 7)}
    checkpoints.save({"lobby": ("e2", 7)})
    assert checkpoints.load() == {"lobby": ("e2", 7)}


def test_room_without_a_row_gets_no_checkpoint(checkpoints: LogCheckpoints) -> None:
    checkpoints.save({"deleted": ("e1", 7), "lobby": ("e1", 1)})
    assert checkpoints.load() == {"lobby": ("e1", 1)}


def test_marks_of_many_rooms_are_saved(services: AccountServices, checkpoints: LogCheckpoints) -> None:
    count = 1200
    with services.db.write() as db:
        room = {"name": "a room", "kind": "private", "created_at": NOW}
        db.execute(insert(rooms), [{"id": f"r{number}", **room} for number in range(count)])
    marks = {f"r{number}": ("e1", number + 1) for number in range(count)}
    checkpoints.save(marks)
    checkpoints.save({**marks, "r7": ("e1", 1), "r8": ("e1", 5000), "r9": ("e2", 10)})
    assert checkpoints.load() == {**marks, "r8": ("e1", 5000), "r9": ("e2", 10)}
