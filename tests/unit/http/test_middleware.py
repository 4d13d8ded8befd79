"""What wraps every route: one error body, a bound on the request, careful headers."""

from collections.abc import Iterator
from typing import Any

import pytest

from cloudchat.http.security_headers import content_security_policy
from support.http_app import TestClient

REQUESTS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "a route that is not there": (404, "not_found", {"method": "GET", "url": "/api/nothing"}),
    "a method that is not there": (405, "bad_request", {"method": "DELETE", "url": "/api/hello"}),
    "no JSON": (422, "bad_request", {"method": "POST", "url": "/api/echo", "content": b"{"}),
    "deep JSON": (422, "bad_request", {"method": "POST", "url": "/api/echo", "content": b"[" * 60_000}),
    "long integer": (422, "bad_request", {"method": "POST", "url": "/api/echo", "content": b"9" * 6_000}),
    "not UTF-8": (422, "bad_request", {"method": "POST", "url": "/api/echo", "content": b"\xff\xfe"}),
    "wrong type": (422, "bad_request", {"method": "POST", "url": "/api/echo", "content": b'{"a":"b"}'}),
    "lone surrogate": (422, "bad_request", {"method": "POST", "url": "/api/echo", "content": b'{"\\ud800":"b"}'}),
    "announced too large": (413, "too_large", {"method": "POST", "url": "/api/echo", "content": b"1" * 65_537}),
    "something unexpected": (500, "internal", {"method": "GET", "url": "/broken"}),
}


@pytest.mark.parametrize(("status", "code", "request_"), REQUESTS.values(), ids=REQUESTS.keys())
def test_every_error_has_the_body_and_the_headers(
    client: TestClient, status: int, code: str, request_: dict[str, Any]
) -> None:
    answer = client.request(**request_, headers={"content-type": "application/json"})
    assert answer.status_code == status
    (error,) = answer.json().values()
    assert error["code"] == code
    assert error["message"]
    assert error["retryable"] is False
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["strict-transport-security"]


def test_a_wrong_method_is_told_every_right_one(client: TestClient) -> None:
    assert client.put("/api/both").headers["allow"] == "GET, POST"
    assert client.put("/api/hello").headers["allow"] == "GET"


def test_the_fault_is_told_by_place_and_never_by_value(client: TestClient) -> None:
    answer = client.post("/api/echo", json={"a": "a password by mistake"})
    assert answer.json()["error"]["field"] == "a"
    assert "mistake" not in answer.text


def test_a_body_of_unannounced_length_is_not_read_beyond_the_bound(client: TestClient) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 40_000
            yield b"1" * 40_000

    answer = client.post("/api/echo", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


@pytest.mark.parametrize("length", ["-1", "1e3", "99999999999999999999999", "²"])
def test_a_length_that_is_no_number_is_refused(client: TestClient, length: str) -> None:
    headers = {"content-type": "application/json", "content-length": length.encode()}
    answer = client.post("/api/echo", content=b"{}", headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 413


def test_the_largest_body_passes(client: TestClient) -> None:
    body = b'{"a":1' + b" " * (65_536 - 7) + b"}"
    assert client.post("/api/echo", content=body, headers={"content-type": "application/json"}).json() == {"a": 1}


def test_the_page_may_run_only_its_own_files(client: TestClient) -> None:
    policy = client.get("/api/hello").headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "connect-src 'self' wss://chat.example" in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert not any("unsafe" in rule for rule in policy)


def test_the_policy_names_no_ipv6_address() -> None:
    policy = content_security_policy(["http://[::1]:8000", "http://localhost:8000"]).split("; ")
    assert "connect-src 'self' ws://localhost:8000" in policy


def test_answers_of_the_api_are_kept_by_no_cache(client: TestClient) -> None:
    assert client.get("/api/hello").headers["cache-control"] == "no-store"


def test_https_is_not_demanded_where_there_is_none(client: TestClient) -> None:
    assert "strict-transport-security" not in client.get("http://chat.example/api/hello").headers


def test_the_limit_is_answered_with_when_to_come_again(client: TestClient) -> None:
    assert [client.get("/limited").status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = client.get("/limited")
    error = answer.json()["error"]
    assert (error["code"], error["retryable"]) == ("rate_limited", True)
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert 1000 <= error["retry_after_ms"] <= 60_000
