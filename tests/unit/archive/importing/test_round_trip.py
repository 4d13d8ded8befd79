"""A room that is exported and imported again is the same room."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace
from sqlalchemy import delete, func, insert, select

from cloudchat.archive.export.service import ExportFormat, RoomExports
from cloudchat.archive.folding.batch_fold import LogBatch
from cloudchat.archive.folding.repository import fold_logs
from cloudchat.archive.importing.export_file import check_export_file
from cloudchat.archive.importing.export_records import SOURCE
from cloudchat.archive.importing.report import ImportReport
from cloudchat.archive.importing.room_import import BATCH_ROWS, RoomImporter
from cloudchat.archive.importing.source import BadImport, SourceUser
from cloudchat.archive.importing.users import ImportedUsers
from cloudchat.archive.repository import read_heads
from cloudchat.auth.repository import user_by_id
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.tables.accounts import users
from cloudchat.database.tables.archive import archived_events, imports
from cloudchat.database.tables.rooms import memberships, read_positions, rooms
from cloudchat.rooms.caller import COMMAND_LINE
from support.account_services import NOW, AccountServices, concurrently
from support.chat_rooms import Rooms
from support.databases import on_both
from support.room_logs import LogWriter, logs

pytestmark = on_both


class Transfer:
    """A room office of ann and bob, its exports and its imports."""

    def __init__(self, services: AccountServices, folder: Path) -> None:
        self.db = services.db
        self.rooms = Rooms.with_users(services)
        self.folder = folder
        self.logs_begun: dict[str, StreamPosition] = {}
        self.report = ImportReport()

    def room_with(self, log: LogWriter, *, kind: str = "public", name: str = "office") -> str:
        """Create a room whose archive is the fold of the log."""
        if kind == "direct":
            room = self.rooms.direct("ann", "bob")[0].id
        else:
            room = self.rooms.create("ann", kind, name, users="bob")
        with self.db.write() as db:
            fold_logs(db, [LogBatch(room, 0, log.encoded)])
        return room

    def log(self) -> LogWriter:
        ids = self.rooms.ids
        return LogWriter(users={ids["ann"]: "ann", ids["bob"]: "bob", "cli": "cloudchat"})

    def export(self, room: str, file_format: ExportFormat = ExportFormat.JSONL) -> bytes:
        return b"".join(RoomExports(self.db).export(room, file_format, caller=COMMAND_LINE, now=NOW))

    def file(self, content: bytes) -> Path:
        path = self.folder / "room.jsonl"
        path.write_bytes(content)
        return path

    def run(self, content: bytes, *, stop_after: int | None = None) -> str | None:
        """Import a file; with `stop_after`, fail after so many rows."""
        file = check_export_file(self.file(content), NOW)
        users = ImportedUsers(self.db, SOURCE, self.report, NOW)
        importer = RoomImporter(self.db, users, self.report, self.logs_begun.__setitem__)

        def progress(rows: int) -> None:
            if stop_after is not None and rows >= stop_after:
                raise InterruptedError

        return importer.run(file.room, file.read(), file.last_seq, progress)

    def count(self, table: Any) -> int:
        with self.db.read() as db:
            return db.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def transfer(services: AccountServices, tmp_path: Path) -> Transfer:
    return Transfer(services, tmp_path)


def lines(content: bytes) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in content.splitlines()]


def rows_without_epochs(content: bytes) -> list[dict[str, Any]]:
    return [{**row, "epoch": ""} for row in lines(content)[1:]]


def small_log(transfer: Transfer) -> LogWriter:
    log = transfer.log()
    ann, bob = transfer.rooms.ids["ann"], transfer.rooms.ids["bob"]
    log.notice("cli", "added", target={"id": bob, "name": "bob"}, value="member")
    first = log.add("message", cid="0" * 32, user={"id": ann, "name": "ann"}, text="hello @bob", mentions=[bob])
    log.add("message", cid="1" * 32, user={"id": bob, "name": "bob", "bot": True}, text="hi", reply_to=first)
    log.edit(first, ann, "hello")
    log.react(first, bob, "🎉")
    log.react(first, ann, "👍")
    log.react(first, bob, "👍")
    log.delete(log.add("message", cid="2" * 32, user={"id": ann, "name": "ann"}, text="secret"), ann)
    return log


def test_a_room_is_imported_as_it_was_exported(transfer: Transfer) -> None:
    content = transfer.export(transfer.room_with(small_log(transfer)))
    room = transfer.run(content)
    assert room is not None
    again = transfer.export(room)
    assert rows_without_epochs(again) == rows_without_epochs(content)
    old, new = lines(content)[0], lines(again)[0]
    assert new["members"] == old["members"]
    assert new["room"] == {**old["room"], "id": room, "name": "office (2)"}, "the name of a public room is unique"
    assert new["head"]["seq"] == old["head"]["seq"]
    with transfer.db.read() as db:
        head = read_heads(db, [room])[room]
        read = db.scalars(select(read_positions.c.seq).where(read_positions.c.room_id == room)).all()
        versions = transfer.rooms.services.rooms.changes.changes_after(room, 0)
    assert transfer.logs_begun == {room: head}
    assert read == [9, 9], "what was imported is not unread"
    assert {change.user_id for change in versions} == {"", transfer.rooms.ids["ann"], transfer.rooms.ids["bob"]}


@settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(log=logs())
def test_any_log_survives_export_and_import(transfer: Transfer, log: LogWriter) -> None:
    with transfer.db.write() as db:
        db.execute(delete(imports))
        for id, name in (("ann", "Ann Other"), ("bob", "Bob Other")):
            if user_by_id(db, id) is None:
                user = {"id": id, "name": name, "name_key": id + " other", "role": "member", "created_at": NOW}
                db.execute(insert(users).values(user))
    for event in log.events:
        if event["type"] == "message":
            event["cid"] = f"{event['seq']:032x}"
            if event.get("reply_to", 0) >= event["seq"]:
                del event["reply_to"]
    content = transfer.export(transfer.room_with(log, kind="private"))
    room = transfer.run(content)
    assert room is not None
    assert rows_without_epochs(transfer.export(room)) == rows_without_epochs(content)


def test_an_import_is_made_once(transfer: Transfer) -> None:
    content = transfer.export(transfer.room_with(small_log(transfer)))
    transfer.run(content)
    before = transfer.count(archived_events), transfer.count(rooms), transfer.count(memberships)
    assert transfer.run(content) is None
    assert (transfer.count(archived_events), transfer.count(rooms), transfer.count(memberships)) == before


def test_an_interrupted_import_is_invisible_and_continues(transfer: Transfer) -> None:
    log = transfer.log()
    for number in range(3 * BATCH_ROWS):
        user = transfer.rooms.ids["ann"]
        log.add("message", cid=f"{number:032x}", user={"id": user, "name": "ann"}, text=f"text {number}")
    content = transfer.export(transfer.room_with(log))
    with pytest.raises(InterruptedError):
        transfer.run(content, stop_after=2 * BATCH_ROWS)
    rooms = transfer.rooms.services.rooms
    assert [room.name for room in rooms.find_public(transfer.rooms.caller("dan"), "off", None, 10)] == ["office"]
    assert transfer.logs_begun == {}
    room = transfer.run(content)
    assert room is not None
    assert rows_without_epochs(transfer.export(room)) == rows_without_epochs(content)
    assert transfer.count(archived_events) == 6 * BATCH_ROWS


def test_of_two_imports_at_once_one_is_made(transfer: Transfer) -> None:
    file = check_export_file(transfer.file(transfer.export(transfer.room_with(small_log(transfer)))), NOW)
    before = transfer.count(rooms)

    def run() -> str | None:
        report = ImportReport()
        users = ImportedUsers(transfer.db, SOURCE, report, NOW)
        importer = RoomImporter(transfer.db, users, report, transfer.logs_begun.__setitem__)
        return importer.run(file.room, file.read(), file.last_seq, lambda _rows: None)

    outcomes = concurrently(3, run)
    assert len({room for room in outcomes if isinstance(room, str)}) == 1
    assert all(isinstance(other, str | BadImport | None) for other in outcomes), outcomes
    assert transfer.count(rooms) == before + 1


def test_imports_at_once_create_each_user_once(transfer: Transfer) -> None:
    def find() -> str:
        return ImportedUsers(transfer.db, SOURCE, ImportReport(), NOW).ids_of([SourceUser("7", "Newton")])["7"]

    outcomes = concurrently(4, find)
    assert len(set(outcomes)) == 1, outcomes
    assert isinstance(outcomes[0], str)


def test_an_interrupted_import_of_a_changed_export_starts_again(transfer: Transfer) -> None:
    source = transfer.room_with(small_log(transfer))
    content = transfer.export(source)
    file = check_export_file(transfer.file(content), NOW)
    users = ImportedUsers(transfer.db, SOURCE, transfer.report, NOW)
    importer = RoomImporter(transfer.db, users, transfer.report, transfer.logs_begun.__setitem__)

    def fail(_rows: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        importer.run(file.room, file.read(), file.last_seq, fail)
    other = replace(file.room, fingerprint="other content")
    room = importer.run(other, list(file.read())[:1], 0, lambda _rows: None)
    assert room is not None
    assert len(lines(transfer.export(room))) == 3
    assert transfer.count(imports) == 1
