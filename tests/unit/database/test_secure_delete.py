"""SQLite: a text that was deleted is not in the file any more."""

from pathlib import Path

from sqlalchemy import text

from support.account_services import NOW, AccountServices
from support.archived_rooms import ArchivedRoom

SECRET = "the combination is 4711"


def test_a_deleted_text_is_overwritten_in_the_file(services: AccountServices, tmp_path: Path) -> None:
    room = ArchivedRoom(services.db, "lobby")
    room.add(1, NOW, "ann", SECRET)
    room.add(2, NOW, "ann", "hello")
    file = tmp_path / "cloudchat.db"
    checkpoint(services)
    assert SECRET.encode() in file.read_bytes()
    with services.db.write() as db:
        db.execute(text("UPDATE archived_events SET text = '', terms = '' WHERE seq = 1"))
    checkpoint(services)
    assert SECRET.encode() not in file.read_bytes()
    assert SECRET.encode() not in (tmp_path / "cloudchat.db-wal").read_bytes()


def checkpoint(services: AccountServices) -> None:
    with services.db.read() as db:
        db.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
