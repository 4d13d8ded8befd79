"""The store loses events: it is emptied, or restored from an older backup. No client sees a wrong history."""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from cloudchat.broker import keys
from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from faults.observations import SeenGap
from support.accounts import register
from support.processes import wait_until
from support.server import RunningServer
from support.stores import RunningStore, store_binaries

MIN_ACKS = 50


@contextmanager
def server_and_store() -> Iterator[tuple[RunningServer, RunningStore]]:
    with (
        RunningStore(store_binaries().get("system-redis-server")) as store,
        RunningServer(environment={**ENVIRONMENT, "CLOUDCHAT_REDIS_URL": store.url}) as server,
    ):
        yield server, store


def test_emptied_store_starts_a_new_epoch_and_every_client_sees_one_gap() -> None:
    with server_and_store() as (server, store), Crowd(server.ws_url, register(server.url)) as crowd:
        crowd.wait_for_acks(MIN_ACKS)
        with redis.Redis(port=store.port) as connection:
            connection.flushall()
        crowd.wait_for_acks(MIN_ACKS)
        observed = crowd.finish()
    assert violations(observed, wiped=True) == []
    for client, view in observed.views.items():
        assert sum(isinstance(item, SeenGap) for item in view) == 1, client


def test_functions_are_loaded_again_into_a_store_that_starts_empty() -> None:
    with server_and_store() as (server, store), Crowd(server.ws_url, register(server.url)) as crowd:
        crowd.wait_for_acks(MIN_ACKS)
        store.kill()
        shutil.rmtree(store.folder / "appendonlydir")
        store.start()
        crowd.wait_for_acks(MIN_ACKS)
        observed = crowd.finish()
    assert violations(observed, wiped=True) == []


@pytest.mark.parametrize("kill_server", [False, True])
def test_older_backup_of_the_store_never_leads_to_the_same_position_twice(kill_server: bool) -> None:
    """The log ends before what clients have seen: new events must not get the positions of lost ones."""
    with server_and_store() as (server, store), Crowd(server.ws_url, register(server.url)) as crowd:
        crowd.wait_for_acks(MIN_ACKS)
        shutil.copytree(store.folder / "appendonlydir", store.folder / "backup")
        head = head_in_store(store)
        crowd.wait_for_acks(MIN_ACKS)
        if kill_server:
            wait_until(lambda: checkpoint(server) > head, "the server saves its log checkpoint")
            server.kill()
        store.kill()
        shutil.rmtree(store.folder / "appendonlydir")
        shutil.move(store.folder / "backup", store.folder / "appendonlydir")
        store.start()
        if kill_server:
            server.start()
        crowd.wait_for_acks(MIN_ACKS)
        observed = crowd.finish()
    # A server that is killed takes along what it had witnessed since it saved its checkpoint.
    assert violations(observed, wiped=True, restored=kill_server) == []


def head_in_store(store: RunningStore) -> int:
    with redis.Redis(port=store.port) as connection:
        return int(connection.hget(keys.meta("lobby"), "seq") or 0)


def checkpoint(server: RunningServer) -> int:
    with contextlib.closing(sqlite3.connect(server.state_dir / "cloudchat.db")) as database:
        row = database.execute("SELECT seq FROM log_places WHERE room_id = 'lobby'").fetchone()
    return int(row[0]) if row else 0
