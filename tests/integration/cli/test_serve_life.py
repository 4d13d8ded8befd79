"""Start, stop and restart, as an operator and a service manager see them."""

import contextlib
import os
import re
import resource
import signal
import socket
from contextlib import closing
from pathlib import Path

import httpx

from support.accounts import register
from support.processes import is_alive, processes_of, wait_until
from support.server import RunningServer
from support.socket import ChatSocket


def test_first_start_prints_the_address_and_one_password() -> None:
    with RunningServer(first_start=True) as server:
        assert len(re.findall(r"one-time password: \S+", server.log)) == 1
        assert len(server.first_password) >= 20
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        assert "text/html" in httpx.get(server.url).headers["content-type"]


def test_second_start_prints_no_password() -> None:
    with RunningServer(first_start=True) as server:
        first = server.log
        server.restart()
        assert "password" not in server.log[len(first) :]
        assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_the_state_is_readable_for_this_user_alone() -> None:
    with RunningServer() as server:
        assert server.state_dir.stat().st_mode & 0o777 == 0o700
        assert (server.state_dir / "store").stat().st_mode & 0o777 == 0o700
        log = next((server.state_dir / "store" / "appendonlydir").iterdir())
        assert log.stat().st_mode & 0o077 == 0


def test_permissions_of_an_empty_folder_are_restricted(tmp_path: Path) -> None:
    state = tmp_path / "volume"
    state.mkdir(mode=0o755)
    with RunningServer(state_dir=state):
        assert state.stat().st_mode & 0o777 == 0o700


def test_state_folder_with_a_long_path_and_special_characters(tmp_path: Path) -> None:
    state = tmp_path / ("très long, \"'% " * 8)
    with RunningServer(state_dir=state) as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        assert server.terminate() == 0


def test_sigterm_drains_open_sockets() -> None:
    with RunningServer() as server:
        account = register(server.url)
        with ChatSocket(server.ws_url, account.access_token) as chat:
            chat.wait_for("welcome")
            chat.join()
            store = server.store_pid
            server.signal(signal.SIGTERM)
            chat.wait_for("drain")
            assert server.wait(10) == 0
        assert not is_alive(store)
        assert processes_of(server.state_dir) == []
        assert "ended with code" not in server.log  # the store was stopped last, by the server


def test_ctrl_c_stops_the_store_last() -> None:
    with RunningServer() as server:
        os.killpg(server.pid, signal.SIGINT)  # what a terminal does
        assert server.wait(10) == 0
        assert "ended with code" not in server.log
        assert "Traceback" not in server.log
        assert processes_of(server.state_dir) == []


def test_a_second_signal_stops_without_waiting_for_a_slow_request() -> None:
    with RunningServer() as server, closing(socket.create_connection(("127.0.0.1", server.port))) as slow:
        slow.sendall(b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        wait_until(
            lambda: httpx.get(f"{server.url}/healthz", verify=False).status_code == 200,
            "the request before it was read",
        )
        server.signal(signal.SIGTERM)
        wait_until(lambda: connection_refused(server.port), "it no longer listens")
        server.signal(signal.SIGTERM)
        assert server.wait(10) == 0
        assert processes_of(server.state_dir) == []


def connection_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_sigterm_during_the_start_stops_what_was_started() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:  # a store that never answers
        server = RunningServer(environment={"CLOUDCHAT_REDIS_URL": f"redis://127.0.0.1:{silent.getsockname()[1]}"})
        try:
            server.start(wait=False)
            peer, _ = silent.accept()
            with peer:
                assert server.terminate() == 0
            assert server.log == ""
        finally:
            server.close()


def test_the_limit_of_open_files_is_raised() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
    try:
        server = RunningServer().start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with contextlib.closing(server):
        assert resource.prlimit(server.pid, resource.RLIMIT_NOFILE) == (hard, hard)
