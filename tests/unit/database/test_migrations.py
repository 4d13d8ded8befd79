"""The schema: made by migrations alone, by one of several servers, and never by an older version."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from cloudchat.database.engine import DatabaseUrlError, create_engine
from cloudchat.database.migrations import MigrationError, upgrade
from cloudchat.database.models import Model
from support.account_services import at_once


def url_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'cloudchat.db'}"


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    upgrade(url_in(tmp_path))
    engine = create_engine(url_in(tmp_path))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Model.metadata) == []


def test_upgrading_again_changes_nothing(tmp_path: Path) -> None:
    upgrade(url_in(tmp_path))
    upgrade(url_in(tmp_path))
    with create_engine(url_in(tmp_path)).connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM rooms")).scalar() == 1


def test_processes_that_start_at_once_make_one_schema(tmp_path: Path) -> None:
    program = "import sys; from cloudchat.database.migrations import upgrade; sys.stdin.read(); upgrade(sys.argv[1])"
    started = [
        subprocess.Popen([sys.executable, "-c", program, url_in(tmp_path)], stdin=subprocess.PIPE) for _ in range(3)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait(30) for process in started] == [0, 0, 0]


def test_threads_that_start_at_once_do_too(tmp_path: Path) -> None:
    assert at_once(4, lambda: upgrade(url_in(tmp_path))) == [None] * 4


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    upgrade(url_in(tmp_path))
    with create_engine(url_in(tmp_path)).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(MigrationError, match="newer cloudchat"):
        upgrade(url_in(tmp_path))


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://ann:hush@db/chat", "redis://ann:hush@db"])
def test_a_url_that_can_not_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseUrlError) as refused:
        create_engine(url)
    assert "hush" not in str(refused.value)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="CLOUDCHAT_DATABASE_URL"):
        upgrade(url_in(tmp_path / "missing"))
