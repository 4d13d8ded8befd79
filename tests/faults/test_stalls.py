"""A store that stops without dying, and a subscription that is cut without a word."""

import os
import signal
import time
import uuid

import httpx
import redis

from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from faults.story import Said
from support.accounts import register
from support.processes import wait_until
from support.server import RunningServer
from support.socket import ChatSocket

AT_LEAST = 50


def ready(server: RunningServer) -> bool:
    return httpx.get(f"{server.url}/readyz", timeout=10, verify=False).status_code == 200


def test_a_stopped_store_is_told_of_and_heals() -> None:
    """SIGSTOP: the connections stay open and nothing answers, as with a disk that hangs."""
    tried: list[Said] = []
    with RunningServer(environment=ENVIRONMENT) as server:
        account = register(server.url)
        store = server.store_pid
        with ChatSocket(server.ws_url, account.access_token) as probe, Crowd(server.ws_url, account) as crowd:
            probe.receive()
            for _ in range(2):
                crowd.wait_for_acks(AT_LEAST)
                tried.append(Said("probe", account.user_id, str(uuid.uuid4()), "is anybody there", time.monotonic()))
                os.kill(store, signal.SIGSTOP)
                try:
                    answer = probe.send(tried[-1].text, cid=tried[-1].cid)
                    assert not ready(server)
                    assert httpx.get(f"{server.url}/healthz", verify=False).status_code == 200
                finally:
                    os.kill(store, signal.SIGCONT)
                assert (answer["type"], answer["code"], answer["retryable"]) == ("error", "unavailable", True)
                assert answer["retry_after_ms"] > 0
                wait_until(lambda: ready(server), "ready again")
            crowd.wait_for_acks(AT_LEAST)
            story = crowd.finish()
        assert server.store_pid == store
    story.said += tried
    assert violations(story) == []
    assert set(crowd.connections.values()) == {1}, "sockets must outlive a store that stops"


def test_a_subscriber_that_the_store_drops_misses_nothing() -> None:
    """The subscriber's connection is closed and comes back silently; what it missed is only in the log."""
    with RunningServer(environment=ENVIRONMENT) as server:
        account = register(server.url)
        store = redis.Redis(unix_socket_path=str(server.state_dir / "store" / "store.sock"))
        with store, Crowd(server.ws_url, account) as crowd:
            for _ in range(20):
                crowd.wait_for_acks(AT_LEAST // 2)
                wait_until(lambda: store.client_kill_filter(_type="pubsub"), "a subscriber to cut")
            crowd.wait_for_acks(AT_LEAST)
            story = crowd.finish()
    assert violations(story) == []
    assert set(crowd.connections.values()) == {1}
