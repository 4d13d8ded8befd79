"""Invites in SQL, as an administrator sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cloudchat.database.models import Invite, User
from cloudchat.database.transactions import changed_rows


@dataclass(frozen=True, slots=True)
class InviteSummary:
    """An invite, without its secret. Times are seconds since 1970."""

    id: str
    created_at: float
    expires_at: float
    used_at: float | None
    used_by: str | None


def all_invites(db: Session) -> Sequence[InviteSummary]:
    """Every invite, the newest first; `used_by` is a username."""
    query = (
        select(Invite, User.name)
        .outerjoin(User, User.id == Invite.used_by)
        .order_by(Invite.created_at.desc(), Invite.id)
    )
    return [
        InviteSummary(invite.id, invite.created_at, invite.expires_at, invite.used_at, name)
        for invite, name in db.execute(query)
    ]


def delete_invite(db: Session, invite_id: str) -> bool:
    """Delete; False if there is none of this id."""
    return changed_rows(db, delete(Invite).where(Invite.id == invite_id)) == 1
