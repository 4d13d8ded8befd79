"""What administrators tried and may not: in the audit log beside what they did (ASVS 16.3.2)."""

from collections.abc import Iterator
from contextlib import contextmanager

from cloudchat.admin.actor import Actor
from cloudchat.auth.errors import Conflict, NotAllowed
from cloudchat.database.audit import REFUSED, record
from cloudchat.database.transactions import Database


@contextmanager
def audit_denials(db: Database, actor: Actor, action: str, target: str, now: float) -> Iterator[None]:
    """Around a whole transaction: what it raised has undone it, so the entry needs one of its own."""
    try:
        yield
    except (Conflict, NotAllowed) as refusal:
        with db.write() as writing:
            record(
                writing,
                now,
                actor.id,
                action,
                target=target,
                address=actor.address,
                detail=str(refusal),
                result=REFUSED,
            )
        raise
