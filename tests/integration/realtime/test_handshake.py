"""Which handshakes are accepted, and how a rejection is reported: a program gets a status, a browser a close code."""

import json
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from support.accounts import Account, register
from support.server import RunningServer
from support.socket import ChatSocket


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer() as running:
        yield running


@pytest.fixture(scope="module")
def account(server: RunningServer) -> Account:
    return register(server.url)


def rejection(ws_url: str, *subprotocols: str, **headers: str) -> tuple[int, str]:
    """Return the status and the error code of a rejected handshake."""
    offered = [Subprotocol(name) for name in subprotocols]
    with pytest.raises(InvalidStatus) as rejected:
        connect(ws_url, subprotocols=offered or None, additional_headers=headers, proxy=None)
    response = rejected.value.response
    assert response.headers["Content-Type"] == "application/json"
    error = json.loads(response.body or b"")["error"]
    assert error["message"]
    return response.status_code, error["code"]


def test_handshake_without_the_subprotocol_is_rejected_with_400(server: RunningServer, account: Account) -> None:
    bearer = f"Bearer {account.access_token}"
    assert rejection(server.ws_url, Authorization=bearer) == (400, "bad_request")
    assert rejection(server.ws_url, "chat", f"cloudchat.token.{account.access_token}") == (400, "bad_request")


@pytest.mark.parametrize("authorization", ["Bearer nonsense", "Bearer a.b.c", "Basic YTpi", "Bearer"])
def test_invalid_token_in_the_header_is_rejected_with_401(server: RunningServer, authorization: str) -> None:
    assert rejection(server.ws_url, "cloudchat.v1", Authorization=authorization)[0] == 401


def test_handshake_without_a_token_is_rejected_with_401(server: RunningServer) -> None:
    assert rejection(server.ws_url, "cloudchat.v1")[0] == 401


def test_invalid_token_of_a_browser_closes_with_4401(server: RunningServer) -> None:
    with ChatSocket(server.ws_url, "a.b.c", as_browser=True) as chat:
        with pytest.raises(ConnectionClosed) as closed:
            chat.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
        assert chat.frames == []


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1.evil.example"]
)
def test_page_of_another_origin_is_rejected_even_with_a_valid_token(
    server: RunningServer, account: Account, origin: str
) -> None:
    token = f"cloudchat.token.{account.access_token}"
    assert rejection(server.ws_url, "cloudchat.v1", token, Origin=origin) == (403, "forbidden")


def test_page_of_the_allowed_origin_is_accepted_and_its_token_is_not_echoed(
    server: RunningServer, account: Account
) -> None:
    headers = {"Origin": server.url}
    with ChatSocket(server.ws_url, account.access_token, as_browser=True, headers=headers) as chat:
        assert chat.receive()["type"] == "welcome"
        assert chat.ws.subprotocol == "cloudchat.v1"
        assert chat.ws.response is not None
        assert account.access_token not in str(chat.ws.response.headers)


def test_token_of_an_ended_session_is_rejected_with_401(server: RunningServer) -> None:
    account = register(server.url)
    account.http.post("/api/auth/logout", json={}, headers={"Origin": server.url}).raise_for_status()
    assert rejection(server.ws_url, "cloudchat.v1", Authorization=f"Bearer {account.access_token}")[0] == 401
