"""Invites: rights to register, each for one person and some days."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloudchat.admin import invite_repository as repository
from cloudchat.admin.actor import Actor
from cloudchat.admin.invite_repository import InviteSummary
from cloudchat.auth.errors import InvalidField, NotFound
from cloudchat.auth.repository import add_invite
from cloudchat.auth.tokens.opaque_tokens import new_secret
from cloudchat.database.audit import record
from cloudchat.database.transactions import Database

INVITE_MOST_SECONDS = 90 * 86400


@dataclass(frozen=True, slots=True)
class IssuedInvite:
    """A new invite, for the one time that it is shown. `expires_at` is in seconds since 1970."""

    id: str
    invite: str
    expires_at: float


class InviteService:
    """Each change and its audit entry are one transaction. Blocking: for threads."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def create(self, seconds: int, *, actor: Actor, now: float) -> IssuedInvite:
        """A right to register once within `seconds`; shown now and never again. Raises InvalidField."""
        if not 1 <= seconds <= INVITE_MOST_SECONDS:
            raise InvalidField("ttl_seconds", f"an invite lives from 1 second to {INVITE_MOST_SECONDS // 86400} days")
        secret, secret_hash = new_secret()
        with self._db.write() as db:
            invite = add_invite(db, token_hash=secret_hash, now=now, expires_at=now + seconds)
            record(db, now, actor.id, "invite.create", target=invite.id, address=actor.address)
        return IssuedInvite(invite.id, secret, now + seconds)

    def list(self) -> Sequence[InviteSummary]:
        """Every invite, the newest first."""
        with self._db.read() as db:
            return repository.all_invites(db)

    def delete(self, invite_id: str, *, actor: Actor, now: float) -> None:
        """It is good no more. Raises NotFound."""
        with self._db.write() as db:
            if not invite_id.isascii() or not repository.delete_invite(db, invite_id):
                raise NotFound(f"there is no invite {invite_id!a}; see: cloudchat admin list-invites")
            record(db, now, actor.id, "invite.delete", target=invite_id[:32], address=actor.address)
