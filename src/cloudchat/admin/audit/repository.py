"""SQL queries for the audit log, with the current names of users, sessions and rooms."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import func, or_, select, tuple_

from cloudchat.auth.errors import NotFound
from cloudchat.database.tables.accounts import api_tokens, audit_log, sessions, users
from cloudchat.database.tables.rooms import rooms
from cloudchat.database.transactions import Transaction


class AuditSummary(Struct, frozen=True):
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


class AuditFilter(Struct, frozen=True):
    """Which entries of the audit log to read. Empty fields do not filter."""

    party: str = ""
    """The id of the actor or of the target."""
    action: str = ""
    """An action, or the beginning of actions up to a dot."""
    result: str | None = None


EVERYTHING = AuditFilter()


def audit_entries_before(
    db: Transaction, before: str | None, limit: int, only: AuditFilter = EVERYTHING
) -> Sequence[AuditSummary]:
    """Return a page of entries, newest first, that begins after the entry `before`. Raises NotFound."""
    actor, target, token_user = users.alias(), users.alias(), users.alias()
    # Older versions wrote the id of the token instead of its user's.
    target_name = func.coalesce(target.c.name, sessions.c.client, token_user.c.name, rooms.c.name)
    query = (
        select(
            audit_log.c.id,
            audit_log.c.at,
            audit_log.c.actor,
            actor.c.name,
            audit_log.c.action,
            audit_log.c.target,
            func.nullif(target_name, ""),
            audit_log.c.address,
            audit_log.c.result,
            audit_log.c.detail,
        )
        .select_from(audit_log)
        .outerjoin(actor, actor.c.id == audit_log.c.actor)
        .outerjoin(target, target.c.id == audit_log.c.target)
        .outerjoin(sessions, sessions.c.id == audit_log.c.target)
        .outerjoin(api_tokens, api_tokens.c.id == audit_log.c.target)
        .outerjoin(token_user, token_user.c.id == api_tokens.c.user_id)
        .outerjoin(rooms, rooms.c.id == audit_log.c.target)
        .order_by(audit_log.c.at.desc(), audit_log.c.id.desc())
        .limit(limit)
    )
    if only.party:
        query = query.where(or_(audit_log.c.actor == only.party, audit_log.c.target == only.party))
    if only.action:
        is_of_area = audit_log.c.action.startswith(f"{only.action}.", autoescape=True)
        query = query.where(or_(audit_log.c.action == only.action, is_of_area))
    if only.result is not None:
        query = query.where(audit_log.c.result == only.result)
    if before is not None:
        at = db.scalar(select(audit_log.c.at).where(audit_log.c.id == before)) if before.isascii() else None
        if at is None:
            raise NotFound("there is no such entry")
        query = query.where(tuple_(audit_log.c.at, audit_log.c.id) < (at, before))
    return [AuditSummary(*row) for row in db.execute(query)]
