"""Who is let in, and how each refusal reaches its sender: a program sees a status, a browser only a close code."""

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


def refusal(ws_url: str, *subprotocols: str, **headers: str) -> tuple[int, str]:
    """The status and the error code with which an upgrade is refused."""
    offered = [Subprotocol(name) for name in subprotocols]
    with pytest.raises(InvalidStatus) as refused:
        connect(ws_url, subprotocols=offered or None, additional_headers=headers, proxy=None)
    response = refused.value.response
    assert response.headers["Content-Type"] == "application/json"
    error = json.loads(response.body or b"")["error"]
    assert error["message"]
    return response.status_code, error["code"]


def test_without_our_subprotocol(server: RunningServer, account: Account) -> None:
    bearer = f"Bearer {account.access_token}"
    assert refusal(server.ws_url, Authorization=bearer) == (400, "bad_request")
    assert refusal(server.ws_url, "chat", f"cloudchat.token.{account.access_token}") == (400, "bad_request")


@pytest.mark.parametrize("authorization", ["Bearer nonsense", "Bearer a.b.c", "Basic YTpi", "Bearer"])
def test_a_bad_credential_in_the_header(server: RunningServer, authorization: str) -> None:
    assert refusal(server.ws_url, "cloudchat.v1", Authorization=authorization)[0] == 401


def test_no_credential(server: RunningServer) -> None:
    assert refusal(server.ws_url, "cloudchat.v1")[0] == 401


def test_a_bad_credential_of_a_browser(server: RunningServer) -> None:
    with ChatSocket(server.ws_url, "a.b.c", as_browser=True) as chat:
        with pytest.raises(ConnectionClosed) as closed:
            chat.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
        assert chat.frames == []


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1.evil.example"]
)
def test_a_page_of_another_origin_even_with_a_good_token(server: RunningServer, account: Account, origin: str) -> None:
    token = f"cloudchat.token.{account.access_token}"
    assert refusal(server.ws_url, "cloudchat.v1", token, Origin=origin) == (403, "forbidden")


def test_our_own_page(server: RunningServer, account: Account) -> None:
    headers = {"Origin": server.url}
    with ChatSocket(server.ws_url, account.access_token, as_browser=True, headers=headers) as chat:
        assert chat.receive()["type"] == "welcome"
        assert chat.ws.subprotocol == "cloudchat.v1"
        assert chat.ws.response is not None
        assert account.access_token not in str(chat.ws.response.headers)


def test_a_token_that_has_been_logged_out(server: RunningServer) -> None:
    gone = register(server.url)
    gone.http.post("/api/auth/logout", json={}, headers={"Origin": server.url}).raise_for_status()
    assert refusal(server.ws_url, "cloudchat.v1", Authorization=f"Bearer {gone.access_token}")[0] == 401
