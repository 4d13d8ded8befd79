"""A long outage of the store: sockets are closed, handshakes are rejected, and nothing is lost when it is back."""

import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cloudchat.realtime.store_outage import MAX_OUTAGE_SECONDS
from support.accounts import register
from support.processes import wait_until
from support.server import RunningServer
from support.socket import ChatSocket
from support.stores import RunningStore


def test_long_store_outage_closes_sockets_with_4503_until_the_store_is_back() -> None:
    with RunningStore() as store, RunningServer(environment={"CLOUDCHAT_REDIS_URL": store.url}) as server:
        ann = register(server.url)
        with ChatSocket(server.ws_url, ann.access_token) as socket:
            socket.join()
            stored = socket.send("before")
            killed_at = time.monotonic()
            store.kill()
            assert socket.send("meanwhile")["code"] == "unavailable"
            with pytest.raises(ConnectionClosed) as closed:
                socket.wait_for(lambda _: False, seconds=2 * MAX_OUTAGE_SECONDS)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4503
            assert time.monotonic() - killed_at > MAX_OUTAGE_SECONDS - 5
        with pytest.raises(InvalidStatus) as rejected:
            ChatSocket(server.ws_url, ann.access_token)
        assert rejected.value.response.status_code == 503
        assert int(rejected.value.response.headers["retry-after"]) >= 1

        store.start()
        wait_until(lambda: httpx.get(f"{server.url}/readyz", verify=False).status_code == 200, "the server to be ready")
        with ChatSocket(server.ws_url, ann.access_token) as socket:
            joined = socket.join(after={"epoch": stored["epoch"], "seq": stored["seq"]})
            assert joined["status"] == "recovered"
            assert socket.send("after")["type"] == "ack"
