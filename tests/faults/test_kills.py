"""kill -9 of the store, of the server, of both, in the middle of sends.

Nothing acknowledged is lost or doubled, and who was connected goes on without a hole.
"""

from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from support.accounts import register
from support.server import RunningServer

AT_LEAST = 50
"""Acks before, between and after the faults: a run in which nothing happened proves nothing."""


def kill_store(server: RunningServer) -> None:
    server.wait_for_new_store(server.kill_store())


def test_kill_of_the_store_closes_no_socket_and_loses_nothing() -> None:
    with RunningServer(environment=ENVIRONMENT) as server, Crowd(server.ws_url, register(server.url)) as crowd:
        for _ in range(6):
            crowd.wait_for_acks(AT_LEAST)
            kill_store(server)
        crowd.wait_for_acks(AT_LEAST)
        story = crowd.finish()
    assert violations(story) == []
    assert set(crowd.connections.values()) == {1}


def test_kill_of_the_server_and_of_both_is_resumed_from() -> None:
    with RunningServer(environment=ENVIRONMENT) as server, Crowd(server.ws_url, register(server.url)) as crowd:
        for kills, store_too in enumerate([False, True, True], start=1):
            crowd.wait_for_acks(AT_LEAST)
            if store_too:
                server.kill_store()
            server.kill()
            server.start()
            crowd.wait_until_all_came(kills + 1)
        crowd.wait_for_acks(AT_LEAST)
        story = crowd.finish()
    assert violations(story) == []
    for client in crowd.connections:
        statuses = [run.status for run in story.runs if run.client == client]
        assert statuses == ["fresh", "recovered", "recovered", "recovered"], client
