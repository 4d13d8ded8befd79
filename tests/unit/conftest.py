"""Fixtures for the unit tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.account_services import AccountServices


@pytest.fixture
def services(tmp_path: Path) -> Iterator[AccountServices]:
    """The account services with a new SQLite database."""
    account_services = AccountServices.make(tmp_path)
    yield account_services
    account_services.db.close()
