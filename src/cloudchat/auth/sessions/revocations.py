"""Recent revocations, for the sweep that closes sockets.

The rows of sessions, API tokens and users are the record of a revocation: it is durable before any process acts on it.
"""

from collections.abc import Mapping

from msgspec import Struct

from cloudchat.auth.keys.key_rotation import LiveKeyRing
from cloudchat.auth.sessions import repository
from cloudchat.database.transactions import Transaction


class Revocations(Struct, frozen=True):
    """The revocations of a period.

    Attributes:
        sessions: Ids of ended sessions and of revoked API tokens.
        disabled: Ids of users who were disabled.
        changed: By user id, when the rights of a user who is not disabled last changed (seconds since 1970).
        keys: The `kid` of each signing key that is valid now. A key is removed long after its last token expired, or
            immediately when it was stolen.
    """

    sessions: frozenset[str]
    disabled: frozenset[str]
    changed: Mapping[str, float]
    keys: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.sessions or self.disabled or self.changed)


def revocations_since(db: Transaction, keys: LiveKeyRing, since: float) -> Revocations:
    """Return the revocations at or after `since` (seconds since 1970)."""
    changes = repository.changes_since(db, since)
    users = [(user_id, disabled, changed) for kind, user_id, disabled, changed in changes if kind == "user"]
    return Revocations(
        sessions=frozenset(id for kind, id, *_ in changes if kind != "user"),
        disabled=frozenset(user_id for user_id, disabled, _ in users if disabled is not None),
        changed={user_id: changed or 0.0 for user_id, disabled, changed in users if disabled is None},
        keys=frozenset(keys.current().keys),
    )
