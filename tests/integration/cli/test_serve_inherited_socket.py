"""`--fd N`: another process holds the listening socket, as with systemd's socket activation."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from websockets.sync.client import unix_connect
from websockets.typing import Subprotocol

from support.accounts import PASSWORD, register
from support.server import RunningServer
from support.socket import ChatSocket

NEWCOMER = {"username": "newcomer", "password": PASSWORD}


def test_a_restart_on_an_inherited_tcp_socket_refuses_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        server = RunningServer(arguments=["--fd", str(held.fileno())], pass_fds=[held.fileno()])
        with server:
            assert server.port == held.getsockname()[1]
            account = register(server.url)
            with ChatSocket(server.ws_url, account.access_token) as chat:
                assert chat.wait_for("welcome")["user"]["name"] == account.name
            assert server.terminate() == 0
            with socket.create_connection(held.getsockname()) as early:  # no server runs, and the socket still listens
                early.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                server.start()
                assert early.recv(12) == b"HTTP/1.1 200"


@contextmanager
def on_a_unix_socket(path: Path, **environment: str) -> Iterator[httpx.Client]:
    with socket.socket(socket.AF_UNIX) as held:
        held.bind(str(path))
        held.listen()
        server = RunningServer(
            arguments=["--fd", str(held.fileno())], pass_fds=[held.fileno()], environment=environment
        )
        try:
            server.start(wait=False)
            server.wait_for_output(f"open on the socket {path}")
            transport = httpx.HTTPTransport(uds=str(path))
            with httpx.Client(transport=transport, base_url="http://chat.example") as http:
                yield http
            assert server.terminate() == 0
        finally:
            server.close()


def test_a_unix_socket_serves_requests_and_sockets(tmp_path: Path) -> None:
    path = tmp_path / "cloudchat.sock"
    with on_a_unix_socket(path, CLOUDCHAT_REGISTRATION="open") as http:
        assert http.get("/readyz").status_code == 200
        assert http.post("/api/auth/register", json=NEWCOMER).status_code == 201
        token = http.post("/api/auth/login", json=NEWCOMER).json()["access_token"]
        with unix_connect(
            str(path),
            "ws://chat.example/ws",
            subprotocols=[Subprotocol("cloudchat.v1")],
            additional_headers={"Authorization": f"Bearer {token}"},
        ) as chat:
            assert json.loads(chat.recv(timeout=5))["type"] == "welcome"


def test_registration_is_not_open_behind_a_unix_socket(tmp_path: Path) -> None:
    """Clients on a unix socket come from other machines, independent of CLOUDCHAT_HOST."""
    with on_a_unix_socket(tmp_path / "cloudchat.sock") as http:
        assert http.post("/api/auth/register", json=NEWCOMER).status_code == 403


def test_workers_share_an_inherited_socket() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as held,
        RunningServer(workers=2, arguments=["--fd", str(held.fileno())], pass_fds=[held.fileno()]) as server,
    ):
        assert len(server.worker_pids) == 2
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        assert server.terminate() == 0
