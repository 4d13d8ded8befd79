"""`cloudchat admin backup`, `verify-backup` and `restore`: the whole state of a server as one file."""

import argparse
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from cloudchat.cli.admin.backup_state import command_errors, reachable_store
from cloudchat.cli.errors import CommandError

if TYPE_CHECKING:
    from cloudchat.backup.manifest import Manifest


def register_backup_commands(under: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the three commands to `admin`."""
    backup = under.add_parser(
        "backup",
        help="write users, rooms, messages and keys into one file; servers may run",
        description="Write users, rooms, messages and keys into one file. Servers may run. Who can read the file can "
        "sign in as any user: protect it like the state directory.",
        allow_abbrev=False,
    )
    target = backup.add_mutually_exclusive_group(required=True)
    target.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the file to write; it must not exist")
    target.add_argument("--directory", type=Path, metavar="DIR", help="write into this directory, named by the time")
    backup.add_argument(
        "--keep", type=_positive_number, metavar="N", help="with --directory: delete all but the newest N"
    )
    backup.set_defaults(run=back_up)

    verify = under.add_parser(
        "verify-backup",
        help="read a whole backup, and check that it can be restored",
        description="Check every checksum, every room and the database of a backup. Does not change the state.",
    )
    verify.add_argument("file", type=Path, metavar="FILE")
    verify.set_defaults(run=verify_backup)

    restore = under.add_parser(
        "restore",
        help="restore the state from a backup; no server may run",
        description="Restore the state from a backup. No server may run. All users must sign in again. Clients "
        "that have newer messages get a gap notice.",
        allow_abbrev=False,
    )
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument("--replace", action="store_true", help="move the existing state aside")
    restore.add_argument(
        "--keep-store",
        action="store_true",
        help="the store with the newest messages has survived: restore users, older messages and keys, and keep it",
    )
    restore.set_defaults(run=restore_backup)


def back_up(options: argparse.Namespace) -> int:
    """Run `backup`."""
    from cloudchat.backup.backup_files import backup_name, remove_leftovers, remove_old_backups
    from cloudchat.backup.create import create_backup
    from cloudchat.cli.installation import open_installation

    if options.keep and not options.directory:
        raise CommandError("--keep needs --directory")
    now = time.time()
    folder: Path | None = options.directory
    target: Path = folder / backup_name(now) if folder else options.file
    with command_errors(f"nothing was written to {target}"), ExitStack() as running:
        settings = open_installation()
        if folder:
            remove_leftovers(folder)
        url = reachable_store(settings, running)
        manifest = create_backup(target, url, settings.database.get_secret_value(), settings.state_dir / "keys", now)
    print(f"{target}: {_summary(manifest)}")
    if folder and options.keep:
        with command_errors("the old backups were not deleted"):
            remove_old_backups(folder, options.keep)
    return 0


def verify_backup(options: argparse.Namespace) -> int:
    """Run `verify-backup`."""
    import tempfile

    from cloudchat.backup.archive import Archive
    from cloudchat.backup.staging import check_backup, unpack_sqlite

    with command_errors("the backup may not be restorable"), Archive(options.file) as archive:
        check_backup(archive)
        if archive.manifest.database == "sqlite":
            with tempfile.TemporaryDirectory(prefix="cloudchat-") as scratch:
                unpack_sqlite(archive, Path(scratch) / "database")
    print(f"{options.file}: {_summary(archive.manifest)}")
    return 0


def restore_backup(options: argparse.Namespace) -> int:
    """Run `restore`."""
    from cloudchat.backup.archive import Archive
    from cloudchat.backup.installation import Installation
    from cloudchat.backup.restore import Restore, StateOccupied
    from cloudchat.cli.installation import folder_to_create
    from cloudchat.cli.state_folder import lock_state_folder

    now = time.time()
    with (
        command_errors("nothing has changed, except that files may have been renamed to .before"),
        Archive(options.file) as archive,
    ):
        settings = folder_to_create(beside_another=False)
        lock = lock_state_folder(settings.state_dir, allow_half_restored=True)
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
        store_url = settings.redis_url.get_secret_value() if settings.redis_url else None
        state = Installation(settings.state_dir, settings.database.get_secret_value(), store_url)
        try:
            restored = Restore(archive, state, now, stamp, keep_store=options.keep_store).run(replace=options.replace)
        except StateOccupied as error:
            raise CommandError(f"a state already exists ({error}): use --replace to move it aside") from error
        finally:
            os.close(lock)
    print(f"{settings.state_dir}: {_summary(archive.manifest)}")
    for path in restored.aside:
        print(f"the previous state is in {path}")
    print(
        f"Messages after {archive.manifest.created_at}: the server archives those that the store still has."
        if options.keep_store
        else f"Messages after {archive.manifest.created_at} are lost, unless the previous state is restored."
    )
    print(
        f"All users must sign in again. Everything revoked after {archive.manifest.created_at} is valid again: "
        "disabled users, revoked tokens, deleted invites. Check `cloudchat admin list-users`, `list-tokens` and "
        "`list-invites`."
    )
    return 0


def _summary(manifest: "Manifest") -> str:
    size = sum(member.size for member in manifest.members)
    return (
        f"backup of {manifest.created_at} by cloudchat {manifest.cloudchat}, {manifest.rooms} rooms with "
        f"{manifest.events} events, {manifest.database} schema {manifest.schema}, {size / 1e6:.1f} MB"
    )


def _positive_number(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a number of backups, 1 or more")
    return int(text)
