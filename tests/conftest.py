"""Fixtures that every kind of test shares."""

from collections.abc import Iterator

import pytest

from support.server import RunningServer


@pytest.fixture
def server() -> Iterator[RunningServer]:
    """One real server with a state of its own."""
    with RunningServer() as running:
        yield running
