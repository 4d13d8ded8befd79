"""The actor of an administrative action, and the audit entries in that actor's name."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from cloudchat.auth.errors import Conflict, PermissionDenied
from cloudchat.auth.principal import SCOPES, Principal
from cloudchat.database import audit
from cloudchat.database.transactions import Database, Transaction


@dataclass(frozen=True, slots=True)
class Actor:
    """An administrator or the command line.

    `id` is a user's id or `cli`. The actor cannot grant scopes that are not in `scopes`.
    """

    id: str
    scopes: frozenset[str]
    address: str = ""

    @classmethod
    def from_principal(cls, principal: Principal, address: str) -> Self:
        """Return the actor for an authenticated user whose request came from `address`."""
        return cls(principal.user_id, principal.scopes, address)

    def record(self, db: Transaction, now: float, action: str, *, target: str, detail: str = "") -> None:
        """Add an audit entry for a change, in the transaction of the change."""
        audit.record(db, now, self.id, action, target=target, address=self.address, detail=detail)


COMMAND_LINE = Actor("cli", SCOPES)
"""A person with a shell as the server's user, who can read the database and the keys in any case."""


@contextmanager
def audit_denials(db: Database, actor: Actor, action: str, target: str, now: float) -> Iterator[None]:
    """Record an action that raises Conflict or PermissionDenied in the audit log (ASVS 16.3.2).

    The block must contain the whole transaction of the action: the exception rolls it back, so the entry is written in
    a separate transaction.
    """
    try:
        yield
    except (Conflict, PermissionDenied) as denial:
        with db.write() as writing:
            audit.record(
                writing,
                now,
                actor.id,
                action,
                target=target,
                address=actor.address,
                detail=str(denial),
                result=audit.REFUSED,
            )
        raise
