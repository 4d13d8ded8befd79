"""SQL queries for second factors."""

from collections.abc import Iterable

from sqlalchemy import delete
from sqlalchemy.orm import Session

from cloudchat.database.models import RecoveryCode, User
from cloudchat.database.transactions import changed_rows


def replace_recovery_codes(db: Session, user_id: str, hashes: Iterable[str]) -> None:
    """Delete the user's recovery codes and insert these."""
    db.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    db.add_all(RecoveryCode(code_hash=code_hash, user_id=user_id) for code_hash in hashes)


def use_recovery_code(db: Session, user_id: str, code_hash: str) -> bool:
    """Delete a code. Return False if the user has no such code. Of two concurrent calls, one succeeds."""
    use = delete(RecoveryCode).where(RecoveryCode.code_hash == code_hash, RecoveryCode.user_id == user_id)
    return changed_rows(db, use) == 1


def remove_second_factor(db: Session, user: User, now: float) -> None:
    """Remove the secret and the recovery codes, and mark the user's rights as changed at `now`."""
    user.totp_secret = user.totp_confirmed_at = user.totp_last_step = None
    user.access_changed_at = now
    replace_recovery_codes(db, user.id, ())
