"""`/metrics` of the real server: what happened is what it tells, of all workers together, and to this machine alone."""

import os
import signal
import socket
import struct
import uuid
from collections import Counter
from collections.abc import Callable, Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from support import processes
from support.accounts import register
from support.processes import wait_until
from support.server import RunningServer, free_port
from support.socket import ChatSocket

Figures = dict[str, float]


def figures_by_worker(port: int) -> dict[str, Figures]:
    """Of each worker; samples by name and labels, as `cloudchat_closes_total code=1000`."""
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", verify=False)
    assert answer.status_code == 200
    told: dict[str, Figures] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = dict(sample.labels)
            figures = told.setdefault(labels.pop("worker"), {})
            figures[" ".join([sample.name, *(f"{name}={value}" for name, value in labels.items())])] = sample.value
    return told


def figures(port: int) -> Figures:
    """Of all workers together."""
    together: Counter[str] = Counter()
    for told in figures_by_worker(port).values():
        together.update(told)
    return together


def wait_for(port: int, told: Callable[[Figures], bool]) -> Figures:
    seen: list[Figures] = []

    def there() -> bool:
        try:
            seen.append(figures(port))
        except httpx.TransportError:
            return False
        return told(seen[-1])

    wait_until(there, "the figures")
    return seen[-1]


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def measured(request: pytest.FixtureRequest) -> Iterator[tuple[RunningServer, int, int]]:
    port = free_port()
    environment = {"CLOUDCHAT_METRICS_PORT": str(port), "CLOUDCHAT_WORKERS": str(request.param)}
    with RunningServer(environment=environment) as server:
        yield server, port, request.param


def test_what_happened_is_told(measured: tuple[RunningServer, int, int]) -> None:
    server, port, workers = measured
    user = register(server.url)
    chats = [ChatSocket(server.ws_url, user.access_token) for _ in range(4)]
    for chat in chats:
        chat.command("join", room="lobby")
    for _ in range(16):
        chats[0].command("send", room="lobby", cid=str(uuid.uuid4()), text="counted")
    assert httpx.post(f"{server.url}/api/auth/login", json={"username": "nobody", "password": "x" * 15}).is_error
    told = wait_for(port, lambda now: now.get("cloudchat_deliveries_total", 0) >= 64)
    assert told["cloudchat_connections"] == 4
    assert told["cloudchat_connects_total result=accepted"] == 4
    assert told["cloudchat_sends_total"] == 16
    assert told["cloudchat_deliveries_total"] == 64
    assert told["cloudchat_append_seconds_count"] == 16
    assert told["cloudchat_relay_seconds_count"] >= 2
    assert told["cloudchat_commands_total command=join outcome=accepted"] == 4
    assert told["cloudchat_auth_total action=register result=ok"] == 1
    assert told["cloudchat_auth_total action=login result=refused"] == 1
    assert told["cloudchat_ready"] == workers
    assert told["process_resident_memory_bytes"] > 1e7
    chats[0].close()
    wait_for(port, lambda now: now["cloudchat_connections"] == 3 and now.get("cloudchat_closes_total code=1000") == 1)
    for chat in chats[1:]:
        chat.close()


def test_pages_and_proxies_do_not_get_there(server: RunningServer) -> None:
    assert httpx.get(f"{server.url}/metrics").status_code == 404


@pytest.fixture(scope="module")
def two_workers() -> Iterator[tuple[RunningServer, int]]:
    port = free_port()
    environment = {"CLOUDCHAT_METRICS_PORT": str(port), "CLOUDCHAT_WORKERS": "2"}
    with RunningServer(environment=environment) as server:
        wait_for(port, lambda now: now.get("cloudchat_ready") == 2)
        yield server, port


def pid_of(server: RunningServer, worker: str) -> int:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(server.state_dir / "metrics" / f"{worker}.sock"))
        pid, _, _ = struct.unpack("3i", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(pid)


def test_a_blocked_worker_is_not_ready_and_the_others_count_on(two_workers: tuple[RunningServer, int]) -> None:
    server, port = two_workers
    before = figures_by_worker(port)
    answering, blocked = before  # who answers tells of itself first
    pid = pid_of(server, blocked)
    os.kill(pid, signal.SIGSTOP)
    try:
        after = figures_by_worker(port)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert after[blocked] == {"cloudchat_ready": 0}
    assert after[answering]["cloudchat_ready"] == 1
    assert set(after[answering]) >= set(before[answering])


def test_when_the_worker_that_answers_is_killed_another_one_does_and_its_number_is_its_successors(
    two_workers: tuple[RunningServer, int],
) -> None:
    server, port = two_workers
    for worker in ("0", "1"):
        pid = pid_of(server, worker)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: not processes.is_alive(pid), "the worker's end")
        wait_for(port, lambda now: now["cloudchat_ready"] == 2)
        assert set(figures_by_worker(port)) == {"0", "1"}
