"""Fixtures for all tests."""

from collections.abc import Iterator

import pytest

from support.postgres import RunningPostgres
from support.server import RunningServer

RunningServer.may_fork = True


@pytest.fixture(scope="module")
def console_script() -> Iterator[None]:
    """Start the servers of this module with the console script: for tests of the start, or of the process itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunningServer, "may_fork", False)
        yield


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
