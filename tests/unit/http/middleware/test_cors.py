"""CORS: headers for exactly the allowed origins, and for no other origin."""

import pytest

from support.http_app import ORIGIN, TestClient

HEADERS = "access-control-"


def cors(headers: object) -> dict[str, str]:
    return {name: value for name, value in dict(headers).items() if name.startswith(HEADERS)}  # type: ignore[call-overload]


REQUESTS = [
    ("GET", "/api/hello", 200),
    ("GET", "/api/nothing", 404),
    ("PUT", "/api/hello", 405),
    ("GET", "/broken", 500),
]


@pytest.mark.parametrize(("method", "path", "status"), REQUESTS)
def test_a_page_of_an_allowed_origin_can_read_every_response(
    client: TestClient, method: str, path: str, status: int
) -> None:
    response = client.request(method, path, headers={"Origin": ORIGIN})
    assert response.status_code == status
    assert cors(response.headers) == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "Retry-After",
    }
    assert "Origin" in response.headers["vary"]


def test_a_page_of_an_allowed_origin_can_read_retry_after(client: TestClient) -> None:
    responses = [client.get("/limited", headers={"Origin": ORIGIN}) for _ in range(4)]
    assert responses[3].status_code == 429
    assert responses[3].headers["access-control-allow-origin"] == ORIGIN


OTHER_ORIGINS = [
    "https://evil.example",
    "null",
    "https://chat.example.evil.example",
    "https://chat.example:8443",
    "http://chat.example",
    "https://CHAT.example",
    "https://chat.example/",
    "https://evil.example#https://chat.example",
    "https://sub.chat.example",
    "*",
    "",
]


@pytest.mark.parametrize("origin", OTHER_ORIGINS)
@pytest.mark.parametrize(("method", "path", "status"), REQUESTS)
def test_no_other_origin_gets_a_header(client: TestClient, origin: str, method: str, path: str, status: int) -> None:
    response = client.request(method, path, headers={"Origin": origin})
    assert response.status_code == status
    assert cors(response.headers) == {}
    assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize("origin", OTHER_ORIGINS)
def test_a_preflight_of_another_origin_is_answered_with_403(client: TestClient, origin: str) -> None:
    request_headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    response = client.options("/api/echo", headers=request_headers)
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "forbidden"
    assert cors(response.headers) == {}


def test_a_preflight_of_an_allowed_origin_is_answered_with_204(client: TestClient) -> None:
    request_headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    response = client.options("/api/echo", headers=request_headers)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["access-control-allow-credentials"] == "true"
    assert {"POST", "DELETE", "PATCH"} <= set(response.headers["access-control-allow-methods"].split(", "))
    assert response.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_options_without_the_preflight_header_is_answered_with_405(client: TestClient) -> None:
    assert client.options("/api/echo").status_code == 405
