"""`cloudchat admin …`: users and the audit log."""

import argparse
import sys
import time
from typing import TYPE_CHECKING

from cloudchat.cli.errors import CommandError
from cloudchat.core.timestamps import rfc3339

if TYPE_CHECKING:
    from cloudchat.admin.actor import Actor
    from cloudchat.admin.service import AdminService

_PAGE_SIZE = 500
_MAX_AUDIT_ENTRIES = 10_000


def create(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `create-user`."""
    password = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    if not password:
        raise CommandError("standard input is empty: write the password as one line into standard input")
    service.users.create(options.name, password, options.role, actor=actor, now=time.time())


def list_users(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `list-users`."""
    print("name", "role", "state", "second factor", "created", "id", sep="\t")
    after = None
    while page := service.users.list(after, _PAGE_SIZE):
        for user in page:
            state = "disabled" if user.disabled else "must change password" if user.must_change_password else "active"
            second_factor = "on" if user.totp_enabled else "off"
            print(user.name, user.role, state, second_factor, rfc3339(user.created_at), user.id, sep="\t")
        after = page[-1].id


def set_role(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `set-role`."""
    service.users.change(service.users.find(options.name), role=options.role, actor=actor, now=time.time())


def disable(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `disable-user`."""
    service.users.change(service.users.find(options.name), disabled=True, actor=actor, now=time.time())


def enable(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `enable-user`."""
    service.users.change(service.users.find(options.name), disabled=False, actor=actor, now=time.time())


def reset_password(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `reset-password`."""
    print(service.users.reset_password(service.users.find(options.name), actor=actor, now=time.time()))


def reset_second_factor(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `reset-totp`."""
    service.users.reset_second_factor(service.users.find(options.name), actor=actor, now=time.time())


def audit(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `audit`."""
    print("time", "actor", "action", "target", "result", "address", "detail", "id", sep="\t")
    for entry in service.audit_log(options.before, max(1, min(options.limit, _MAX_AUDIT_ENTRIES))):
        print(
            rfc3339(entry.at),
            entry.actor_name or entry.actor,
            entry.action,
            entry.target_name or entry.target or "-",
            entry.result,
            entry.address or "-",
            entry.detail or "-",
            entry.id,
            sep="\t",
        )
