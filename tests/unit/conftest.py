"""Fixtures that the tests without processes share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.account_services import AccountServices
from support.databases import POSTGRESQL
from support.postgres import RunningPostgres


@pytest.fixture
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AccountServices]:
    """The account services on a database of their own: SQLite, unless the test is `on_both`."""
    changes = {}
    if getattr(request, "param", None) == POSTGRESQL:
        postgres: RunningPostgres = request.getfixturevalue("postgres")
        changes["database_url"] = postgres.migrated_database()
    made = AccountServices.make(tmp_path, **changes)
    yield made
    made.db.close()
