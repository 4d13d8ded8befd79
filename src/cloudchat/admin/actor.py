"""The actor of an administrative action, and the audit entries in that actor's name."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from msgspec import Struct

from cloudchat.auth.errors import Conflict, PermissionDenied, StepUpRequired
from cloudchat.auth.principal import ADMIN, SCOPES, Principal, demand_step_up
from cloudchat.auth.tokens.kinds import ACCESS, API
from cloudchat.core.timestamps import rfc3339
from cloudchat.database import audit
from cloudchat.database.transactions import Database, Transaction

CLI = "cli"


class Actor(Struct, frozen=True):
    """An administrator, an administrator's API token, or the command line.

    Attributes:
        id: A user's id, or `cli`.
        scopes: The actor cannot grant others.
        kind: The kind of the request's token, "access" or "api"; or "cli".
        session_verified_at: For a session: when it last proved the password or the second factor.
        token_expires_at: For an API token: when it expires.
    """

    id: str
    scopes: frozenset[str]
    kind: str
    address: str = ""
    session_verified_at: float | None = None
    token_expires_at: float | None = None

    @classmethod
    def from_principal(cls, principal: Principal, address: str) -> Self:
        """Return the actor for an authenticated user whose request came from `address`."""
        return cls(
            principal.user_id,
            principal.scopes,
            principal.kind,
            address,
            session_verified_at=principal.verified_at,
            token_expires_at=principal.expires_at if principal.kind == API else None,
        )

    def demand_step_up(self, now: float) -> None:
        """Check that a session may change credentials and roles. Raises StepUpRequired.

        An API token cannot enter a password: it is limited by the other checks.
        """
        if self.kind == ACCESS:
            demand_step_up(self.session_verified_at, now)

    def demand_power_over(self, user_id: str, role: str) -> None:
        """Check that the actor may change a user of this role, or give it. Raises PermissionDenied.

        A leaked API token must not be enough to take over administrators, or to create one.
        """
        if self.kind == API and role == ADMIN and user_id != self.id:
            raise PermissionDenied("an API token cannot create or change administrators; sign in to do this")

    def demand_outliving(self, expires_at: float) -> None:
        """Check that the actor may issue a token until then. Raises PermissionDenied."""
        if self.token_expires_at is not None and expires_at > self.token_expires_at:
            limit = rfc3339(self.token_expires_at)
            raise PermissionDenied(f"an API token cannot issue a token that outlives it; it expires at {limit}")

    def record(self, db: Transaction, now: float, action: str, *, target: str, detail: str = "") -> None:
        """Add an audit entry for a change, in the transaction of the change."""
        audit.record(db, now, self.id, action, target=target, address=self.address, detail=detail)


COMMAND_LINE = Actor(CLI, SCOPES, kind=CLI)
"""A person with a shell as the server's user, who can read the database and the keys in any case."""


@contextmanager
def audit_denials(db: Database, actor: Actor, action: str, target: str, now: float) -> Iterator[None]:
    """Record an action that raises Conflict, PermissionDenied or StepUpRequired in the audit log (ASVS 16.3.2).

    The block must contain the whole transaction of the action: the exception rolls it back, so the entry is written in
    a separate transaction.
    """
    try:
        yield
    except (Conflict, PermissionDenied, StepUpRequired) as denial:
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
