"""The audit log: entries are written in the transaction of the change that they tell of."""

from sqlalchemy.orm import Session

from cloudchat.core.ids import new_id
from cloudchat.database.models import AuditEntry

BY_SERVER = "server"
DONE = "done"
REFUSED = "refused"


def record(
    db: Session,
    now: float,
    actor: str,
    action: str,
    *,
    target: str = "",
    address: str = "",
    detail: str = "",
    result: str = DONE,
) -> None:
    """Add one entry. `actor` is a user's id, `cli` or BY_SERVER. Never a secret in any of it."""
    db.add(
        AuditEntry(
            id=new_id(),
            at=now,
            actor=actor,
            action=action,
            target=target,
            result=result,
            address=address[:64],
            detail=detail,
        )
    )
