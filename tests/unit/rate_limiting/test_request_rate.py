"""The rate of all requests of one client network."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from cloudchat.rate_limiting.request_rate import RequestRateLimit
from cloudchat.settings import Settings
from support.http_app import TestClient, WebSocketDenialResponse

LIMIT = 5


def answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


@pytest.fixture
def clients() -> dict[str, TestClient]:
    """Clients by their address; they share one application, whose clock stands still."""
    limit = Middleware(RequestRateLimit, rate=f"{LIMIT}/minute", clock=lambda: 0.0)
    app = Starlette(routes=[Route(path, answer) for path in ("/", "/healthz", "/readyz")], middleware=[limit])
    addresses = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2")
    return {address: TestClient(app, client=(address, 1)) for address in addresses}


def test_requests_without_a_route_count_too(clients: dict[str, TestClient]) -> None:
    client = clients["192.0.2.1"]
    statuses = [client.get(path).status_code for path in ("/", "/nothing", "/a", "/b", "/c", "/", "/nothing")]
    assert statuses == [200, 404, 404, 404, 404, 429, 429]
    refused = client.get("/")
    assert refused.json()["error"]["code"] == "rate_limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 60 / LIMIT + 1


def test_each_network_has_its_own_rate(clients: dict[str, TestClient]) -> None:
    for _ in range(LIMIT):
        clients["192.0.2.1"].get("/")
        clients["2001:db8::1"].get("/")
    assert clients["192.0.2.1"].get("/").status_code == 429
    assert clients["192.0.2.2"].get("/").status_code == 200
    assert clients["2001:db8::2"].get("/").status_code == 429


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_always_answered(clients: dict[str, TestClient], path: str) -> None:
    assert {clients["192.0.2.1"].get(path).status_code for _ in range(2 * LIMIT)} == {200}


def test_handshakes_count_too(clients: dict[str, TestClient]) -> None:
    """A handshake without a token is refused before the rate of connections is counted."""
    client = clients["192.0.2.1"]
    for _ in range(LIMIT):
        client.get("/")
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/ws"):
        pass
    assert refused.value.status_code == 429
    assert refused.value.headers["retry-after"]


@pytest.mark.parametrize("rate", ["", "0/minute", "many"])
def test_an_invalid_rate_is_rejected_at_the_start(rate: str) -> None:
    with pytest.raises(ValueError, match="request_rate"):
        Settings(request_rate=rate)
