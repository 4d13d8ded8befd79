"""A store that hangs without ending, and a subscription whose connection is closed silently."""

import os
import signal
import time
import uuid

import httpx
import redis

from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from faults.observations import Send
from support.accounts import register
from support.processes import wait_until
from support.server import RunningServer
from support.socket import ChatSocket

MIN_ACKS = 50


def is_ready(server: RunningServer) -> bool:
    return httpx.get(f"{server.url}/readyz", timeout=10, verify=False).status_code == 200


def test_hanging_store_is_reported_and_recovers() -> None:
    """SIGSTOP: the connections stay open and nothing answers, as with a hanging disk."""
    probes: list[Send] = []
    with RunningServer(environment=ENVIRONMENT) as server:
        account = register(server.url)
        store = server.store_pid
        with ChatSocket(server.ws_url, account.access_token) as probe, Crowd(server.ws_url, account) as crowd:
            probe.receive()
            for _ in range(2):
                crowd.wait_for_acks(MIN_ACKS)
                probes.append(Send("probe", account.user_id, str(uuid.uuid4()), "probe", time.monotonic()))
                os.kill(store, signal.SIGSTOP)
                try:
                    answer = probe.send(probes[-1].text, cid=probes[-1].cid)
                    assert not is_ready(server)
                    assert httpx.get(f"{server.url}/healthz", verify=False).status_code == 200
                finally:
                    os.kill(store, signal.SIGCONT)
                assert (answer["type"], answer["code"], answer["retryable"]) == ("error", "unavailable", True)
                assert answer["retry_after_ms"] > 0
                wait_until(lambda: is_ready(server), "ready again")
            crowd.wait_for_acks(MIN_ACKS)
            observed = crowd.finish()
        assert server.store_pid == store
    observed.sends += probes
    assert violations(observed) == []
    assert set(crowd.connections.values()) == {1}, "a hanging store must close no socket"


def test_dropped_subscription_misses_nothing() -> None:
    """The store closes the subscriber's connection, which reconnects silently; missed events are only in the log."""
    with RunningServer(environment=ENVIRONMENT) as server:
        account = register(server.url)
        store = redis.Redis(unix_socket_path=str(server.state_dir / "store" / "store.sock"))
        with store, Crowd(server.ws_url, account) as crowd:
            for _ in range(20):
                crowd.wait_for_acks(MIN_ACKS // 2)
                wait_until(lambda: store.client_kill_filter(_type="pubsub"), "a subscriber to disconnect")
            crowd.wait_for_acks(MIN_ACKS)
            observed = crowd.finish()
    assert violations(observed) == []
    assert set(crowd.connections.values()) == {1}
