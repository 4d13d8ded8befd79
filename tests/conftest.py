"""Fixtures that every kind of test shares."""

from collections.abc import Iterator

import pytest

from support.postgres import RunningPostgres
from support.server import RunningServer


@pytest.fixture
def server() -> Iterator[RunningServer]:
    """One real server with a state of its own."""
    with RunningServer() as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[RunningPostgres]:
    """One PostgreSQL for all tests of this process; each takes a database of its own."""
    with RunningPostgres() as running:
        yield running
