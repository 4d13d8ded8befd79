"""Fixtures of the integration tests of more than one package."""

from collections.abc import Iterator

import pytest

from support.stores import RunningStore, store_binaries


@pytest.fixture(scope="module", params=store_binaries().items(), ids=lambda item: item[0])
def store(request: pytest.FixtureRequest) -> Iterator[RunningStore]:
    """A running store of each kind: the packaged Valkey, and the distribution's Redis."""
    with RunningStore(request.param[1]) as running:
        yield running
