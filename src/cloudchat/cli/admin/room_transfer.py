"""`cloudchat admin export`, `import` and `import-slack`: rooms as files, out of this installation and into it."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cloudchat.cli.admin.backup_state import command_errors, reachable_store
from cloudchat.cli.admin.rooms import ROOM_HELP
from cloudchat.cli.errors import CommandError, note, warn

if TYPE_CHECKING:
    from cloudchat.archive.importing.report import ImportReport
    from cloudchat.archive.importing.room_import import BeginLog, Progress
    from cloudchat.cli.admin.command import Parsers
    from cloudchat.database.transactions import Database
    from cloudchat.settings import Settings

_MAX_WAIT_SECONDS = 2.0
_POLL_SECONDS = 0.1
_PROGRESS_SECONDS = 1.0


def register_transfer_commands(under: "Parsers") -> None:
    """Add the three commands to `admin`."""
    export = under.add_parser(
        "export",
        help="write all messages of a room into a file",
        description="Write all messages of a room, their earlier texts, reactions and notices. Servers may run. The "
        "file has what is archived, which is at most a second behind. `jsonl` can be imported again; `html` is one "
        "page that needs no network. The export is recorded in the audit log. Example: cloudchat admin export lobby "
        "--format html --output lobby.html",
        allow_abbrev=False,
    )
    export.add_argument("room", metavar="ROOM", help=ROOM_HELP)
    export.add_argument("--format", choices=("jsonl", "html"), required=True)
    export.add_argument("--output", type=Path, metavar="FILE", help="the file to write; default: standard output")
    export.set_defaults(run=export_room)

    imported = _add_import(
        under,
        "import",
        import_room,
        "create a room from a file of `export --format jsonl`",
        "The file is checked before anything is written.",
    )
    imported.add_argument("file", type=Path, metavar="FILE.jsonl")
    slack = _add_import(
        under,
        "import-slack",
        import_slack,
        "create rooms from an export of Slack",
        "Channels, private channels and direct messages become rooms, with threads as replies, reactions and edits. "
        "Files are listed with their links, and not downloaded.",
    )
    slack.add_argument("file", type=Path, metavar="EXPORT.zip")


def _add_import(
    under: "Parsers", name: str, command: Callable[[argparse.Namespace], int], summary: str, details: str
) -> argparse.ArgumentParser:
    parser = under.add_parser(
        name,
        help=summary,
        description=f"{summary[:1].upper()}{summary[1:]}. {details} Servers may run: a room appears when it is "
        "complete. An author is the user with the same name here, or a new, disabled one without a password. A command "
        "that was interrupted continues when it is repeated, and what was imported is not imported again. Begin with "
        "--dry-run.",
        allow_abbrev=False,
    )
    parser.add_argument("--dry-run", action="store_true", help="check the file, and report what would be done")
    parser.add_argument("--owner", metavar="USER", help="make this user an owner of the new rooms")
    parser.set_defaults(run=command)
    return parser


def export_room(options: argparse.Namespace) -> int:
    """Run `export`."""
    from cloudchat.archive.export.service import ExportFormat, RoomExports
    from cloudchat.backup.backup_files import atomic_file
    from cloudchat.cli.installation import open_installation
    from cloudchat.rooms.caller import COMMAND_LINE
    from cloudchat.rooms.service import RoomService

    target: Path | None = options.output
    with _transfer_errors("the export is not complete"), _open_database(open_installation()) as db:
        room_id = RoomService(db).find(options.room).id
        exports = RoomExports(db)
        _wait_for_archive(partial(exports.is_behind, room_id))
        parts = exports.export(room_id, ExportFormat(options.format), caller=COMMAND_LINE, now=time.time())
        if target is None:
            _write(parts, sys.stdout.buffer)
        else:
            with atomic_file(target) as (file, _):
                _write(parts, file)
    return 0


def import_room(options: argparse.Namespace) -> int:
    """Run `import`."""
    from cloudchat.archive.importing.export_file import check_export_file, users_of
    from cloudchat.archive.importing.export_records import SOURCE
    from cloudchat.archive.importing.report import ImportReport
    from cloudchat.archive.importing.room_import import RoomImporter
    from cloudchat.archive.importing.users import ImportedUsers
    from cloudchat.cli.installation import open_installation

    now, report = time.time(), ImportReport()
    with _transfer_errors("repeat the command to continue"), ExitStack() as running:
        file = check_export_file(options.file, now)
        name = ascii(file.room.name or "a direct room")
        note(f"{options.file}: {file.room.kind} room {name} with {file.rows} messages and notices")
        settings = open_installation()
        db = running.enter_context(_open_database(settings))
        owner = _owner(db, options.owner)
        users = ImportedUsers(db, SOURCE, report, now)
        if options.dry_run:
            users.preview(users_of(file).values())
            _print_report(report)
            return 0
        importer = RoomImporter(db, users, report, _log_beginner(settings, running), owner)
        room_id = importer.run(file.room, file.read(), file.last_seq, _progress(file.rows))
    _print_report(report)
    print(room_id if room_id is not None else "this file was imported before; nothing was changed")
    return 0


def import_slack(options: argparse.Namespace) -> int:
    """Run `import-slack`."""
    from cloudchat.archive.importing.report import ImportReport
    from cloudchat.archive.importing.room_import import RoomImporter
    from cloudchat.archive.importing.slack.export import SOURCE, open_slack_export
    from cloudchat.archive.importing.users import ImportedUsers
    from cloudchat.cli.installation import open_installation

    now, report = time.time(), ImportReport()
    with _transfer_errors("repeat the command to continue"), ExitStack() as running:
        export = running.enter_context(open_slack_export(options.file, report))
        settings = open_installation()
        db = running.enter_context(_open_database(settings))
        owner = _owner(db, options.owner)
        users = ImportedUsers(db, SOURCE, report, now)
        rooms, named = export.check()
        for room, rows in rooms:
            note(f"{room.kind} room {room.name or room.source_id!a} with {rows} messages and notices")
        if options.dry_run:
            users.preview(named)
            _print_report(report)
            return 0
        importer = RoomImporter(db, users, report, _log_beginner(settings, running), owner)
        for room, count in rooms:
            room_id = importer.run(room, export.rows(room), 0, _progress(count))
            print(room_id or "imported before", room.kind, ascii(room.name or room.source_id)[1:-1], sep="\t")
    _print_report(report)
    return 0


@contextmanager
def _open_database(settings: "Settings") -> "Iterator[Database]":
    from cloudchat.database.engine import create_engine
    from cloudchat.database.migrations import revision_of, upgrade
    from cloudchat.database.transactions import Database

    url = settings.database.get_secret_value()
    if revision_of(url) is None:
        raise CommandError("the database is empty: create its tables with `cloudchat serve` or `cloudchat init`")
    upgrade(url)
    db = Database(create_engine(url))
    try:
        yield db
    finally:
        db.close()


def _owner(db: "Database", name: str | None) -> str | None:
    """Return the id of the user who is to own the rooms. Raises CommandError."""
    from cloudchat.auth.repository import user_by_name

    if name is None:
        return None
    with db.read() as transaction:
        user = user_by_name(transaction, name)
    if user is None:
        raise CommandError(f"there is no user {name!a}; see: cloudchat admin list-users")
    return user.id


def _log_beginner(settings: "Settings", running: ExitStack) -> "BeginLog":
    """Return what begins a room's log in the store, which must be reachable."""
    from cloudchat.broker.new_log import begin_log

    url = reachable_store(settings, running)
    return lambda room_id, head: begin_log(url, room_id, head.epoch, head.seq)


def _wait_for_archive(is_behind: Callable[[], bool]) -> None:
    """Wait until the archiver of a running server has everything, but not for long."""
    deadline = time.monotonic() + _MAX_WAIT_SECONDS
    while is_behind():
        if time.monotonic() >= deadline:
            warn("the archive is behind: the newest messages are not in the export; export again later")
            return
        time.sleep(_POLL_SECONDS)


def _print_report(report: "ImportReport") -> None:
    for line in report.lines():
        note(line)


def _progress(total: int) -> "Progress":
    """Return what shows the progress on a terminal."""
    last = time.monotonic()

    def show(rows: int) -> None:
        nonlocal last
        if sys.stderr.isatty() and time.monotonic() - last >= _PROGRESS_SECONDS:
            last = time.monotonic()
            print(f"{rows} of {total}", end="\r", file=sys.stderr, flush=True)

    return show


def _write(parts: Iterator[bytes], file: BinaryIO) -> None:
    for part in parts:
        file.write(part)


@contextmanager
def _transfer_errors(consequence: str) -> Iterator[None]:
    from cloudchat.archive.importing.source import BadImport
    from cloudchat.auth.errors import AccountError

    with command_errors(consequence):
        try:
            yield
        except (AccountError, BadImport) as error:
            raise CommandError(str(error)) from error
