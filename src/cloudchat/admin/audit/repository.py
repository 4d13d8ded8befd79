"""SQL queries for the audit log, with the current names of users, sessions and rooms."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from cloudchat.auth.errors import NotFound
from cloudchat.database.models import ApiToken, AuditEntry, LoginSession, Room, User


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """An audit entry: who did what to which target, when, from where, and whether it was done or denied.

    `actor_name` and `target_name` are current: the name of a user or a room, or the client of a session; or None.
    """

    id: str
    at: float
    actor: str
    actor_name: str | None
    action: str
    target: str
    target_name: str | None
    address: str
    result: str
    detail: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries of the audit log to read. Empty fields do not filter."""

    party: str = ""
    """The id of the actor or of the target."""
    action: str = ""
    """An action, or the beginning of actions up to a dot."""
    result: str | None = None


EVERYTHING = AuditFilter()


def audit_entries_before(
    db: Session, before: str | None, limit: int, only: AuditFilter = EVERYTHING
) -> Sequence[AuditSummary]:
    """Return a page of entries, newest first, that begins after the entry `before`. Raises NotFound."""
    actor, target, token_user = aliased(User), aliased(User), aliased(User)
    # Older versions wrote the id of the token instead of its user's.
    target_name = func.coalesce(target.name, LoginSession.client, token_user.name, Room.name)
    query = (
        select(AuditEntry, actor.name, func.nullif(target_name, ""))
        .outerjoin(actor, actor.id == AuditEntry.actor)
        .outerjoin(target, target.id == AuditEntry.target)
        .outerjoin(LoginSession, LoginSession.id == AuditEntry.target)
        .outerjoin(ApiToken, ApiToken.id == AuditEntry.target)
        .outerjoin(token_user, token_user.id == ApiToken.user_id)
        .outerjoin(Room, Room.id == AuditEntry.target)
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        .limit(limit)
    )
    if only.party:
        query = query.where(or_(AuditEntry.actor == only.party, AuditEntry.target == only.party))
    if only.action:
        is_of_area = AuditEntry.action.startswith(f"{only.action}.", autoescape=True)
        query = query.where(or_(AuditEntry.action == only.action, is_of_area))
    if only.result is not None:
        query = query.where(AuditEntry.result == only.result)
    if before is not None:
        cursor = db.get(AuditEntry, before) if before.isascii() else None
        if cursor is None:
            raise NotFound("there is no such entry")
        query = query.where(tuple_(AuditEntry.at, AuditEntry.id) < (cursor.at, cursor.id))
    return [
        AuditSummary(
            id=entry.id,
            at=entry.at,
            actor=entry.actor,
            actor_name=actor_name,
            action=entry.action,
            target=entry.target,
            target_name=target_name,
            address=entry.address,
            result=entry.result,
            detail=entry.detail,
        )
        for entry, actor_name, target_name in db.execute(query)
    ]
