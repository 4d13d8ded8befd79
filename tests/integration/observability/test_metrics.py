"""`/metrics` of the real server: correct values, for all workers, and reachable from this machine only."""

import os
import signal
import socket
import struct
import uuid
from collections.abc import Callable, Iterator
from functools import partial

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from support import processes
from support.accounts import register
from support.processes import wait_until
from support.server import RunningServer, free_port
from support.socket import ChatSocket

Samples = dict[str, float]
"""Value by name and labels, as `cloudchat_closes_total code=1000`."""


def samples_by_worker(port: int) -> dict[str, Samples]:
    response = httpx.get(f"http://127.0.0.1:{port}/metrics", verify=False)
    assert response.status_code == 200
    by_worker: dict[str, Samples] = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            labels = dict(sample.labels)
            samples = by_worker.setdefault(labels.pop("worker"), {})
            samples[" ".join([sample.name, *(f"{name}={value}" for name, value in labels.items())])] = sample.value
    return by_worker


def sums(port: int) -> Samples:
    """Return the sums over all workers."""
    total: Samples = {}
    for samples in samples_by_worker(port).values():
        for name, value in samples.items():
            total[name] = total.get(name, 0) + value
    return total


def wait_for(port: int, condition: Callable[[Samples], bool]) -> Samples:
    scrapes: list[Samples] = []

    def is_met() -> bool:
        try:
            scrapes.append(sums(port))
        except httpx.TransportError:
            return False
        return condition(scrapes[-1])

    wait_until(is_met, "the expected metrics")
    return scrapes[-1]


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def measured(request: pytest.FixtureRequest) -> Iterator[tuple[RunningServer, int, int]]:
    port = free_port()
    with RunningServer(workers=request.param, environment={"CLOUDCHAT_METRICS_PORT": str(port)}) as server:
        yield server, port, request.param


def test_metrics_count_what_happened(measured: tuple[RunningServer, int, int]) -> None:
    server, port, workers = measured
    user = register(server.url)
    chats = [ChatSocket(server.ws_url, user.access_token) for _ in range(4)]
    for chat in chats:
        chat.command("join", room="lobby")
    for _ in range(16):
        chats[0].command("send", room="lobby", cid=str(uuid.uuid4()), text="counted")
    assert httpx.post(f"{server.url}/api/auth/login", json={"username": "nobody", "password": "x" * 15}).is_error
    now = wait_for(port, lambda now: now.get("cloudchat_deliveries_total", 0) >= 64)
    assert now["cloudchat_connections"] == 4
    assert now["cloudchat_connects_total result=accepted"] == 4
    assert now["cloudchat_sends_total"] == 16
    assert now["cloudchat_deliveries_total"] == 64
    assert now["cloudchat_append_seconds_count"] == 16
    assert now["cloudchat_relay_seconds_count"] >= 2
    assert now["cloudchat_commands_total command=join outcome=accepted"] == 4
    assert now["cloudchat_auth_total action=register result=ok"] == 1
    assert now["cloudchat_auth_total action=login result=refused"] == 1
    assert now["cloudchat_ready"] == workers
    assert now["process_resident_memory_bytes"] > 1e7
    chats[0].close()
    wait_for(port, lambda now: now["cloudchat_connections"] == 3 and now.get("cloudchat_closes_total code=1000") == 1)
    for chat in chats[1:]:
        chat.close()


def test_metrics_are_not_on_the_port_of_the_chat(server: RunningServer) -> None:
    assert httpx.get(f"{server.url}/metrics").status_code == 404


@pytest.fixture(scope="module")
def two_workers() -> Iterator[tuple[RunningServer, int]]:
    port = free_port()
    with RunningServer(workers=2, environment={"CLOUDCHAT_METRICS_PORT": str(port)}) as server:
        wait_for(port, lambda now: now.get("cloudchat_ready") == 2)
        yield server, port


def pid_of(server: RunningServer, worker: str) -> int:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(server.state_dir / "metrics" / f"{worker}.sock"))
        pid, _, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(pid)


def has_ended(pid: int) -> bool:
    return not processes.is_alive(pid)


def test_blocked_worker_is_not_ready_and_the_others_are_complete(two_workers: tuple[RunningServer, int]) -> None:
    server, port = two_workers
    before = samples_by_worker(port)
    answering, blocked = before  # the worker that answers is first
    pid = pid_of(server, blocked)
    os.kill(pid, signal.SIGSTOP)
    try:
        after = samples_by_worker(port)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert after[blocked] == {"cloudchat_ready": 0}
    assert after[answering]["cloudchat_ready"] == 1
    assert set(after[answering]) >= set(before[answering])


def test_another_worker_takes_over_the_port_and_successors_reuse_the_numbers(
    two_workers: tuple[RunningServer, int],
) -> None:
    server, port = two_workers
    for worker in ("0", "1"):
        pid = pid_of(server, worker)
        os.kill(pid, signal.SIGKILL)
        wait_until(partial(has_ended, pid), "the end of the worker")
        wait_for(port, lambda now: now["cloudchat_ready"] == 2)
        assert set(samples_by_worker(port)) == {"0", "1"}
