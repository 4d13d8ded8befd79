"""The store comes back without what it had: emptied, or from an older backup. Nobody is shown a wrong history."""

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
from faults.story import Missing
from support.accounts import register
from support.processes import wait_until
from support.server import RunningServer
from support.stores import RunningStore, store_binaries

AT_LEAST = 50


@contextmanager
def server_and_store() -> Iterator[tuple[RunningServer, RunningStore]]:
    with (
        RunningStore(store_binaries().get("system-redis-server")) as store,
        RunningServer(environment={**ENVIRONMENT, "CLOUDCHAT_REDIS_URL": store.url}) as server,
    ):
        yield server, store


def test_an_emptied_store_begins_a_new_numbering_and_everybody_is_told() -> None:
    with server_and_store() as (server, store), Crowd(server.ws_url, register(server.url)) as crowd:
        crowd.wait_for_acks(AT_LEAST)
        with redis.Redis(port=store.port) as connection:
            connection.flushall()
        crowd.wait_for_acks(AT_LEAST)
        story = crowd.finish()
    assert violations(story, wiped=True) == []
    for client, view in story.views.items():
        assert sum(isinstance(item, Missing) for item in view) == 1, client


def test_a_store_that_starts_empty_has_its_functions_loaded_again() -> None:
    with server_and_store() as (server, store), Crowd(server.ws_url, register(server.url)) as crowd:
        crowd.wait_for_acks(AT_LEAST)
        store.kill()
        shutil.rmtree(store.folder / "appendonlydir")
        store.start()
        crowd.wait_for_acks(AT_LEAST)
        story = crowd.finish()
    assert violations(story, wiped=True) == []


@pytest.mark.parametrize("server_too", [False, True])
def test_an_older_backup_never_gives_a_number_twice(server_too: bool) -> None:
    """The log ends before what clients have seen: new events must not get the lost ones' numbers."""
    with server_and_store() as (server, store), Crowd(server.ws_url, register(server.url)) as crowd:
        crowd.wait_for_acks(AT_LEAST)
        shutil.copytree(store.folder / "appendonlydir", store.folder / "backup")
        head = crowd_head(store)
        crowd.wait_for_acks(AT_LEAST)
        if server_too:
            wait_until(lambda: kept_place(server) > head, "the server to write down how far it has come")
            server.kill()
        store.kill()
        shutil.rmtree(store.folder / "appendonlydir")
        shutil.move(store.folder / "backup", store.folder / "appendonlydir")
        store.start()
        if server_too:
            server.start()
        crowd.wait_for_acks(AT_LEAST)
        story = crowd.finish()
    assert violations(story, wiped=True) == []


def crowd_head(store: RunningStore) -> int:
    with redis.Redis(port=store.port) as connection:
        return int(connection.hget(keys.meta("lobby"), "seq") or 0)


def kept_place(server: RunningServer) -> int:
    with contextlib.closing(sqlite3.connect(server.state_dir / "cloudchat.db")) as database:
        row = database.execute("SELECT seq FROM log_checkpoints WHERE room_id = 'lobby'").fetchone()
    return int(row[0]) if row else 0
