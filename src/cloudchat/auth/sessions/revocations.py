"""What has been revoked lately. The rows themselves are the marks: durable before anybody is told."""

from collections.abc import Mapping
from dataclasses import dataclass

from cloudchat.auth.sessions.revocation_repository import changed_users, ended_sessions, revoked_tokens
from cloudchat.auth.tokens.key_rotation import LiveKeyRing
from cloudchat.database.transactions import Database


@dataclass(frozen=True, slots=True)
class Revocations:
    """Ids of ended sessions and revoked API tokens; users who were disabled; when the rights of others last changed.

    `keys`: the `kid` of each key whose tokens are good; one goes long after its last token, or when it was stolen.
    """

    sessions: frozenset[str]
    disabled: frozenset[str]
    changed: Mapping[str, float]
    keys: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.sessions or self.disabled or self.changed)


def revocations_since(db: Database, keys: LiveKeyRing, since: float) -> Revocations:
    """Everything since then, seconds since 1970. Blocking: for threads. Raises DatabaseUnavailable."""
    with db.read() as reading:
        users = changed_users(reading, since)
        sessions = frozenset(ended_sessions(reading, since)) | frozenset(revoked_tokens(reading, since))
    return Revocations(
        sessions=sessions,
        disabled=frozenset(user_id for user_id, disabled, _ in users if disabled),
        changed={user_id: changed_at for user_id, disabled, changed_at in users if not disabled},
        keys=frozenset(keys.current().keys),
    )
