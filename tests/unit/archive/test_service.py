"""What the archive tells beside pages: earlier texts for moderators, messages for changes, and its own state."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, insert, update

from cloudchat.archive.folding.batch_fold import LogBatch
from cloudchat.archive.service import ArchiveService
from cloudchat.auth.errors import NotFound, PermissionDenied
from cloudchat.broker.appends import ArchivedMessage
from cloudchat.database.tables.archive import (
    archive_epochs,
    archive_heads,
    archived_events,
    archived_reactions,
)
from cloudchat.database.transactions import Transaction
from cloudchat.doctor import archive as checks
from cloudchat.doctor.archive import check_archive
from cloudchat.doctor.store import LogHead
from support.account_services import AccountServices
from support.chat_rooms import Rooms
from support.databases import on_both
from support.room_logs import LogWriter

pytestmark = on_both


class Office:
    """A private room of ann (owner), bob (moderator) and cid (member), with an archive."""

    def __init__(self, services: AccountServices) -> None:
        self.rooms = Rooms.with_users(services)
        self.id = self.rooms.create("ann", users="bob cid")
        self.rooms.put(self.id, "ann", "bob", "moderator")
        self.archive = ArchiveService(services.db)
        self.log = LogWriter(self.id)
        self.log.message("ann", "first")
        self.log.edit(1, "ann", "second")
        self.log.edit(1, "ann", "third")
        self.log.message("ann", "never edited")
        self.log.message("ann", "deleted")
        self.log.edit(5, "ann", "deleted, too")
        self.log.react(1, "bob")
        self.log.react(1, "ann", "🎉")
        self.log.react(1, "ann")
        self.log.delete(5, "ann")
        self.log.notice("ann", "topic")
        self.archive.fold([LogBatch(self.id, 0, self.log.encoded)])

    def texts(self, seq: int, name: str) -> list[str]:
        return [one.text for one in self.archive.earlier_texts(self.id, seq, self.rooms.caller(name))]


@pytest.fixture
def office(services: AccountServices) -> Office:
    return Office(services)


def test_moderators_read_the_earlier_texts_of_a_message(office: Office) -> None:
    assert office.texts(1, "ann") == office.texts(1, "bob") == ["first", "second"]
    assert office.texts(4, "bob") == []


def test_what_others_may_not_see_is_not_found(office: Office) -> None:
    for seq in (2, 5, 11, 99):  # an edit, a deleted message, a notice, nothing
        with pytest.raises(NotFound):
            office.texts(seq, "bob")
    with pytest.raises(PermissionDenied):
        office.texts(1, "cid")
    with pytest.raises(NotFound, match="no such room"):
        office.texts(1, "dan")


def test_a_change_learns_what_the_archive_knows(office: Office) -> None:
    at = office.log.events[0]["at"]
    reactions = [("👍", ["bob", "ann"]), ("🎉", ["ann"])]
    assert office.archive.message(office.id, 1) == ArchivedMessage(11, "ann", at, 2, reactions)
    assert office.archive.message(office.id, 5).is_deleted
    for seq in (2, 11, 99):
        assert office.archive.message(office.id, seq) == ArchivedMessage(11, "")


def test_a_correct_archive_has_no_problem(office: Office) -> None:
    state = office.archive.state()
    assert (state.events, state.problems) == (4, [])


def lower_the_head(db: Transaction, room: str) -> None:
    db.execute(update(archive_heads).values(seq=5))


def lose_the_head(db: Transaction, room: str) -> None:
    db.execute(delete(archive_heads))


def lose_the_epochs(db: Transaction, room: str) -> None:
    db.execute(delete(archive_epochs))


def lose_a_message(db: Transaction, room: str) -> None:
    db.execute(delete(archived_events).where(archived_events.c.seq == 1))


def react_to_a_deleted_message(db: Transaction, room: str) -> None:
    row = {"room_id": room, "seq": 5, "emoji": "👍", "user_id": "bob", "emoji_seq": 7, "reaction_seq": 7}
    db.execute(insert(archived_reactions).values(row))


@pytest.mark.parametrize(
    ("plant", "sentences"),
    [
        (lower_the_head, ["beyond its archived head"]),
        (lose_the_head, ["beyond its archived head"]),
        (lose_the_epochs, ["no epoch"]),
        (lose_a_message, ["3 reactions belong", "2 earlier texts belong"]),
        (react_to_a_deleted_message, ["1 reactions belong"]),
    ],
)
def test_rows_that_contradict_each_other_are_reported(
    office: Office, services: AccountServices, plant: Callable[[Transaction, str], None], sentences: list[str]
) -> None:
    with services.db.write() as db:
        plant(db, office.id)
    problems = office.archive.state().problems
    assert len(problems) == len(sentences)
    assert all(sentence in problem for sentence, problem in zip(sentences, problems, strict=True))


@pytest.mark.parametrize(
    ("log", "problems"),
    [
        (LogHead(11, 11), [None, None]),
        (LogHead(20, 11), [None, None]),
        (LogHead(5000, 11), [None, "room"]),
        (LogHead(20, 15), [None, None, "restore a newer backup"]),
    ],
)
def test_the_doctor_compares_the_archive_with_the_logs(
    office: Office,
    services: AccountServices,
    monkeypatch: pytest.MonkeyPatch,
    log: LogHead,
    problems: list[str | None],
) -> None:
    monkeypatch.setattr(checks, "store_url", lambda _: "redis://store")
    monkeypatch.setattr(checks, "read_log_heads", lambda url, rooms: {office.id: log})
    results = check_archive(services.settings)
    assert [result.problem is None for result in results] == [problem is None for problem in problems]
    assert all(problem in str(result.problem) for result, problem in zip(results, problems, strict=True) if problem)
