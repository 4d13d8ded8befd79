"""A store that answers but refuses to write: readiness and doctor say why, and the log says it once."""

import re
from collections.abc import Iterator

import httpx
import pytest
import redis

from cloudchat.doctor.store import check_store
from cloudchat.settings import Settings
from support.accounts import register
from support.processes import wait_until
from support.server import RunningServer
from support.socket import ChatSocket
from support.stores import RunningStore

REFUSALS = {
    "full": ("maxmemory", "1mb", "0", "OOM"),
    "without replicas": ("min-replicas-to-write", "1", "0", "NOREPLICAS"),
}


@pytest.fixture(scope="module")
def store() -> Iterator[RunningStore]:
    with RunningStore() as running:
        yield running


@pytest.mark.parametrize(("setting", "refusing", "accepting", "error"), REFUSALS.values(), ids=REFUSALS.keys())
def test_store_that_refuses_to_write_is_not_ready_and_is_logged_once(
    store: RunningStore, setting: str, refusing: str, accepting: str, error: str
) -> None:
    """Every send was refused while /readyz stayed 200; after a restart each send logged that the store is away."""
    settings = Settings(redis_url=store.url)
    with (
        redis.Redis(port=store.port) as client,
        RunningServer(environment={"CLOUDCHAT_REDIS_URL": store.url}) as server,
        httpx.Client(base_url=server.url) as http,
    ):
        ann = register(server.url)
        with ChatSocket(server.ws_url, ann.access_token) as chat:
            chat.wait_for("welcome")
            assert chat.send("before")["type"] == "ack"
            client.config_set(setting, refusing)
            try:
                for _ in range(5):
                    assert chat.send("refused")["code"] == "unavailable"
                answer = http.get("/readyz")
                assert answer.status_code == 503
                assert error in answer.json()["reasons"]["store"]
                assert any(error in (result.problem or "") for result in check_store(settings))
                assert len(re.findall(f"does not accept messages.*{error}", server.log)) == 1
                server.restart()
                if error != "OOM":  # then the log of a room cannot be read either, so no socket is opened
                    return
                since = server.log.rindex("open at")
                with ChatSocket(server.ws_url, ann.access_token) as again:
                    for _ in range(5):
                        assert again.send("refused")["code"] == "unavailable"
                    assert http.get("/readyz").status_code == 503
                    assert len(re.findall(error, server.log[since:])) == 1
                    client.config_set(setting, accepting)
                    wait_until(lambda: again.send("accepted")["type"] == "ack", "the store accepts messages")
            finally:
                client.config_set(setting, accepting)
            server.wait_for_output("accepts messages again", since=since)
            assert http.get("/readyz").status_code == 200
            assert all(error not in (result.problem or "") for result in check_store(settings))
