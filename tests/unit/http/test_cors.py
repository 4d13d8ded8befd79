"""CORS: the allowed origins to the letter, and no header for anybody else."""

import pytest

from support.http_app import ORIGIN, TestClient

HEADERS = "access-control-"


def cors(headers: object) -> dict[str, str]:
    return {name: value for name, value in dict(headers).items() if name.startswith(HEADERS)}  # type: ignore[call-overload]


ANSWERS = [
    ("GET", "/api/hello", 200),
    ("GET", "/api/nothing", 404),
    ("PUT", "/api/hello", 405),
    ("GET", "/broken", 500),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_a_page_of_an_allowed_origin_may_read_every_answer(
    client: TestClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path, headers={"Origin": ORIGIN})
    assert answer.status_code == status
    assert cors(answer.headers) == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "Retry-After",
    }
    assert "Origin" in answer.headers["vary"]


def test_so_it_may_read_when_to_come_again(client: TestClient) -> None:
    answers = [client.get("/limited", headers={"Origin": ORIGIN}) for _ in range(4)]
    assert answers[3].status_code == 429
    assert answers[3].headers["access-control-allow-origin"] == ORIGIN


OTHERS = [
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


@pytest.mark.parametrize("origin", OTHERS)
@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_no_other_origin_gets_a_header(client: TestClient, origin: str, method: str, path: str, status: int) -> None:
    answer = client.request(method, path, headers={"Origin": origin})
    assert answer.status_code == status
    assert cors(answer.headers) == {}
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize("origin", OTHERS)
def test_nor_a_preflight(client: TestClient, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = client.options("/api/echo", headers=asked)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "forbidden"
    assert cors(answer.headers) == {}


def test_a_preflight_of_an_allowed_origin(client: TestClient) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = client.options("/api/echo", headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert {"POST", "DELETE", "PATCH"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert answer.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_options_that_is_no_preflight_is_a_method_like_any_other(client: TestClient) -> None:
    assert client.options("/api/echo").status_code == 405
