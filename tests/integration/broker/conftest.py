"""The broker on each store program there is: the packaged Valkey, and the distribution's Redis."""

from collections.abc import Iterator

import pytest

from support.stores import RunningStore, store_binaries


@pytest.fixture(scope="module", params=store_binaries().items(), ids=lambda found: found[0])
def store(request: pytest.FixtureRequest) -> Iterator[RunningStore]:
    with RunningStore(request.param[1]) as running:
        yield running
