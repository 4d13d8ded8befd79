"""kill -9 of the store, of the server, of both, in the middle of sends.

Nothing acknowledged is lost or doubled, and who was connected goes on without a hole.
"""

from collections.abc import Callable

import pytest

from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from support.accounts import register
from support.server import RunningServer

AT_LEAST = 50
"""Acks before, between and after the faults: a run in which nothing happened proves nothing."""


def kill_store(server: RunningServer) -> None:
    server.wait_for_new_store(server.kill_store())


def kill_server(server: RunningServer) -> None:
    server.kill()
    server.start()


def kill_both(server: RunningServer) -> None:
    server.kill_store()
    kill_server(server)


def test_kill_of_the_store_closes_no_socket_and_loses_nothing() -> None:
    with RunningServer(environment=ENVIRONMENT) as server, Crowd(server.ws_url, register(server.url)) as crowd:
        for _ in range(6):
            crowd.wait_for_acks(AT_LEAST)
            kill_store(server)
        crowd.wait_for_acks(AT_LEAST)
        story = crowd.finish()
    assert violations(story) == []
    assert set(crowd.connections.values()) == {1}


@pytest.mark.parametrize("kill", [kill_server, kill_both])
def test_kill_of_the_server_is_resumed_from(kill: Callable[[RunningServer], None]) -> None:
    with RunningServer(environment=ENVIRONMENT) as server, Crowd(server.ws_url, register(server.url)) as crowd:
        for _ in range(2):
            crowd.wait_for_acks(AT_LEAST)
            kill(server)
        crowd.wait_for_acks(AT_LEAST)
        story = crowd.finish()
    assert violations(story) == []
    assert all(connections == 3 for connections in crowd.connections.values()), crowd.connections
    for client in crowd.connections:
        assert [run.status for run in story.runs if run.client == client] == ["fresh", "recovered", "recovered"]
