"""Invites: each allows one person to register until it expires."""

from collections.abc import Sequence

from msgspec import Struct

from cloudchat.admin import repository
from cloudchat.admin.actor import Actor
from cloudchat.admin.labels import validate_label
from cloudchat.admin.repository import InviteSummary
from cloudchat.auth.errors import InvalidField, NotFound
from cloudchat.auth.repository import add_invite
from cloudchat.auth.tokens.opaque_tokens import new_token
from cloudchat.database.transactions import Database

MIN_INVITE_SECONDS = 1
MAX_INVITE_SECONDS = 90 * 86400
_MAX_TARGET_CHARACTERS = 32  # of the column audit_log.target


class IssuedInvite(Struct, frozen=True):
    """A new invite with its secret, to be shown once. `expires_at` is in seconds since 1970."""

    id: str
    invite: str
    expires_at: float


class InviteService:
    """Creates, lists and deletes invites. Blocking: call it in threads."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def create(self, seconds: int, *, label: str = "", actor: Actor, now: float) -> IssuedInvite:
        """Create an invite that is valid for `seconds`. `label` says whom it is for. Raises InvalidField."""
        if not MIN_INVITE_SECONDS <= seconds <= MAX_INVITE_SECONDS:
            days = MAX_INVITE_SECONDS // 86400
            raise InvalidField("ttl_seconds", f"an invite must be valid for {MIN_INVITE_SECONDS} second to {days} days")
        validate_label(label)
        secret, secret_hash = new_token()
        with self._db.write() as db:
            invite_id = add_invite(db, token_hash=secret_hash, label=label, now=now, expires_at=now + seconds)
            actor.record(db, now, repository.INVITE_CREATED, target=invite_id)
        return IssuedInvite(invite_id, secret, now + seconds)

    def list(self) -> Sequence[InviteSummary]:
        """Return all invites, newest first."""
        with self._db.read() as db:
            return repository.all_invites(db)

    def delete(self, invite_id: str, *, actor: Actor, now: float) -> None:
        """Delete an invite, so that it is no longer valid. Raises NotFound."""
        with self._db.write() as db:
            if not repository.delete_invite(db, invite_id):
                raise NotFound(f"there is no invite {invite_id!a}", operator_hint="see: cloudchat admin list-invites")
            actor.record(db, now, "invite.delete", target=invite_id[:_MAX_TARGET_CHARACTERS])
