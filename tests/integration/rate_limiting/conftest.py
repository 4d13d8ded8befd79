"""The limits on each store program that is installed: the packaged Valkey, and the distribution's Redis."""

from collections.abc import Iterator

import pytest

from support.stores import RunningStore, store_binaries


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", params=store_binaries().items(), ids=lambda binary: binary[0])
def store(request: pytest.FixtureRequest) -> Iterator[RunningStore]:
    with RunningStore(request.param[1]) as running:
        yield running
