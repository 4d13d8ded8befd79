"""Responses of nginx: the page, errors, other host names, plain http, security headers; logs without query strings."""

import contextlib
import gzip
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from cloudchat.page.build import build_page, read_directory
from support.nginx import CHECKOUT, DOMAIN, ORIGIN, RunningNginx
from support.processes import wait_until
from support.site import SITES, RunningSite, trusted_certificate

SECRET = "a-secret-in-a-query-string"
FILE_HEADERS = {
    "accept-ranges",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "vary",
}


@pytest.fixture(scope="module")
def nginx_alone() -> Iterator[tuple[RunningNginx, ssl.SSLContext]]:
    """nginx without cloudchat."""
    with RunningNginx() as nginx:
        trust = trusted_certificate(nginx)
        yield nginx.start(*SITES), trust


def send_raw(site: RunningSite, request: str) -> httpx.Response:
    """Send bytes that no HTTP client would send; return the response. `httpx.Response` only parses the headers."""
    with site.nginx.connect(site.trust) as tls:
        tls.sendall(request.encode())
        data = b""
        while chunk := tls.recv(65536):
            data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    return httpx.Response(int(status.split()[1]), headers=headers, content=body)


def responses_of_all_kinds(site: RunningSite) -> dict[str, httpx.Response]:
    http = site.nginx.browser_like(site.trust)
    get = f" HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n"
    return {
        "page": http.get("/"),
        "module": http.get("/modules/search/search_dialog.js"),
        "unchanged module": http.get("/styles.css", headers={"If-None-Match": http.get("/styles.css").headers["etag"]}),
        "no file": http.get("/nothing.js"),
        "directory": http.get("/modules/"),
        "method": http.post("/"),
        "trace": http.request("TRACE", "/api/me"),
        "api": http.get("/api/me"),
        "no route": http.get("/api/nothing"),
        "health": http.get("/healthz"),
        "openapi": http.get("/openapi.json"),
        "no upgrade": http.get("/ws"),
        "large body": http.post("/api/auth/login", content=b"1" * 70_000),
        "header": send_raw(site, f"GET /{get}X: {'x' * 9000}\r\n\r\n"),
        "headers": send_raw(site, f"GET /{get}" + "X: y\r\n" * 9000 + "\r\n"),
        "request line": send_raw(site, f"GET /{'x' * 9000}{get}\r\n"),
        "two lengths": send_raw(site, f"POST /api/me{get}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        "no HTTP": send_raw(site, "hello\r\n\r\n"),
        "no host": send_raw(site, "GET / HTTP/1.1\r\n\r\n"),
    }


def test_every_response_has_the_security_headers_of_cloudchat_once(site: RunningSite) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(site.nginx.socket_path)), base_url="http://x") as direct:
        expected_headers = direct.get("/", headers={"X-Forwarded-Proto": "https"}).headers
    for name in FILE_HEADERS:
        expected_headers.pop(name, None)
    assert {"content-security-policy", "strict-transport-security", "x-content-type-options"} <= set(expected_headers)
    assert f"wss://{DOMAIN}" in expected_headers["content-security-policy"]
    statuses = set()
    for kind, response in responses_of_all_kinds(site).items():
        statuses.add(response.status_code)
        for name, value in expected_headers.items():
            expected = response.headers.get(name) if name == "x-request-id" else value  # unique per request
            assert response.headers.get_list(name) == [expected], (kind, name, response.headers)
        assert response.headers.get("server", "nginx") == "nginx", kind
    assert statuses == {200, 304, 400, 401, 404, 405, 413, 414, 426, 431}


def test_every_error_has_a_json_body_with_its_code(site: RunningSite) -> None:
    codes = {404: "not_found", 413: "too_large", 426: "bad_request", 431: "too_large", 405: "bad_request"}
    for kind, response in responses_of_all_kinds(site).items():
        if response.status_code in codes:
            assert response.json()["error"]["code"] == codes[response.status_code], kind
            assert response.json()["error"]["retryable"] is False
            if kind != "no upgrade":  # cloudchat itself sends this one
                assert response.headers["cache-control"] == "no-store", kind


def test_errors_are_retryable_while_cloudchat_is_down(nginx_alone: tuple[RunningNginx, ssl.SSLContext]) -> None:
    nginx, trust = nginx_alone
    http = nginx.browser_like(trust)
    for response in (http.get("/api/me"), http.post("/api/auth/login", json={}), http.get("/ws"), http.get("/readyz")):
        assert response.status_code == 503
        error = response.json()["error"]
        assert (error["code"], error["retryable"], error["retry_after_ms"]) == ("unavailable", True, 2000)
        assert response.headers["retry-after"] == "2"
        assert response.headers["x-content-type-options"] == "nosniff"
    assert http.get("/").status_code == 200


def test_page_is_cached_and_revalidated_each_time(site: RunningSite) -> None:
    http = site.nginx.browser_like(site.trust)
    for path in ("/", "/script.js", "/modules/search/search_dialog.js", "/styles.css", "/config.json"):
        response = http.get(path)
        assert response.headers["cache-control"] == "no-cache"
        assert http.get(path, headers={"If-None-Match": response.headers["etag"]}).status_code == 304
    module = site.nginx.root / "opt/cloudchat/current/frontend/modules/search/search_dialog.js"
    before = http.get("/modules/search/search_dialog.js").headers["etag"]
    same_length = module.read_bytes().swapcase()
    compressed = module.with_name(f"{module.name}.gz")
    for file, content in ((module, same_length), (compressed, gzip.compress(same_length))):
        moment = file.stat().st_mtime + 1
        file.write_bytes(content)
        os.utime(file, (moment, moment))
    changed = http.get("/modules/search/search_dialog.js", headers={"If-None-Match": before})
    assert (changed.status_code, changed.content) == (200, same_length)


def test_other_files_in_the_directory_of_the_page_are_not_served(site: RunningSite) -> None:
    directory = site.nginx.root / "opt/cloudchat/current/frontend"
    http = site.nginx.browser_like(site.trust)
    for name in (".git/config", "backup.tar", "modules/shell/chat_screen.js~", ".env", "server.py", "page.js.bak"):
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text("not part of the page")
        assert http.get(f"/{name}").status_code == 404, name
    for name in build_page(read_directory(CHECKOUT / "frontend")):
        assert http.get(f"/{name}").status_code == 200, name


def test_only_files_of_the_page_are_compressed(site: RunningSite) -> None:
    http = site.nginx.browser_like(site.trust)
    for path in ("/", "/app.js", "/styles.css"):
        compressed = http.get(path)
        assert compressed.headers["content-encoding"] == "gzip"
        assert compressed.text == http.get(path, headers={"Accept-Encoding": "identity"}).text
    assert "content-encoding" not in http.get("/openapi.json").headers  # which is long enough to be compressed


def test_metrics_cannot_be_reached(site: RunningSite) -> None:
    paths = ("/metrics", "/metrics/", "//metrics", "/%6detrics", "/api/../metrics", "/api/%2e%2e/metrics", "/Metrics")
    for path in paths:
        response = send_raw(site, f"GET {path} HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n\r\n")
        assert response.status_code == 404, path
    lines = [json.loads(line) for line in site.nginx.access_log.splitlines()]
    assert {line["path"] for line in lines if "etrics" in line["path"]} == set(paths)
    assert {line["instance"] for line in lines if "etrics" in line["path"]} == {""}


def test_body_that_is_too_large_does_not_reach_cloudchat(site: RunningSite) -> None:
    http = site.nginx.browser_like(site.trust)
    headers = {"Content-Type": "application/json"}
    largest = http.post("/api/auth/login?largest", content=b"{}".ljust(65_536), headers=headers)
    assert largest.status_code == 422
    for body in (b"{}".ljust(65_537), iter([b"1" * 40_000] * 2)):
        assert http.post("/api/auth/logout", content=body, headers=headers).status_code == 413
    lines = [json.loads(line) for line in site.nginx.access_log.splitlines()]
    assert {line["instance"] for line in lines if line["path"] == "/api/auth/logout"} == {""}


def test_request_id_of_the_response_is_in_both_logs(site: RunningSite) -> None:
    credentials = {"username": "ann", "password": "wrong"}
    response = site.nginx.browser_like(site.trust).post("/api/auth/login", json=credentials)
    request_id = response.headers["x-request-id"]
    # nginx logs a request after it sent the response.
    wait_until(lambda: f'"request":"{request_id}"' in site.nginx.access_log, "nginx logs the request")
    site.server.wait_for_output(re.escape(f'"request": "{request_id}"'))


def test_logs_have_no_query_string(site: RunningSite, nginx_alone: tuple[RunningNginx, ssl.SSLContext]) -> None:
    nginx, trust = nginx_alone
    requests = 0
    for each, trusted in ((site.nginx, site.trust), (nginx, trust)):
        http = each.browser_like(trusted)
        for path in ("/", "/nothing", "/api/me", "/api/nothing", "/ws", "/healthz", f"http://{DOMAIN}/", "/%0a"):
            for method in ("GET", "POST"):
                http.request(method, f"{path}?token={SECRET}", content=b"x" * (70_000 if method == "POST" else 0))
                requests += 1
    with site.nginx.connect(site.trust) as tls:  # the form of a request to a proxy
        tls.sendall(f"GET {ORIGIN}/x?{SECRET} HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n\r\n".encode())
        tls.recv(1000)
    logs = site.nginx.access_log + nginx.access_log
    assert logs.count('"path":"') > requests
    assert SECRET not in logs + site.nginx.error_logs + nginx.error_logs + site.server.log


def test_other_host_names_are_not_served(site: RunningSite) -> None:
    any_name = ssl.create_default_context()
    any_name.check_hostname = False
    for name in ("other.example.test", None):
        with socket.create_connection(site.nginx.https, timeout=10) as plain, pytest.raises(ssl.SSLError):
            any_name.wrap_socket(plain, server_hostname=name)
    with site.nginx.connect(site.trust) as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: other.example.test\r\nConnection: close\r\n\r\n")
        assert tls.recv(1000).startswith(b"HTTP/1.1 421 ")
    with socket.create_connection(("127.0.0.1", site.nginx.http_port), timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: other.example.test\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert plain.recv(1000) == b""


def test_plain_http_redirects_browsers_and_refuses_api_clients(site: RunningSite) -> None:
    http = site.nginx.browser_like(site.trust)
    response = http.get(f"http://{DOMAIN}/x?y=1")
    assert (response.status_code, response.headers["location"]) == (308, f"{ORIGIN}/x?y=1")
    assert "strict-transport-security" not in response.headers
    assert response.headers["x-content-type-options"] == "nosniff"
    api = http.post(f"http://{DOMAIN}/api/auth/login", json={"username": "ann", "password": "not secret any more"})
    assert (api.status_code, api.json()["error"]["code"]) == (403, "forbidden")
    plain = socket.create_connection(("127.0.0.1", site.nginx.http_port), timeout=10)
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://{DOMAIN}/ws", sock=plain, proxy=None)
    assert refused.value.response.status_code == 403
    with socket.create_connection(site.nginx.https, timeout=10) as plain:
        plain.sendall(f"GET / HTTP/1.1\r\nHost: {DOMAIN}\r\n\r\n".encode())
        assert plain.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_gixy_finds_no_problem(nginx_alone: tuple[RunningNginx, ssl.SSLContext], tmp_path: Path) -> None:
    def gixy(etc: Path) -> "subprocess.CompletedProcess[str]":
        command = [str(CHECKOUT / ".venv-sslyze" / "bin" / "gixy"), str(etc / "nginx.conf")]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=etc)

    etc = nginx_alone[0].root / "etc" / "nginx"
    assert nginx_alone[0].run("-t").returncode == 0
    result = gixy(etc)
    assert result.returncode == 0, result.stdout
    vulnerable = tmp_path / "nginx"
    shutil.copytree(etc, vulnerable)
    proxy = vulnerable / "snippets" / "cloudchat-proxy.conf"
    proxy.write_text(proxy.read_text().replace("Host $host", "Host $http_host"))
    assert "host_spoofing" in gixy(vulnerable).stdout
