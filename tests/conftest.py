"""Fixtures for all tests."""

from collections.abc import Iterator

import pytest

from support.postgres import RunningPostgres
from support.server import RunningServer


@pytest.fixture
def server() -> Iterator[RunningServer]:
    """A running server with a new state directory."""
    with RunningServer() as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[RunningPostgres]:
    """One PostgreSQL server for all tests of this process. Each test creates its own database."""
    with RunningPostgres() as running:
        yield running
