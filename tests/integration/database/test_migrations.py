"""Migrations: they create the schema, once for several processes, and never downgrade a newer one."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from cloudchat.database.engine import create_engine
from cloudchat.database.migrations import MigrationError, is_current, upgrade
from cloudchat.database.tables.archive import all_tables
from cloudchat.database.urls import DatabaseUrlError
from support.account_services import concurrently
from support.databases import POSTGRESQL, SQLITE
from support.postgres import RunningPostgres


def sqlite_url_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'cloudchat.db'}"


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database of each kind."""
    if request.param == SQLITE:
        return sqlite_url_in(tmp_path)
    postgres: RunningPostgres = request.getfixturevalue("postgres")
    return postgres.url(postgres.create_database())


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def is_defined(_object: object, name: str | None, *_: object) -> bool:
    """Return whether `all_tables` has it: it has neither the search index nor the tables in which SQLite keeps that."""
    return not (name or "").startswith("archived_search")


def differences(url: str) -> list[object]:
    with connected(url) as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_defined})
        return list(compare_metadata(context, all_tables))


def test_the_migrations_create_exactly_the_defined_tables(empty: str) -> None:
    upgrade(empty)
    assert differences(empty) == []


FIRST_RELEASE = """
INSERT INTO users (id, name, name_key, password_hash, role, must_change_password, created_at)
    VALUES ('ann', 'Ann', 'ann', 'hash', 'admin', FALSE, 1000);
INSERT INTO sessions (id, user_id, client, created_at, last_used_at, idle_expires_at, expires_at)
    VALUES ('phone', 'ann', 'phone', 1000, 2000, 9000, 9000), ('desk', 'ann', 'desk', 1000, 1000, 9000, 9000);
INSERT INTO refresh_tokens (token_hash, session_id, created_at, rotated_at)
    VALUES ('first', 'phone', 1000, 1500.25), ('second', 'phone', 1500.25, 2000.5), ('third', 'phone', 2000.5, NULL),
           ('other', 'desk', 1500.25, NULL);
INSERT INTO api_tokens (id, user_id, scopes, label, created_at, expires_at)
    VALUES ('bot', 'ann', 'chat:read', '', 1000, 9000);
INSERT INTO invites (token_hash, id, created_at, expires_at, used_by) VALUES ('hash', 'invite', 1000, 9000, 'ann');
INSERT INTO audit_log (id, at, actor, action, target, address, detail)
    VALUES ('entry', 1000, 'cli', 'user.create', 'ann', '', '');
"""


def test_a_database_of_the_first_release_keeps_its_rows(empty: str) -> None:
    upgrade(empty, "0001")
    with connected(empty) as connection:
        for statement in filter(str.strip, FIRST_RELEASE.split(";")):
            connection.execute(text(statement))
    upgrade(empty)
    assert differences(empty) == []
    with connected(empty) as connection:
        rows = {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()
            for table in ("users", "sessions", "refresh_tokens", "api_tokens", "invites", "audit_log", "rooms")
        }
        parents = connection.execute(text("SELECT token_hash, parent_hash FROM refresh_tokens")).all()
        added = connection.execute(
            text("SELECT network, result, totp_secret FROM users, sessions, audit_log WHERE sessions.id = 'desk'")
        ).one()
    assert rows == {
        "users": 1,
        "sessions": 2,
        "refresh_tokens": 4,
        "api_tokens": 1,
        "invites": 1,
        "audit_log": 1,
        "rooms": 1,
    }
    assert {tuple(row) for row in parents} == {
        ("first", None),
        ("second", "first"),
        ("third", "second"),
        ("other", None),
    }
    assert tuple(added) == ("", "done", None)


def test_users_whose_names_look_alike_already_keep_them(empty: str) -> None:
    upgrade(empty, "0004")
    with connected(empty) as connection:
        for age, (user, name) in enumerate([("third", "paypaI"), ("first", "paypal"), ("other", "bob")]):
            connection.execute(
                text(
                    "INSERT INTO users (id, name, name_key, role, created_at) VALUES (:id, :name, :key, 'member', :at)"
                ),
                {"id": user, "name": name, "key": name.casefold(), "at": 1000 - age},
            )
    upgrade(empty)
    with connected(empty) as connection:
        rows = connection.execute(text("SELECT name, name_skeleton FROM users ORDER BY name")).all()
    assert [tuple(row) for row in rows] == [("bob", "bob"), ("paypaI", None), ("paypal", "paypal")]


def test_users_of_an_earlier_version_become_members_of_the_lobby(empty: str) -> None:
    """Until then every user was in each public room, without a membership."""
    upgrade(empty, "0006")
    with connected(empty) as connection:
        for user in ("ann", "bob"):
            connection.execute(
                text("INSERT INTO users (id, name, name_key, role, created_at) VALUES (:id, :id, :id, 'member', 1)"),
                {"id": user},
            )
        connection.execute(
            text("INSERT INTO rooms VALUES ('r2', 'Straße', 'public', 2), ('r3', 'STRASSE', 'public', 3)")
        )
        connection.execute(text("INSERT INTO rooms VALUES ('office', 'office', 'private', 4)"))
        connection.execute(
            text("INSERT INTO memberships VALUES ('office', 'ann', 'owner', 5), ('r2', 'ann', 'owner', 5)")
        )
    upgrade(empty)
    assert differences(empty) == []
    with connected(empty) as connection:
        members = connection.execute(text("SELECT room_id, user_id, role, muted FROM memberships")).all()
        rooms = connection.execute(text("SELECT id, name_key, member_count, version FROM rooms ORDER BY id")).all()
    expected = {("office", "ann", "owner"), ("r2", "ann", "owner"), ("r2", "bob", "member")}
    expected |= {(room, user, "member") for room in ("lobby", "r3") for user in ("ann", "bob")}
    assert {tuple(row)[:3] for row in members} == expected
    assert not any(row.muted for row in members)
    assert [tuple(row) for row in rooms] == [
        ("lobby", "lobby", 2, 1),
        ("office", None, 1, 1),
        ("r2", "strasse", 2, 1),
        ("r3", None, 2, 1),
    ]


def test_upgrading_again_changes_nothing(empty: str) -> None:
    upgrade(empty)
    upgrade(empty)
    with connected(empty) as connection:
        assert connection.execute(text("SELECT count(*) FROM rooms")).scalar() == 1


def test_an_upgraded_schema_is_current(tmp_path: Path) -> None:
    """is_current reads the names of the files only; they must match alembic's revisions."""
    assert not is_current(sqlite_url_in(tmp_path))
    upgrade(sqlite_url_in(tmp_path))
    assert is_current(sqlite_url_in(tmp_path))


def test_alembic_is_not_loaded_when_the_schema_is_current(tmp_path: Path) -> None:
    upgrade(sqlite_url_in(tmp_path))
    program = "import sys; from cloudchat.database.migrations import upgrade; upgrade(sys.argv[1]); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program, sqlite_url_in(tmp_path)], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.split()
    assert "cloudchat.database.migrations" in loaded
    assert "alembic" not in loaded


def test_processes_can_upgrade_concurrently(empty: str) -> None:
    program = "import sys; from cloudchat.database.migrations import upgrade; sys.stdin.read(); upgrade(sys.argv[1])"
    started = [subprocess.Popen([sys.executable, "-c", program, empty], stdin=subprocess.PIPE) for _ in range(3)]
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait(30) for process in started] == [0, 0, 0]


def test_threads_can_upgrade_concurrently(empty: str) -> None:
    assert concurrently(4, lambda: upgrade(empty)) == [None] * 4


def test_a_database_of_a_newer_version_is_rejected(tmp_path: Path) -> None:
    upgrade(sqlite_url_in(tmp_path))
    with create_engine(sqlite_url_in(tmp_path)).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(MigrationError, match="newer cloudchat"):
        upgrade(sqlite_url_in(tmp_path))


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://ann:hush@db/chat", "redis://ann:hush@db"])
def test_an_invalid_url_is_rejected_without_its_password_in_the_message(url: str) -> None:
    with pytest.raises(DatabaseUrlError) as rejected:
        create_engine(url)
    assert "hush" not in str(rejected.value)


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="CLOUDCHAT_DATABASE_URL"):
        upgrade(sqlite_url_in(tmp_path / "missing"))
