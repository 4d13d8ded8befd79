"""The audit log: entries are written in the transaction of the change that they tell of.

What was done is a line of the process's own log, too, for whoever collects logs and sees no database (ASVS 16.3).
"""

import logging

from sqlalchemy import event
from sqlalchemy.orm import Session

from cloudchat.core.ids import new_id
from cloudchat.database.models import AuditEntry

BY_SERVER = "server"
DONE = "done"
REFUSED = "refused"

log = logging.getLogger("cloudchat.audit")


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
    told = action, result, actor, target, address, detail

    def tell(_: Session) -> None:
        log.info("audit action=%s result=%s actor=%s target=%s address=%s detail=%s", *told)

    event.listen(db, "after_commit", tell, once=True)  # what is undone has not happened
