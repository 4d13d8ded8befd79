"""Fixtures of the tests of the archive."""

import pytest

from support.account_services import AccountServices
from support.archived_rooms import ArchivedMessages
from support.chat_rooms import Rooms


@pytest.fixture
def rooms(services: AccountServices) -> Rooms:
    """The room services with the users ann, bob, cid and dan."""
    return Rooms.with_users(services)


@pytest.fixture
def archive(services: AccountServices) -> ArchivedMessages:
    """An empty archive, with the users ann, bob, cid and dan."""
    return ArchivedMessages(Rooms.with_users(services))
