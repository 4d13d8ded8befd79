"""`cloudchat doctor` beside a real server."""

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from support.balancer import Balancer
from support.commands import done, run_here
from support.server import RunningServer
from support.stores import RunningStore

FEW_SOCKETS = {"CLOUDCHAT_SOCKETS_IN_TOTAL": "100"}
"""So that the limit of open files of this machine's shells is high enough."""


def doctor(state_dir: Path, *options: str, extra: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return run_here(state_dir, "doctor", *options, environment={**FEW_SOCKETS, **(extra or {})})


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(environment={"CLOUDCHAT_SOCKETS_PER_USER": "7"}) as running:
        yield running


def problem_lines(ran: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in ran.stdout.splitlines() if line.startswith("WRONG")]


def test_healthy_server_has_no_problem_and_shows_its_limits(server: RunningServer, tmp_path: Path) -> None:
    done(run_here(server.state_dir, "admin", "backup", "--directory", tmp_path))
    options = "--url", server.url, "--backups", str(tmp_path)
    ran = doctor(server.state_dir, *options)
    assert (ran.returncode, problem_lines(ran), ran.stderr) == (0, [], "")
    assert "CLOUDCHAT_SOCKETS_PER_USER=7  (set)" in ran.stdout
    assert "CLOUDCHAT_SENDS_PER_10S=20  (default)" in ran.stdout
    assert f" in {server.state_dir}/store, " in ran.stdout  # the store's log


def test_key_that_other_users_may_read_is_a_problem(server: RunningServer) -> None:
    key = next((server.state_dir / "keys").glob("*.pem"))
    key.chmod(0o644)
    ran = doctor(server.state_dir)
    key.chmod(0o400)
    assert ran.returncode == 1
    assert [str(key) in line and "chmod" in line for line in problem_lines(ran)] == [True]


def test_before_the_first_start_each_problem_names_serve_and_nothing_is_created(tmp_path: Path) -> None:
    state = tmp_path / "state"
    ran = doctor(state)
    assert ran.returncode == 1
    assert all("cloudchat serve" in line for line in problem_lines(ran))
    assert not state.exists()


def test_password_in_a_url_is_not_shown(server: RunningServer) -> None:
    ran = doctor(server.state_dir, extra={"CLOUDCHAT_REDIS_URL": "redis://user:hunter2hunter2@127.0.0.1:1/0"})
    assert ran.returncode == 1
    assert "hunter2hunter2" not in ran.stdout + ran.stderr


def test_weak_store_setting_and_believed_forged_address_are_problems() -> None:
    with RunningStore(settings={"appendfsync": "everysec"}) as store:
        extra = {"CLOUDCHAT_REDIS_URL": store.url, "CLOUDCHAT_TRUSTED_PROXIES": "127.0.0.1"}
        with RunningServer(environment=extra) as server:
            ran = doctor(server.state_dir, "--json", "--url", server.url, extra=extra)
    found = {result["what"]: result["wrong"] for result in json.loads(ran.stdout) if result["wrong"]}
    assert ran.returncode == 1
    assert len(found) == 2
    assert "appendfsync" in found["store"]
    assert "CLOUDCHAT_TRUSTED_PROXIES" in found["forged client address"]


@contextmanager
def proxy_without_origin(port: int) -> Iterator[str]:
    """Forward requests to `port` without their `Origin`; give the URL."""

    class Handler(BaseHTTPRequestHandler):
        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            del self.headers["Origin"]
            answer = httpx.request(
                self.command, f"http://127.0.0.1:{port}{self.path}", headers=dict(self.headers), content=body
            )
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = forward  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{proxy.server_port}"
        proxy.shutdown()


def sign_in_checks(server: RunningServer, *options: str) -> dict[str, str | None]:
    ran = doctor(server.state_dir, "--json", "--url", server.url, *options, extra=server.environment)
    return {
        result["what"].removeprefix("sign-in from a page of "): result["wrong"]
        for result in json.loads(ran.stdout)
        if result["what"].startswith("sign-in")
    }


def test_sign_in_is_tried_with_the_origin_of_the_url_and_each_allowed_one() -> None:
    extra = {"CLOUDCHAT_ALLOWED_ORIGINS": "https://www.example.com, HTTPS://Chat.example.com:443"}
    with RunningServer(environment=extra) as server:
        checks = sign_in_checks(server)
        assert list(checks) == [server.url, "https://www.example.com", "https://chat.example.com"]
        assert f"add {server.url} to CLOUDCHAT_ALLOWED_ORIGINS" in (checks.pop(server.url) or "")
        assert set(checks.values()) == {None}
        published = sign_in_checks(server, "--page", "https://www.example.com")
        assert set(published.items()) == {("https://www.example.com", None), ("https://chat.example.com", None)}
        foreign = sign_in_checks(server, "--page", "https://evil.example")
        assert "it is refused" in (foreign["https://evil.example"] or "")


def test_a_proxy_that_removes_the_origin_is_a_problem(server: RunningServer) -> None:
    with proxy_without_origin(server.port) as url:
        ran = doctor(server.state_dir, "--json", "--url", url)
    found = {result["what"]: result["wrong"] for result in json.loads(ran.stdout) if result["wrong"]}
    [name] = found
    assert name.startswith("sign-in from a page of ")
    assert "the header Origin does not arrive" in found[name]


def strip_upgrade(head: bytes) -> bytes:
    """What nginx does without `proxy_set_header Upgrade $http_upgrade`."""
    return re.sub(rb"(?im)^(upgrade|connection):.*\r\n", b"", head).replace(
        b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"
    )


def forward_as(element: bytes) -> Callable[[bytes], bytes]:
    return lambda head: head.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: " + element + b"\r\n\r\n")


@pytest.fixture(scope="module")
def proxied_server() -> Iterator[RunningServer]:
    with RunningServer(environment={"CLOUDCHAT_TRUSTED_PROXIES": "127.0.0.1"}) as running:
        yield running


def test_proxy_that_strips_the_headers_of_an_upgrade_is_named(proxied_server: RunningServer) -> None:
    """The page said "Reconnecting…" for ever, and doctor found nothing."""
    with Balancer([proxied_server.port], strip_upgrade) as proxy:
        lines = problem_lines(doctor(proxied_server.state_dir, "--url", proxy.url))
    (line,) = [line for line in lines if "WebSocket" in line]
    assert "WebSocket handshake" in line
    assert "Connection: Upgrade" in line
    assert "Upgrade: websocket" in line
    proxied_server.wait_for_output("handshake without an upgrade")


@pytest.mark.parametrize("element", [b"203.0.113.9:51234", b"[2001:db8::9]:51234", b"203.0.113.9"])
def test_proxy_that_sends_ports_is_no_problem(proxied_server: RunningServer, element: bytes) -> None:
    extra = {"CLOUDCHAT_TRUSTED_PROXIES": "127.0.0.1"}
    with Balancer([proxied_server.port], forward_as(element)) as proxy:
        lines = problem_lines(doctor(proxied_server.state_dir, "--url", proxy.url, extra=extra))
    # The port of the proxy is not known when the server starts, so its origin is not allowed.
    assert [line for line in lines if "sign-in from a page" not in line] == []


def test_proxy_whose_client_address_cannot_be_read_is_named(proxied_server: RunningServer) -> None:
    with Balancer([proxied_server.port], forward_as(b"unknown")) as proxy:
        lines = problem_lines(doctor(proxied_server.state_dir, "--url", proxy.url))
    assert any("X-Forwarded-For" in line for line in lines)
    proxied_server.wait_for_output("X-Forwarded-For of a proxy is not an address.* element=unknown address=127.0.0.1")
