"""`cloudchat admin …`: API tokens, invites, and the signing keys."""

import argparse
import time
from typing import TYPE_CHECKING

from cloudchat.cli.errors import CommandError
from cloudchat.core.timestamps import rfc3339

if TYPE_CHECKING:
    from cloudchat.admin.actor import Actor
    from cloudchat.admin.service import AdminService


def issue(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `issue-token`."""
    scopes = {scope.strip() for scope in options.scope.split(",") if scope.strip()}
    issued = service.tokens.issue(options.name, scopes, options.ttl, label=options.label, actor=actor, now=time.time())
    print(issued.token)


def list_tokens(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `list-tokens`."""
    print("id", "user", "scopes", "expires", "state", "label", "last used", sep="\t")
    now = time.time()
    for token in service.tokens.list():
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(token.expires_at))
        state = "revoked" if token.revoked_at is not None else "expired" if token.expires_at <= now else "valid"
        used = rfc3339(token.last_used_at) if token.last_used_at is not None else "never"
        print(token.id, token.user.name, ",".join(token.scopes), expires, state, token.label, used, sep="\t")


def revoke(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `revoke-token`."""
    service.tokens.revoke(options.id, actor=actor, now=time.time())


def create_invite(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `create-invite`."""
    print(service.invites.create(options.ttl, label=options.label, actor=actor, now=time.time()).invite)


def list_invites(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `list-invites`."""
    print("id", "created", "expires", "state", "created by", "label", sep="\t")
    now = time.time()
    for invite in service.invites.list():
        used = f"used by {invite.used_by}" if invite.used_by else "used"
        state = used if invite.used_at is not None else "expired" if invite.expires_at <= now else "valid"
        created, expires = rfc3339(invite.created_at), rfc3339(invite.expires_at)
        print(invite.id, created, expires, state, invite.created_by or "", invite.label, sep="\t")


def delete_invite(service: "AdminService", actor: "Actor", options: argparse.Namespace) -> None:
    """Run `delete-invite`."""
    service.invites.delete(options.id, actor=actor, now=time.time())


def rotate_keys(options: argparse.Namespace) -> int:
    """Run `rotate-keys`. It does not use the database, so that it works in an emergency. Raises CommandError."""
    from cloudchat.auth.keys.key_folder import KeyFolderError
    from cloudchat.auth.keys.key_rotation import rotate
    from cloudchat.cli.installation import open_installation

    folder = open_installation().state_dir
    try:
        rotation = rotate(folder / "keys", time.time(), forget_old=options.forget_old)
    except KeyFolderError as error:
        raise CommandError(str(error)) from error
    print(
        f"signing with {rotation.signing_kid}; older keys: {rotation.retained} still verify, {rotation.removed} removed"
    )
    return 0
