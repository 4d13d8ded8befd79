"""What the database that a restore replaces knows, and the restored one must know too.

Which numbers of events were assigned: a seq is assigned once in a room. And who was erased: a person whose data was
deleted must not come back with an older backup.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from cloudchat.admin.actor import COMMAND_LINE
from cloudchat.admin.personal_data.service import PersonalDataService
from cloudchat.auth.errors import Conflict
from cloudchat.database.copies.post_restore import assigned_seqs, erased_users, invalidate, users_to_erase
from cloudchat.database.engine import create_engine
from cloudchat.database.transactions import Database


class ReplacedDatabase(msgspec.Struct, frozen=True):
    """The highest assigned seq of each room, and the ids of erased users."""

    assigned: dict[str, int] = {}
    erased: list[str] = []


def read_replaced_database(url: str | None, marker: Path) -> ReplacedDatabase:
    """Return what a database knows, together with what an interrupted restore has written into the marker.

    `url` is None if there is no database. One that cannot be read knows nothing.
    """
    found = ReplacedDatabase(assigned_seqs(url), erased_users(url)) if url is not None else ReplacedDatabase()
    try:
        saved = msgspec.json.decode(marker.read_bytes(), type=ReplacedDatabase)
    except (FileNotFoundError, msgspec.DecodeError):  # no restore was interrupted, or an earlier version left it empty
        return found
    assigned = {
        room: max(saved.assigned.get(room, 0), found.assigned.get(room, 0))
        for room in saved.assigned.keys() | found.assigned.keys()
    }
    return ReplacedDatabase(assigned, sorted({*saved.erased, *found.erased}))


def complete_restored_database(url: str, now: float, *, made_at: str, replaced: ReplacedDatabase) -> None:
    """Invalidate what must not be restored, and add what the replaced database knows. Raises DatabaseUnavailable."""
    invalidate(url, now, made_at=made_at, assigned=replaced.assigned)
    db = Database(create_engine(url))
    try:
        _erase_again(db, replaced.erased, now)
    finally:
        db.close()


def _erase_again(db: Database, erased: Sequence[str], now: float) -> None:
    """Order the erasure of these users as far as they are back. The servers execute it after their start."""
    personal_data = PersonalDataService(db)
    with db.read() as transaction:
        restored = users_to_erase(transaction, erased)
    for user_id in restored:
        try:
            personal_data.order_erasure(user_id, actor=COMMAND_LINE, now=now)
        except Conflict:  # the backup's only administrator: the audit log has the refusal
            continue
