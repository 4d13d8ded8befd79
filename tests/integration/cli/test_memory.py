"""The memory of a server without members, of a further worker, and after many logins."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from support.process_usage import private_bytes, resident_bytes
from support.server import RunningServer

MIB = 1 << 20
MAX_SERVER_MIB = 100
MAX_PAGE_MIB = 7
MAX_WORKER_MIB = 50
MAX_LEFT_BY_LOGINS_MIB = 20
LOGINS = 60


def test_a_server_without_members_is_small() -> None:
    with RunningServer() as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        assert (before := resident_bytes(server.pid)) < MAX_SERVER_MIB * MIB
        assert httpx.get(f"{server.url}/").status_code == 200
        assert resident_bytes(server.pid) - before < MAX_PAGE_MIB * MIB  # its build takes more, and returns it


def test_workers_share_the_memory_of_the_loaded_application() -> None:
    with RunningServer(workers=2) as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        assert [pid for pid in server.worker_pids if private_bytes(pid) > MAX_WORKER_MIB * MIB] == []


def test_logins_leave_no_memory_of_their_hashes() -> None:
    """A hash takes 19 MiB. glibc would keep that for each thread that has hashed once."""
    with RunningServer() as server, httpx.Client(base_url=server.url, timeout=60) as client:

        def log_in(number: int) -> int:
            body = {"username": f"nobody{number}", "password": "any password of nobody"}
            return client.post("/api/auth/login", json=body, headers={"Origin": server.url}).status_code

        assert log_in(0) == 401
        before = resident_bytes(server.pid)
        with ThreadPoolExecutor(16) as people:
            assert set(people.map(log_in, range(1, LOGINS))) == {401}
        assert resident_bytes(server.pid) - before < MAX_LEFT_BY_LOGINS_MIB * MIB
