"""Whole exports of Slack: their rooms, what a second import does, and zips that are refused."""

import zipfile
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cloudchat.archive.export.service import ExportFormat, RoomExports
from cloudchat.archive.importing.report import ImportReport
from cloudchat.archive.importing.room_import import RoomImporter
from cloudchat.archive.importing.slack import zip_file
from cloudchat.archive.importing.slack.export import SOURCE, open_slack_export
from cloudchat.archive.importing.source import BadImport
from cloudchat.archive.importing.users import ImportedUsers
from cloudchat.database.tables.accounts import users
from cloudchat.database.tables.archive import archived_events
from cloudchat.database.tables.rooms import Room, memberships, rooms
from cloudchat.rooms.caller import COMMAND_LINE
from support.account_services import NOW, AccountServices
from support.chat_rooms import Rooms
from support.databases import on_both
from support.slack_exports import GENERAL, USERS, message, ts, write_export

pytestmark = on_both
DAYS = {
    "general/2020-09-13.json": [
        message(3, "an <@U2>", thread_ts=ts(1)),
        message(1, "first", reply_count=1, reactions=[{"name": "tada", "users": ["U2", "U3"], "count": 2}]),
        message(2, "joined", "U2", subtype="channel_join"),
    ],
    "general/2020-09-14.json": [message(86400, "next day", "U3"), message(3, "twice")],
    "secret/2020-09-13.json": [message(1, "psst", "U2")],
    "D1/2020-09-13.json": [message(1, "between us", "U2")],
    "D2/2020-09-13.json": [message(1, "to myself")],
    "mpdm-ann--grace.h--zoe-1/2020-09-13.json": [message(1, "to all", "U4")],
    "general/canvas_in_the_conversation.json": "no messages",
    "unknown/2020-09-13.json": [message(1, "where?")],
}


class Slack:
    """Imports of exports into one installation with the users ann, bob, cid and dan."""

    def __init__(self, services: AccountServices, folder: Path) -> None:
        self.db, self.path = services.db, folder / "export.zip"
        self.rooms = Rooms.with_users(services)

    def run(self, *, stop_after: int | None = None) -> list[str]:
        """Import the zip; return the lines of the report. With `stop_after`, fail after so many rows of a room."""

        def progress(rows: int) -> None:
            if stop_after is not None and rows >= stop_after:
                raise InterruptedError

        report = ImportReport()
        with open_slack_export(self.path, report) as export:
            rooms, _ = export.check()
            users = ImportedUsers(self.db, SOURCE, report, NOW)
            importer = RoomImporter(self.db, users, report, lambda _room, _head: None)
            for room, _ in rooms:
                importer.run(room, export.rows(room), 0, progress)
        return list(report.lines())

    def named(self, name: str) -> Room:
        with self.db.read() as db:
            return Room(*db.execute(select(rooms).where(rooms.c.name == name)).one())

    def texts(self, room_id: str) -> str:
        """Return the HTML of a room."""
        return b"".join(RoomExports(self.db).export(room_id, ExportFormat.HTML, caller=COMMAND_LINE, now=NOW)).decode()

    def counts(self) -> list[int]:
        with self.db.read() as db:
            return [
                db.scalar(select(func.count()).select_from(table)) or 0
                for table in (archived_events, rooms, memberships, users)
            ]


@pytest.fixture
def slack(services: AccountServices, tmp_path: Path) -> Slack:
    return Slack(services, tmp_path)


def test_an_export_becomes_rooms(slack: Slack) -> None:
    write_export(slack.path, DAYS)
    assert slack.run() == [
        "2 files of the export have no messages, and were left out: integration_logs.json, "
        "general/canvas_in_the_conversation.json",
        "1 folders of the export belong to no channel, and were left out: unknown",
        "1 members of channels are not in the list of users: U9 (general)",
        "1 messages are twice in the export: 1600000003.000000",
        "1 users are those with the same names here: ann",
        "3 users are new here: disabled, without a password: grace.h, Zoe, admin-2",
        "2 users have another name here, because theirs is not possible: Zoë Ω → Zoe, admin → admin-2",
        "1 direct rooms became private rooms, because a direct room has 2 to 8 people: ann",
    ]
    general = slack.named("general")
    assert (general.kind, general.topic, general.archived_at) == ("public", "everything", None)
    assert slack.rooms.members(general.id) == {"ann": "owner", "grace.h": "member", "Zoe": "member"}
    page = slack.texts(general.id)
    for text in ("ann created the room general", "first", "grace.h joined", "an @grace.h", "🎉 2", "next day"):
        assert text in page, text
    assert slack.named("secret").archived_at is not None
    with slack.db.read() as db:
        kinds = sorted(db.scalars(select(rooms.c.kind).where(rooms.c.created_by == "cli")))
    assert kinds == ["direct", "direct", "private", "private", "public"]
    assert "to myself" in slack.texts(slack.named("Direct: ann").id)
    direct, is_new = slack.rooms.direct("ann", "bob")
    assert (is_new, direct.kind) == (True, "direct")


def test_a_preview_names_the_users_that_the_import_finds_or_creates(slack: Slack) -> None:
    """Also a bot that has the name of a user here: its messages become those of this user."""
    bot = {"type": "message", "subtype": "bot_message", "username": "bob", "bot_id": "B1", "text": "hi", "ts": ts(5)}
    write_export(slack.path, {"general/2020-09-13.json": [bot, message(6, "who am I?", "U77")]})
    preview = ImportReport()
    with open_slack_export(slack.path, preview) as export:
        _, users = export.check()
        ImportedUsers(slack.db, SOURCE, preview, NOW).preview(users)
    reports = [
        {line.rpartition(": ")[0]: set(line.rpartition(": ")[2].split(", ")) for line in lines if " here: " in line}
        for lines in (preview.lines(), slack.run())
    ]
    assert reports[0] == reports[1]
    assert "bob" in reports[0]["2 users are those with the same names here"]


def test_a_second_import_changes_nothing(slack: Slack) -> None:
    write_export(slack.path, DAYS)
    slack.run()
    before = slack.counts()
    slack.run()
    assert slack.counts() == before
    write_export(slack.path, {**DAYS, "general/2020-09-15.json": [message(2 * 86400, "newer")]})
    report = slack.run()
    assert slack.counts() == before
    assert any("newer messages were left out: general" in line for line in report), report


def test_an_interrupted_import_continues(slack: Slack) -> None:
    days = {"general/2020-09-13.json": [message(number, f"text {number}") for number in range(250)]}
    write_export(slack.path, days, groups=[], dms=[], mpims=[])
    with pytest.raises(InterruptedError):
        slack.run(stop_after=150)
    slack.run()
    with slack.db.read() as db:
        seqs = list(db.scalars(select(archived_events.c.seq).order_by(archived_events.c.seq)))
    assert seqs == list(range(1, 252))


def test_names_that_are_not_possible_are_changed(slack: Slack) -> None:
    write_export(slack.path, DAYS)
    report = slack.run()
    with slack.db.read() as db:
        found = {user.name: user for user in db.execute(select(users))}
    assert any("theirs is not possible: " in line and "admin → admin-2" in line for line in report), report
    new = [user for name, user in found.items() if name not in ("ann", "bob", "cid", "dan")]
    assert all(user.disabled_at == NOW and user.password_hash is None for user in new)


def test_people_with_a_direct_room_get_a_private_one_for_the_imported_messages(slack: Slack) -> None:
    write_export(slack.path, DAYS, users=[{"id": "U1", "name": "ann"}, {"id": "U2", "name": "bob"}], mpims=[])
    existing, _ = slack.rooms.direct("ann", "bob")
    report = slack.run()
    private = slack.named("Direct: ann, bob")
    assert private.kind == "private"
    assert slack.rooms.members(private.id) == {"ann": "owner", "bob": "owner"}
    assert slack.rooms.direct("ann", "bob")[0].id == existing.id
    assert any("because their people have one here: ann, bob" in line for line in report), report


def test_a_name_that_is_taken_gets_a_number(slack: Slack) -> None:
    slack.rooms.create("ann", "public", "General")
    write_export(slack.path, DAYS)
    slack.run()
    assert slack.named("general (2)").kind == "public"


# -- what is refused ---------------------------------------------------------------------------------------------------


def refused(path: Path) -> str:
    with pytest.raises(BadImport) as error, open_slack_export(path, ImportReport()) as export:
        export.check()
    return str(error.value)


@pytest.mark.parametrize(
    ("lists", "days", "message"),
    [
        ({"users": None}, {}, "no users.json"),
        ({"users": "{"}, {}, "'users.json' in the zip is not JSON"),
        ({"users": [{"id": 5}]}, {}, "'users.json' in the zip is not JSON"),
        ({"channels": {}}, {}, "'channels.json' in the zip is not JSON"),
        ({}, {"general/2020-09-13.json": '[{"ts": "1'}, "'general/2020-09-13.json' in the zip is not JSON"),
        ({}, {"general/2020-09-13.json": "[5]"}, "has a message that is not JSON"),
        ({}, {"general/2020-09-13.json": "[" * 100_000}, "is not JSON"),
        ({}, {"general/2020-09-13.json": '["\\ud800"]'}, "is not JSON"),
        ({}, {"../general/2020-09-13.json": []}, "a file with the path '../general"),
        ({}, {"/etc/passwd": []}, "a file with the path '/etc/passwd'"),
        ({}, {"general\\2020.json": []}, "a file with the path"),
    ],
)
def test_broken_exports_are_refused(
    tmp_path: Path, lists: dict[str, object], days: dict[str, object], message: str
) -> None:
    assert message in refused(write_export(tmp_path / "export.zip", days, **lists))


def test_zip_bombs_and_large_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = "[" + " " * (20 << 20) + "]"
    assert "zip bomb" in refused(write_export(tmp_path / "bomb.zip", {"general/2020-09-13.json": bomb}))
    monkeypatch.setattr(zip_file, "MAX_FILE_BYTES", 1000)
    large = [message(number, f"text {number}") for number in range(50)]
    assert "allowed" in refused(write_export(tmp_path / "large.zip", {"general/2020-09-13.json": large}))


def test_a_file_that_is_no_zip_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(b"not a zip")
    assert "is not a zip file" in refused(path)
    write_export(path, {"general/2020-09-13.json": [message(1, "x" * 5000)]}, users=USERS, channels=[GENERAL])
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("general/2020-09-13.json").header_offset
    content = bytearray(path.read_bytes())
    content[offset + 60] ^= 0xFF
    path.write_bytes(content)
    assert "is damaged" in refused(path)
