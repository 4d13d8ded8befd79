"""The unit tests marked `on_both`, again on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.account_services import AccountServices
from support.archived_rooms import ArchivedMessages
from support.chat_rooms import Rooms
from support.postgres import RunningPostgres


@pytest.fixture
def services(postgres: RunningPostgres, tmp_path: Path) -> Iterator[AccountServices]:
    """The account services with a database as after the migrations."""
    account_services = AccountServices.make(tmp_path, database_url=postgres.shared_database())
    yield account_services
    account_services.db.close()


@pytest.fixture
def rooms(services: AccountServices) -> Rooms:
    """See unit/rooms/conftest.py."""
    return Rooms.with_users(services)


@pytest.fixture
def archive(services: AccountServices) -> ArchivedMessages:
    """See unit/archive/conftest.py."""
    return ArchivedMessages(Rooms.with_users(services))
