"""The audit log in SQL, to be read."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session, aliased

from cloudchat.auth.errors import NotFound
from cloudchat.database.models import ApiToken, AuditEntry, LoginSession, User


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """Who did what, on whom, when, from where, and whether it was done. `at` is in seconds since 1970.

    The names are those of today: a user's, what a session's device called itself, a token's label; None where there
    is none.
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


def entries_before(db: Session, before: str | None, limit: int) -> Sequence[AuditSummary]:
    """Entries, the newest first, from behind the entry `before`. Raises NotFound."""
    actor, target = aliased(User), aliased(User)
    target_name = func.coalesce(target.name, LoginSession.client, ApiToken.label)
    query = (
        select(AuditEntry, actor.name, func.nullif(target_name, ""))
        .outerjoin(actor, actor.id == AuditEntry.actor)
        .outerjoin(target, target.id == AuditEntry.target)
        .outerjoin(LoginSession, LoginSession.id == AuditEntry.target)
        .outerjoin(ApiToken, ApiToken.id == AuditEntry.target)
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        .limit(limit)
    )
    if before is not None:
        place = db.get(AuditEntry, before) if before.isascii() else None
        if place is None:
            raise NotFound("there is no such entry")
        query = query.where(tuple_(AuditEntry.at, AuditEntry.id) < (place.at, place.id))
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
