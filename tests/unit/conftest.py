"""Fixtures for the unit tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.account_services import AccountServices
from support.databases import POSTGRESQL
from support.postgres import RunningPostgres


@pytest.fixture
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AccountServices]:
    """The account services with a new database: SQLite, and for tests marked `on_both` PostgreSQL, too."""
    changes = {}
    if getattr(request, "param", None) == POSTGRESQL:
        postgres: RunningPostgres = request.getfixturevalue("postgres")
        changes["database_url"] = postgres.migrated_database()
    account_services = AccountServices.make(tmp_path, **changes)
    yield account_services
    account_services.db.close()
