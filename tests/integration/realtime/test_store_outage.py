"""The store goes away for long: open sockets end, nobody gets in, and all is there when it is back."""

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


def test_after_half_a_minute_without_its_store_a_server_sends_its_clients_away() -> None:
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
        with pytest.raises(InvalidStatus) as refused:
            ChatSocket(server.ws_url, ann.access_token)
        assert refused.value.response.status_code == 503
        assert int(refused.value.response.headers["retry-after"]) >= 1

        store.start()
        wait_until(lambda: httpx.get(f"{server.url}/readyz", verify=False).status_code == 200, "the server to be ready")
        with ChatSocket(server.ws_url, ann.access_token) as socket:
            joined = socket.join(after={"epoch": stored["epoch"], "seq": stored["seq"]})
            assert joined["status"] == "recovered"
            assert socket.send("after")["type"] == "ack"
