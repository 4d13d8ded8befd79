"""The embedded store keeps what it has, also when a process on its socket asks it to forget."""

from pathlib import Path

import pytest
import redis

from cloudchat.broker.embedded.server import EmbeddedServer
from support.stores import RunningStore, store_binaries


@pytest.fixture(params=sorted(store_binaries()))
def binary(request: pytest.FixtureRequest) -> Path:
    return store_binaries()[request.param]


def test_it_cannot_be_emptied_but_loads_a_log_in_which_it_was(binary: Path, tmp_path: Path) -> None:
    with RunningStore(binary) as before, redis.Redis(port=before.port) as client:
        client.set("old", 1)
        client.flushall()
        client.set("new", 1)
        (before.folder / "appendonlydir").rename(tmp_path / "appendonlydir")
    tmp_path.chmod(0o700)
    store = EmbeddedServer(tmp_path, binary)
    store.start()
    store.wait_until_ready()
    try:
        with redis.Redis.from_url(store.url) as client:
            for command in (client.flushall, client.flushdb):
                with pytest.raises(redis.ResponseError, match="permission"):
                    command()
            assert client.keys() == [b"new"]
    finally:
        store.stop()
