"""What has been revoked lately. The rows themselves are the marks: durable before anybody is told."""

from collections.abc import Mapping
from dataclasses import dataclass

from cloudchat.auth.revocation_repository import changed_users, ended_sessions, revoked_tokens
from cloudchat.database.transactions import Database


@dataclass(frozen=True, slots=True)
class Revocations:
    """Ids of ended sessions and revoked API tokens; users who were disabled; when the rights of others last changed."""

    sessions: frozenset[str]
    disabled: frozenset[str]
    changed: Mapping[str, float]

    def __bool__(self) -> bool:
        return bool(self.sessions or self.disabled or self.changed)


def revocations_since(db: Database, since: float) -> Revocations:
    """Everything since then, seconds since 1970. Blocking: for threads. Raises DatabaseUnavailable."""
    with db.read() as reading:
        users = changed_users(reading, since)
        sessions = frozenset(ended_sessions(reading, since)) | frozenset(revoked_tokens(reading, since))
    return Revocations(
        sessions=sessions,
        disabled=frozenset(user_id for user_id, disabled, _ in users if disabled),
        changed={user_id: changed_at for user_id, disabled, changed_at in users if not disabled},
    )
