"""The audit log. An entry is written in the transaction of the change that it describes.

A committed entry is also logged, for a log collector that does not read the database (ASVS 16.3).
"""

import logging

from sqlalchemy import insert

from cloudchat.core.ids import new_id
from cloudchat.database.tables.accounts import audit_log
from cloudchat.database.transactions import Transaction, after_commit

BY_SERVER = "server"
BY_COMMAND_LINE = "cli"
DONE = "done"
REFUSED = "refused"
_MAX_ADDRESS_CHARACTERS = 64

log = logging.getLogger("cloudchat.audit")


def record(
    db: Transaction,
    now: float,
    actor: str,
    action: str,
    *,
    target: str = "",
    address: str = "",
    detail: str = "",
    result: str = DONE,
) -> None:
    """Add one entry. `actor` is a user's id, BY_COMMAND_LINE or BY_SERVER. No argument may contain a secret."""
    db.execute(
        insert(audit_log).values(
            id=new_id(),
            at=now,
            actor=actor,
            action=action,
            target=target,
            result=result,
            address=address[:_MAX_ADDRESS_CHARACTERS],
            detail=detail,
        )
    )
    values = action, result, actor, target, address, detail
    # After a rollback the change has not happened.
    after_commit(
        db,
        lambda: log.info("audit action=%s result=%s actor=%s target=%s address=%s detail=%s", *values),
    )
