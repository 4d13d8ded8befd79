"""kill -9 of the server, of its store, of both: which processes are left, and whether the next start works."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import redis

from support.processes import children_of, is_alive, processes_of, wait_until
from support.server import RunningServer
from support.stores import store_binaries


def ready(server: RunningServer) -> bool:
    return httpx.get(f"{server.url}/readyz", verify=False).status_code == 200


def test_the_store_ends_with_a_killed_server() -> None:
    with RunningServer() as server:
        store = server.store_pid
        server.kill()
        wait_until(lambda: not is_alive(store), "the store ended with its server")
        server.start()
        assert server.store_pid != store
        wait_until(lambda: ready(server), "ready")


def test_a_killed_store_is_restarted_while_the_server_runs() -> None:
    with RunningServer() as server:
        before = server.pid
        for _ in range(3):
            server.wait_for_new_store(server.kill_store())
            wait_until(lambda: ready(server), "ready again")
        assert server.pid == before
        assert is_alive(before)


def test_a_restarted_store_has_what_was_acknowledged() -> None:
    with RunningServer() as server:
        path = str(server.state_dir / "store" / "store.sock")
        with redis.Redis(unix_socket_path=path) as client:
            client.set("acknowledged", "yes")
        server.wait_for_new_store(server.kill_store())
        wait_until(lambda: ready(server), "ready again")
        with redis.Redis(unix_socket_path=path) as client:
            assert client.get("acknowledged") == b"yes"
            assert client.config_get("appendfsync") == {"appendfsync": "always"}


def test_server_starts_after_both_were_killed() -> None:
    with RunningServer() as server:
        server.kill_store()
        server.kill()
        server.start()
        wait_until(lambda: ready(server), "ready")


@pytest.mark.parametrize("binary", store_binaries().values(), ids=store_binaries().keys())
def test_a_leftover_store_of_a_killed_server_is_ended_and_replaced(binary: Path) -> None:
    with RunningServer() as server:
        assert server.terminate() == 0
        leftover = leave_a_store(server.state_dir, binary)
        assert leftover in processes_of(server.state_dir)
        server.start()
        wait_until(lambda: not is_alive(leftover), "the leftover is gone")
        wait_until(lambda: ready(server), "ready")
        assert server.terminate() == 0
        assert processes_of(server.state_dir) == []


def leave_a_store(state: Path, binary: Path) -> int:
    """Start a store that holds the directory's lock without a server, as on a kernel without a parent death signal."""
    server = f"""
import fcntl, os, subprocess
lock = os.open({str(state / "store.lock")!r}, os.O_RDWR)
fcntl.flock(lock, fcntl.LOCK_EX)
store = subprocess.Popen([{str(binary)!r}, "--port", "0", "--dir", {str(state / "store")!r}, "--appendonly", "yes",
    "--unixsocket", {str(state / "store" / "store.sock")!r}, "--aof-use-rdb-preamble", "no", "--save", ""],
    pass_fds=(lock,), stdout=subprocess.DEVNULL, start_new_session=True)
print(store.pid)
"""
    pid = int(subprocess.run([sys.executable, "-c", server], stdout=subprocess.PIPE, check=True, text=True).stdout)
    wait_until((state / "store" / "store.sock").exists, "the leftover listens")
    return pid


def test_a_process_that_reads_the_lock_file_is_not_killed() -> None:
    """A backup has the lock's file open, but does not hold the lock."""
    with RunningServer() as server, (server.state_dir / "store.lock").open() as backup:
        server.wait_for_new_store(server.kill_store())
        with pytest.raises(BlockingIOError):
            fcntl.flock(backup, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert os.getpid() != server.pid  # this process, which stands for the backup, is alive


def test_workers_and_store_end_with_a_killed_parent() -> None:
    with RunningServer(workers=2) as server:
        children = [*server.worker_pids, server.store_pid]
        assert len(children) == 3
        server.kill()
        wait_until(lambda: not any(map(is_alive, children)), "all children have ended")
        server.start()
        wait_until(lambda: ready(server), "ready")


def test_a_killed_worker_is_replaced_and_the_others_stay() -> None:
    with RunningServer(workers=2) as server:
        victim, other = server.worker_pids
        store = server.store_pid
        os.kill(victim, 9)
        wait_until(lambda: len(set(server.worker_pids) - {victim}) == 2, "a new worker")
        assert other in server.worker_pids
        assert server.store_pid == store
        wait_until(lambda: ready(server), "ready")


def test_sigterm_stops_all_workers() -> None:
    with RunningServer(workers=2) as server:
        assert server.terminate() == 0
        assert children_of(server.pid) == []
        assert processes_of(server.state_dir) == []
        assert "ended with code" not in server.log
        assert "Traceback" not in server.log
