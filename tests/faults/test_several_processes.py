"""Several server processes on one store: one dies, the others and its clients go on."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from support.accounts import register
from support.balancer import Balancer
from support.processes import wait_until
from support.server import RunningServer
from support.stores import RunningStore, store_binaries

AT_LEAST = 50


@contextmanager
def two_servers() -> Iterator[tuple[RunningStore, RunningServer, RunningServer]]:
    """Two servers, as on two machines, that share the store, the database and the keys."""
    with ExitStack() as running:
        store = running.enter_context(RunningStore(store_binaries().get("system-redis-server")))
        shared = {**ENVIRONMENT, "CLOUDCHAT_REDIS_URL": store.url}
        shared["CLOUDCHAT_DATABASE_URL"] = f"sqlite:///{store.folder}/accounts.db"
        one = running.enter_context(RunningServer(environment=shared))
        two = RunningServer(environment=shared)
        two.state_dir.mkdir(mode=0o700, parents=True)
        shutil.copytree(one.state_dir / "keys", two.state_dir / "keys")
        yield store, one, running.enter_context(two)


def test_clients_of_a_killed_server_go_on_at_the_other() -> None:
    with two_servers() as (_, one, two), Balancer([one.port, two.port]) as balancer:
        accounts = [register(one.url), register(two.url)]
        with Crowd(balancer.ws_url, accounts[0], others=accounts[1:], writers=4, readers=4) as crowd:
            for dying in (one, two):
                crowd.wait_for_acks(AT_LEAST)
                dying.kill()
                crowd.wait_for_acks(AT_LEAST)
                dying.start()
            crowd.wait_for_acks(AT_LEAST)
            story = crowd.finish()
    assert violations(story) == []
    statuses = [run.status for run in story.runs]
    assert statuses.count("fresh") == len(crowd.connections)
    assert statuses.count("recovered") >= len(crowd.connections)


def test_the_shared_store_is_killed_under_two_servers() -> None:
    with (
        two_servers() as (store, one, two),
        Balancer([one.port, two.port]) as balancer,
        Crowd(balancer.ws_url, register(one.url)) as crowd,
    ):
        for _ in range(4):
            crowd.wait_for_acks(AT_LEAST)
            store.kill()
            store.start()
        crowd.wait_for_acks(AT_LEAST)
        story = crowd.finish()
    assert violations(story) == []
    assert set(crowd.connections.values()) == {1}


def test_a_killed_worker_is_replaced_and_its_clients_go_on() -> None:
    with (
        RunningServer(environment=ENVIRONMENT, workers=2) as server,
        Crowd(server.ws_url, register(server.url), writers=4, readers=4) as crowd,
    ):
        for while_asked in (False, True):
            crowd.wait_for_acks(AT_LEAST)
            dying = server.worker_pids[0]
            if while_asked:
                # The parent asks each worker for its health twice a second. One that is stopped holds the question, and
                # takes it to its grave; nothing shows from outside that it has been asked.
                os.kill(dying, signal.SIGSTOP)
                time.sleep(1)
            os.kill(dying, signal.SIGKILL)
            wait_until(lambda gone=dying: len(set(server.worker_pids) - {gone}) == 2, "a new worker", seconds=15)
            crowd.wait_for_acks(AT_LEAST)
        story = crowd.finish()
    assert violations(story) == []
    assert sum(crowd.connections.values()) > len(crowd.connections), "no client was on a worker that died"
