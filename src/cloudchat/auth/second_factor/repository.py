"""SQL queries for second factors."""

from collections.abc import Iterable

from sqlalchemy import delete, insert, or_, update

from cloudchat.database.tables.accounts import recovery_codes, users
from cloudchat.database.transactions import Transaction, changed_rows


def replace_recovery_codes(db: Transaction, user_id: str, hashes: Iterable[str]) -> None:
    """Delete the user's recovery codes and insert these."""
    db.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    if rows := [{"code_hash": code_hash, "user_id": user_id} for code_hash in hashes]:
        db.execute(insert(recovery_codes), rows)


def use_recovery_code(db: Transaction, user_id: str, code_hash: str) -> bool:
    """Delete a code. Return False if the user has no such code. Of two concurrent calls, one succeeds."""
    use = delete(recovery_codes).where(recovery_codes.c.code_hash == code_hash, recovery_codes.c.user_id == user_id)
    return changed_rows(db, use) == 1


def use_step(db: Transaction, user_id: str, step: int) -> bool:
    """Store the 30-second step of a code. Return False if a code of this step or of a later one was used."""
    last = users.c.totp_last_step
    use = update(users).where(users.c.id == user_id, or_(last.is_(None), last < step)).values(totp_last_step=step)
    return changed_rows(db, use) == 1


def remove_second_factor(db: Transaction, user_id: str, now: float) -> None:
    """Remove the secret and the recovery codes, and mark the user's rights as changed at `now`."""
    removed = {"totp_secret": None, "totp_confirmed_at": None, "totp_last_step": None}
    db.execute(update(users).where(users.c.id == user_id).values(**removed, access_changed_at=now))
    replace_recovery_codes(db, user_id, ())
