"""The middleware around every route: one error body, a size limit, security headers."""

from collections.abc import Iterator
from typing import Any

import pytest

from cloudchat.http.middleware.security_headers import content_security_policy
from support.http_app import TestClient

REQUESTS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "unknown route": (404, "not_found", {"method": "GET", "url": "/api/nothing"}),
    "unknown method": (405, "bad_request", {"method": "DELETE", "url": "/api/hello"}),
    "invalid JSON": (422, "bad_request", {"method": "POST", "url": "/api/echo", "content": b"{"}),
    "deep JSON": (422, "bad_request", {"method": "POST", "url": "/api/echo", "content": b"[" * 60_000}),
    "long integer": (422, "bad_request", {"method": "POST", "url": "/api/echo", "content": b"9" * 6_000}),
    "not UTF-8": (422, "bad_request", {"method": "POST", "url": "/api/echo", "content": b"\xff\xfe"}),
    "wrong type": (422, "bad_request", {"method": "POST", "url": "/api/echo", "content": b'{"a":"b"}'}),
    "lone surrogate": (422, "bad_request", {"method": "POST", "url": "/api/echo", "content": b'{"\\ud800":"b"}'}),
    "declared too large": (413, "too_large", {"method": "POST", "url": "/api/echo", "content": b"1" * 65_537}),
    "unexpected exception": (500, "internal", {"method": "GET", "url": "/broken"}),
}


@pytest.mark.parametrize(("status", "code", "request_"), REQUESTS.values(), ids=REQUESTS.keys())
def test_every_error_has_the_error_body_and_the_security_headers(
    client: TestClient, status: int, code: str, request_: dict[str, Any]
) -> None:
    response = client.request(**request_, headers={"content-type": "application/json"})
    assert response.status_code == status
    (error,) = response.json().values()
    assert error["code"] == code
    assert error["message"]
    assert error["retryable"] is False
    assert "secret" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["strict-transport-security"]


def test_405_lists_every_allowed_method(client: TestClient) -> None:
    assert client.put("/api/both").headers["allow"] == "GET, POST"
    assert client.put("/api/hello").headers["allow"] == "GET"


def test_a_validation_error_names_the_field_and_not_the_value(client: TestClient) -> None:
    response = client.post("/api/echo", json={"a": "a password by mistake"})
    assert response.json()["error"]["field"] == "a"
    assert "mistake" not in response.text


def test_a_body_without_a_declared_length_is_rejected_at_the_limit(client: TestClient) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 40_000
            yield b"1" * 40_000

    response = client.post("/api/echo", content=endless(), headers={"content-type": "application/json"})
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "too_large"


@pytest.mark.parametrize("length", ["-1", "1e3", "99999999999999999999999", "²"])
def test_an_invalid_content_length_is_rejected(client: TestClient, length: str) -> None:
    headers = {"content-type": "application/json", "content-length": length.encode()}
    response = client.post("/api/echo", content=b"{}", headers=headers)
    assert response.status_code == 413


def test_a_body_of_the_maximum_size_is_accepted(client: TestClient) -> None:
    body = b'{"a":1' + b" " * (65_536 - 7) + b"}"
    assert client.post("/api/echo", content=body, headers={"content-type": "application/json"}).json() == {"a": 1}


def test_the_policy_allows_only_own_files(client: TestClient) -> None:
    policy = client.get("/api/hello").headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "connect-src 'self' wss://chat.example" in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert not any("unsafe" in rule for rule in policy)


def test_the_policy_contains_no_ipv6_address() -> None:
    policy = content_security_policy(["http://[::1]:8000", "http://localhost:8000"]).split("; ")
    assert "connect-src 'self' ws://localhost:8000" in policy


def test_api_responses_are_not_cached(client: TestClient) -> None:
    assert client.get("/api/hello").headers["cache-control"] == "no-store"


def test_hsts_is_sent_over_https_only(client: TestClient) -> None:
    assert "strict-transport-security" not in client.get("http://chat.example/api/hello").headers


def test_429_has_retry_after(client: TestClient) -> None:
    assert [client.get("/limited").status_code for _ in range(4)] == [200, 200, 200, 429]
    response = client.get("/limited")
    error = response.json()["error"]
    assert (error["code"], error["retryable"]) == ("rate_limited", True)
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert 1000 <= error["retry_after_ms"] <= 60_000
