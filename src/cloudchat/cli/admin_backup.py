"""`cloudchat admin backup`, `verify-backup` and `restore`: everything that a server keeps, as one file and back."""

import argparse
import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from cloudchat.cli.backup_state import explained, settings_of_state, store_at_hand
from cloudchat.cli.errors import CommandError
from cloudchat.cli.state_folder import lock_state_folder

if TYPE_CHECKING:
    from cloudchat.backup.manifest import Manifest


def register_backup_commands(under: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the three commands to `admin`."""
    backup = under.add_parser(
        "backup",
        help="write users, rooms, messages and keys into one file, while servers run or not",
        description="Write everything that is kept into one file, while servers run or not. The file lets its "
        "reader sign in as anybody: protect it like the state folder.",
        allow_abbrev=False,
    )
    place = backup.add_mutually_exclusive_group(required=True)
    place.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a file that is not there yet")
    place.add_argument("--directory", type=Path, metavar="DIR", help="name it by the time, in this folder")
    backup.add_argument("--keep", type=_count, metavar="N", help="with --directory: remove all but the newest N")
    backup.set_defaults(run=back_up)

    verify = under.add_parser(
        "verify-backup",
        help="read a backup through, and say whether it can be restored",
        description="Read a backup through: every checksum, every room, the database. Touches no state.",
    )
    verify.add_argument("file", type=Path, metavar="FILE")
    verify.set_defaults(run=verify_backup)

    restore = under.add_parser(
        "restore",
        help="put the state back from a backup; no server may run",
        description="Put the state back from a backup. No server may run. Users sign in again; clients that were "
        "further on are told that there is a gap.",
        allow_abbrev=False,
    )
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument("--replace", action="store_true", help="move aside what is there")
    restore.set_defaults(run=restore_backup)


def back_up(options: argparse.Namespace) -> int:
    """`backup`."""
    from cloudchat.backup.backup_files import backup_name, remove_leftovers, remove_old_backups
    from cloudchat.backup.create import create_backup

    if options.keep and not options.directory:
        raise CommandError("--keep is for --directory")
    now = time.time()
    folder: Path | None = options.directory
    target: Path = folder / backup_name(now) if folder else options.file
    with explained(f"nothing was written to {target}"), ExitStack() as running:
        settings = settings_of_state(must_be_there=True)
        if folder:
            remove_leftovers(folder)
        url = store_at_hand(settings, running)
        manifest = create_backup(target, url, settings.database.get_secret_value(), settings.state_dir / "keys", now)
    print(f"{target}: {_summary(manifest)}")
    if folder and options.keep:
        with explained("old backups stay"):
            remove_old_backups(folder, options.keep)
    return 0


def verify_backup(options: argparse.Namespace) -> int:
    """`verify-backup`."""
    from cloudchat.backup.archive import Archive
    from cloudchat.backup.staging import check_backup, unpack_sqlite

    with explained("do not rely on it"), Archive(options.file) as archive:
        check_backup(archive)
        if archive.manifest.database == "sqlite":
            with tempfile.TemporaryDirectory(prefix="cloudchat-") as scratch:
                unpack_sqlite(archive, Path(scratch) / "database")
        print(f"{options.file}: {_summary(archive.manifest)}")
    return 0


def restore_backup(options: argparse.Namespace) -> int:
    """`restore`."""
    from cloudchat.backup.archive import Archive
    from cloudchat.backup.installation import Installation
    from cloudchat.backup.restore import Restore, StateOccupied

    now = time.time()
    with explained("what was there is as it was, unless files say .before"), Archive(options.file) as archive:
        settings = settings_of_state()
        lock = lock_state_folder(settings.state_dir, half_restored=True)
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
        store_url = settings.redis_url.get_secret_value() if settings.redis_url else None
        state = Installation(settings.state_dir, settings.database.get_secret_value(), store_url)
        try:
            restored = Restore(archive, state, now, stamp).run(replace=options.replace)
        except StateOccupied as error:
            raise CommandError(f"there is something already ({error}): --replace moves it aside") from error
        finally:
            os.close(lock)
        print(f"{settings.state_dir}: {_summary(archive.manifest)}")
    for path in restored.aside:
        print(f"what was there before: {path}")
    print(
        f"Users sign in again. What was revoked since {archive.manifest.created_at} is good again: users disabled, "
        "tokens and invites taken back; see `cloudchat admin list-users`, `list-tokens`, `list-invites`."
    )
    return 0


def _summary(manifest: "Manifest") -> str:
    size = sum(member.size for member in manifest.members)
    return (
        f"backup of {manifest.created_at} by cloudchat {manifest.cloudchat}, {manifest.rooms} rooms with "
        f"{manifest.events} events, {manifest.database} schema {manifest.schema}, {size / 1e6:.1f} MB"
    )


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("a number of backups, 1 or more")
    return int(text)
