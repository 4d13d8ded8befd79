"""`cloudchat admin export-user` and `erase-user`: what the law gives a person."""

import argparse
import json
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from cloudchat.cli.admin.command import add_command
from cloudchat.cli.errors import CommandError

if TYPE_CHECKING:
    from cloudchat.admin.actor import Actor
    from cloudchat.admin.service import AdminService
    from cloudchat.cli.admin.command import Parsers

_POLL_SECONDS = 1.0


def register_personal_data_commands(under: "Parsers") -> None:
    """Add the two commands to `admin`."""
    export = add_command(
        under,
        "export-user",
        export_user,
        "write everything that is stored about a user as JSON",
        "Account, devices, tokens without their secrets, memberships, messages with their earlier texts, reactions, "
        "read positions, decisions of moderators, and audit entries. Messages of the last second may be missing.",
    )
    export.add_argument("name")
    export.add_argument("--output", type=Path, metavar="FILE", help="write into this new file, readable by you alone")
    erase = add_command(
        under,
        "erase-user",
        erase_user,
        "delete everything that a user has written, and the account; cannot be undone",
        "The account is closed at once. The running server then deletes the user's texts from rooms, history and "
        "search, and replaces the name; this command shows the progress. It can be interrupted: the server continues, "
        "also after a restart. The rooms stay readable: a deleted message keeps its place, and reactions stay under "
        "the new name. Texts in which others mention the user stay, and so do older backups. The audit log keeps what "
        "the account did, without its name, for CLOUDCHAT_AUDIT_DAYS.",
    )
    erase.add_argument("name")
    erase.add_argument("--yes", action="store_true", help="do not ask")


def export_user(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `export-user`."""
    user_id = service.users.find(options.name)
    parts = service.personal_data.export(user_id)
    with ExitStack() as opened:
        output: TextIO = sys.stdout
        if options.output is not None:
            try:
                # Not with the umask: others on this machine must not read it.
                output = opened.enter_context(open(options.output, "x", encoding="utf-8", opener=_open_private))
            except FileExistsError as error:
                raise CommandError(f"{options.output} exists already; choose another name") from error
        _write_json(output, parts)


def erase_user(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `erase-user`."""
    user_id = service.users.find(options.name)
    if not options.yes:
        _confirm(options.name)
    name = service.personal_data.order_erasure(user_id, actor=actor, now=time.time())
    print(f"the account is closed; its name is {name} now")
    shown = -1
    try:
        while not (progress := service.personal_data.erasure_progress(user_id)).finished:
            if progress.messages_left != shown:
                shown = progress.messages_left
                print(f"the running server erases {shown} messages (Ctrl-C is safe)", file=sys.stderr)
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        print("interrupted; a running server erases the rest", file=sys.stderr)
        return
    print("everything is erased")


def _confirm(name: str) -> None:
    """Ask for the name. Raises CommandError."""
    if not sys.stdin.isatty():
        raise CommandError("this cannot be undone: add --yes to erase the user without a question")
    if input(f"This deletes all messages of {name} for ever. Type the name to confirm: ").strip() != name:
        raise CommandError("the name is not the same: nothing was erased")


def _open_private(path: str, flags: int) -> int:
    import os

    return os.open(path, flags, 0o600)


def _write_json(output: TextIO, parts: Iterable[tuple[str, Any]]) -> None:
    """Write one JSON object, item by item: its lists can be larger than the memory."""
    output.write("{")
    separator = "\n"
    for name, content in parts:
        output.write(f"{separator} {json.dumps(name)}: ")
        separator = ",\n"
        if isinstance(content, dict):
            output.write(json.dumps(content, ensure_ascii=False))
            continue
        output.write("[")
        comma = "\n  "
        for item in content:
            output.write(comma + json.dumps(item, ensure_ascii=False))
            comma = ",\n  "
        output.write("\n ]" if comma.startswith(",") else "]")
    output.write("\n}\n")
