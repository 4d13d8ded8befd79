"""Rooms move with the rest of the database, and skip versions after a restore."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from cloudchat.database.copies.post_restore import VERSIONS_TO_SKIP, invalidate
from cloudchat.database.copies.transfer import move_rows
from cloudchat.database.migrations import upgrade
from cloudchat.database.tables.rooms import memberships, room_bans, room_changes, room_mutes, room_notices
from support.account_services import NOW, AccountServices
from support.chat_rooms import Rooms
from support.databases import POSTGRESQL, SQLITE
from support.postgres import RunningPostgres

TABLES = (memberships, room_mutes, room_bans, room_changes, room_notices)


def counts(services: AccountServices) -> list[int | None]:
    with services.db.read() as db:
        return [db.scalar(select(func.count()).select_from(table)) for table in TABLES]


@pytest.mark.parametrize("target", [SQLITE, POSTGRESQL])
def test_rooms_move_into_another_database(target: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'moved.db'}"
    if target == POSTGRESQL:
        postgres: RunningPostgres = request.getfixturevalue("postgres")
        url = postgres.migrated_database()
    upgrade(url)
    rooms = Rooms.with_users(AccountServices.make(tmp_path))
    room = rooms.create("ann", "public", "Straße", users="bob cid")
    direct, _ = rooms.direct("ann", "bob")
    rooms.mute(room, "ann", "bob", 60, "loud")
    rooms.ban(room, "ann", "cid")
    rooms.update(room, "ann", topic="rents", slow_mode_seconds=5, muted=True)
    before = rooms.services.rooms.rooms_of(rooms.ids["ann"])

    move_rows(rooms.services.settings.database.get_secret_value(), url)
    moved = AccountServices.make(tmp_path, database_url=url)
    assert moved.rooms.rooms_of(rooms.ids["ann"]) == before
    assert moved.rooms.membership(rooms.ids["bob"], room) == rooms.of("bob", room)
    assert moved.rooms.changes.pending_notices() == rooms.services.rooms.changes.pending_notices()
    assert counts(moved) == counts(rooms.services)

    invalidate(url, NOW, made_at="", assigned={})
    expected = [replace(summary, version=summary.version + VERSIONS_TO_SKIP) for summary in before]
    assert moved.rooms.rooms_of(rooms.ids["ann"]) == expected
    _, is_new = moved.rooms.open_direct([rooms.ids["bob"]], caller=rooms.caller("ann"), now=NOW)
    assert not is_new
    assert direct.id in {summary.id for summary in expected}
    moved.db.close()
    rooms.services.db.close()
