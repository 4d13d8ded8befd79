"""SIGKILL of the store, of the server, and of both, while messages are sent.

No acknowledged message is lost or duplicated, and connected clients continue without a gap.
"""

from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from support.accounts import register
from support.server import RunningServer

MIN_ACKS = 50
"""Acks to wait for before, between and after the faults: a run without traffic proves nothing."""


def kill_store(server: RunningServer) -> None:
    server.wait_for_new_store(server.kill_store())


def test_killed_store_closes_no_socket_and_loses_nothing() -> None:
    with RunningServer(environment=ENVIRONMENT) as server, Crowd(server.ws_url, register(server.url)) as crowd:
        for _ in range(6):
            crowd.wait_for_acks(MIN_ACKS)
            kill_store(server)
        crowd.wait_for_acks(MIN_ACKS)
        observed = crowd.finish()
    assert violations(observed) == []
    assert set(crowd.connections.values()) == {1}


def test_clients_recover_after_the_server_or_both_are_killed() -> None:
    with RunningServer(environment=ENVIRONMENT) as server, Crowd(server.ws_url, register(server.url)) as crowd:
        for kills, store_too in enumerate([False, True, True], start=1):
            crowd.wait_for_acks(MIN_ACKS)
            if store_too:
                server.kill_store()
            server.kill()
            server.start()
            crowd.wait_for_connections(kills + 1)
        crowd.wait_for_acks(MIN_ACKS)
        observed = crowd.finish()
    assert violations(observed) == []
    for client in crowd.connections:
        statuses = [segment.status for segment in observed.segments if segment.client == client]
        assert statuses == ["fresh", "recovered", "recovered", "recovered"], client
