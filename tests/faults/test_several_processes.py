"""Several server processes on one store: one is killed, its clients continue at the others."""

import os
import signal
import time
from functools import partial

from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from support.accounts import register
from support.balancer import Balancer
from support.processes import wait_until
from support.server import RunningServer
from support.socket import ChatSocket, Frame
from support.two_servers import two_servers

MIN_ACKS = 50


def test_clients_of_a_killed_server_recover_at_the_other() -> None:
    with two_servers(ENVIRONMENT) as (_, one, two), Balancer([one.port, two.port]) as balancer:
        accounts = [register(one.url), register(two.url)]
        with Crowd(balancer.ws_url, accounts[0], others=accounts[1:], writers=4, readers=4) as crowd:
            for victim in (one, two):
                crowd.wait_for_acks(MIN_ACKS)
                victim.kill()
                crowd.wait_for_acks(MIN_ACKS)
                victim.start()
            crowd.wait_for_acks(MIN_ACKS)
            observed = crowd.finish()
    assert violations(observed) == []
    statuses = [segment.status for segment in observed.segments]
    assert statuses.count("fresh") == len(crowd.connections)
    assert statuses.count("recovered") >= len(crowd.connections)


def test_killed_shared_store_closes_no_socket_of_two_servers() -> None:
    with (
        two_servers(ENVIRONMENT) as (store, one, two),
        Balancer([one.port, two.port]) as balancer,
        Crowd(balancer.ws_url, register(one.url)) as crowd,
    ):
        for _ in range(4):
            crowd.wait_for_acks(MIN_ACKS)
            store.kill()
            store.start()
        crowd.wait_for_acks(MIN_ACKS)
        observed = crowd.finish()
    assert violations(observed) == []
    assert set(crowd.connections.values()) == {1}


def has_new_worker(server: RunningServer, old_pid: int) -> bool:
    return len(set(server.worker_pids) - {old_pid}) == 2


def test_killed_worker_is_replaced_and_its_clients_recover() -> None:
    with (
        RunningServer(environment=ENVIRONMENT, workers=2) as server,
        Crowd(server.ws_url, register(server.url), writers=4, readers=4) as crowd,
    ):
        for during_health_check in (False, True):
            crowd.wait_for_acks(MIN_ACKS)
            victim = server.worker_pids[0]
            if during_health_check:
                # The parent asks each worker for its health twice a second. A stopped worker does not answer, and is
                # then killed with the request pending. Wait until there is one: it cannot be observed from outside.
                os.kill(victim, signal.SIGSTOP)
                time.sleep(1)
            os.kill(victim, signal.SIGKILL)
            wait_until(partial(has_new_worker, server, victim), "a new worker", seconds=15)
            crowd.wait_for_acks(MIN_ACKS)
        observed = crowd.finish()
    assert violations(observed) == []
    assert sum(crowd.connections.values()) > len(crowd.connections), "no client was connected to a killed worker"


def test_user_of_a_killed_server_goes_offline_at_the_other_within_30_seconds() -> None:
    """The slowest test of this module: the time after which a silent process counts as dead is not a setting."""
    with two_servers(ENVIRONMENT) as (_, one, two):
        ann, bob = register(one.url), register(two.url)
        with ChatSocket(one.ws_url, ann.access_token), ChatSocket(two.ws_url, bob.access_token) as watcher:
            watcher.join()
            wait_until(lambda: ann.user_id in online(watcher), "ann is online")
            one.kill()
            changed = watcher.wait_for(partial(is_presence_of, ann.user_id, online=False), seconds=30)
            assert changed["room"] == "lobby"
            assert online(watcher) == [bob.user_id]


def online(socket: ChatSocket) -> list[str]:
    return [user["id"] for user in socket.command("who", room="lobby")["users"]]


def is_presence_of(user_id: str, frame: Frame, *, online: bool) -> bool:
    return frame["type"] == "presence" and frame["user"]["id"] == user_id and frame["online"] is online
