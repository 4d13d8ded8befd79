"""Windows in each real store: counted together, bounded, and never in the place of a message."""

import logging
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from cloudchat.core.client_network import client_network
from cloudchat.rate_limiting.login_slowdown import LoginSlowdown, LoginWindows, TooManyAttempts
from cloudchat.rate_limiting.window_storage import SHARD_WINDOWS, WindowStorage
from cloudchat.settings import Settings
from support.stores import RunningStore

WINDOW_BYTES = 45


@pytest.fixture
def table() -> str:
    return uuid.uuid4().hex[:8]


@pytest.fixture(autouse=True)
def long_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the store can be slower than a request waits; then each process would count alone."""
    monkeypatch.setattr("cloudchat.rate_limiting.window_storage.STORE_TIMEOUT_SECONDS", 10.0)


def storage_of(store: RunningStore, table: str, shards: int = 2) -> WindowStorage:
    return WindowStorage(table=table, shards=shards, store_url=store.url)


@contextmanager
def client_of(store: RunningStore) -> Iterator[Any]:
    with redis.Redis(port=store.port) as client:
        yield client


def bytes_of(client: Any, pattern: str) -> int:
    return sum(client.memory_usage(key, samples=0) for key in client.scan_iter(match=pattern, count=1000))


def test_processes_count_together_and_functions_are_loaded_again(store: RunningStore, table: str) -> None:
    one, two = storage_of(store, table), storage_of(store, table)
    assert [one.incr("a", 60), two.incr("a", 60)] == [1, 2]
    with client_of(store) as client:
        client.execute_command("FUNCTION", "FLUSH")
    assert one.incr("a", 60) == 3
    assert two.get("a") == 3
    one.clear("a")
    assert two.get("a") == 0


def test_the_store_forgets_a_window_at_its_end(store: RunningStore, table: str) -> None:
    storage_of(store, table, shards=1).incr("a", 60)
    with client_of(store) as client:
        (shard,) = client.scan_iter(match=f"*{table}*", count=1000)
        assert 50 < client.ttl(shard) <= 60


def test_a_flood_of_keys_stays_within_the_bound_and_replaces_itself(store: RunningStore, table: str) -> None:
    storage = storage_of(store, table)
    for _ in range(5):
        storage.incr("counted often", 3600)
    for number in range(3 * 2 * SHARD_WINDOWS):
        storage.incr(f"key {number}", 86400)
    assert storage.get("counted often") == 5
    with client_of(store) as client:
        shards = list(client.scan_iter(match=f"*{table}*", count=1000))
        assert sum(client.hlen(shard) for shard in shards) <= 2 * SHARD_WINDOWS
        assert bytes_of(client, f"*{table}*") < 2 * SHARD_WINDOWS * WINDOW_BYTES


def test_logins_with_made_up_names_take_little_and_replace_no_count_of_an_account(store: RunningStore) -> None:
    windows = LoginWindows(store.url)
    settings = Settings(login_failures_per_account="3/hour", login_failures_per_client="2/hour")
    slowdown = LoginSlowdown(windows, lambda name: name, settings)
    for number in range(3):
        slowdown.count_attempt("ann", f"192.0.2.{number}", exists=True, known_network=False)
        slowdown.password_failed("ann", exists=True)
    for number in range(1500):
        name, address = secrets.token_hex(16), f"2001:db8:0:{number:x}::1"
        slowdown.count_attempt(name, address, exists=False, known_network=False)
        slowdown.password_failed(name, exists=False)
    with pytest.raises(TooManyAttempts):
        slowdown.count_attempt("ann", client_network("198.51.100.1"), exists=True, known_network=False)
    with client_of(store) as client:
        assert len(list(client.scan_iter(match="*unknown-accounts*", count=1000))) <= 64
        assert bytes_of(client, "*unknown-accounts*") < 64 * SHARD_WINDOWS * WINDOW_BYTES


def test_in_a_full_store_each_process_counts_alone_and_says_so_once(
    store: RunningStore, table: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    storage = storage_of(store, table)
    storage.incr("a", 60)
    with client_of(store) as client:
        client.config_set("maxmemory", "1mb")
        try:
            counts = [storage.incr("a", 60) for _ in range(3)]
            size = bytes_of(client, f"*{table}*")
            for number in range(100):
                storage.incr(f"key {number}", 60)
            assert bytes_of(client, f"*{table}*") == size
        finally:
            client.config_set("maxmemory", "0")
    assert counts == [1, 2, 3]
    assert len(caplog.records) == 1
