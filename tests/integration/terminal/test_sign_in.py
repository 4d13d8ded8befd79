"""The sign-in of `cloudchat chat`, and the session that it keeps alive, on the real server."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import closing

import httpx
import pyotp
import pytest

from cloudchat.client import SignInRequired
from cloudchat.terminal.http_requests import Address, RequestFailed
from cloudchat.terminal.sign_in import LoginSession
from support.accounts import PASSWORD, Account, register
from support.chat_users import RATES
from support.server import RunningServer, free_port

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(environment=RATES) as running:
        yield running


@pytest.fixture
def ann(server: RunningServer) -> Iterator[Account]:
    account = register(server.url)
    with closing(account.http):
        yield account


def no_code() -> str:
    raise AssertionError("there is no second factor")


def user_of(server: RunningServer, token: str) -> httpx.Response:
    return httpx.get(f"{server.url}/api/me", headers={"Authorization": f"Bearer {token}"})


async def test_a_session_renews_its_token_until_it_is_closed(server: RunningServer, ann: Account) -> None:
    session = LoginSession.open(Address(server.url), ann.name, PASSWORD, no_code)
    token = await session.provide_token(False)
    assert await session.provide_token(False) == token
    fresh = await session.provide_token(True)
    assert user_of(server, fresh).json()["name"] == ann.name
    session.close()
    assert user_of(server, fresh).status_code == 401
    with pytest.raises(SignInRequired, match="the session has ended"):
        await session.provide_token(True)
    session.close()  # a second time is harmless


def test_a_second_factor_is_asked_for_only_if_there_is_one(server: RunningServer, ann: Account) -> None:
    setup = ann.http.post("/api/auth/totp/setup", json={"password": PASSWORD}).json()
    app = pyotp.parse_uri(setup["uri"])
    assert isinstance(app, pyotp.TOTP)
    confirmed = ann.http.post("/api/auth/totp/confirm", json={"code": app.now()}).json()
    address = Address(server.url)
    LoginSession.open(address, ann.name, PASSWORD, lambda: str(confirmed["recovery_codes"][0])).close()
    with pytest.raises(RequestFailed):
        LoginSession.open(address, ann.name, PASSWORD, lambda: "000000")
    with pytest.raises(RequestFailed):
        LoginSession.open(address, ann.name, "wrong", no_code)


async def test_an_unreachable_server_is_an_error_that_the_client_retries(server: RunningServer, ann: Account) -> None:
    session = LoginSession.open(Address(server.url), ann.name, PASSWORD, no_code)
    away = LoginSession(Address(f"http://127.0.0.1:{free_port()}"), {"access_token": "a", "refresh_token": "r"})
    with pytest.raises(OSError, match="refused"):
        await away.provide_token(True)
    away.close()
    session.close()


def test_a_password_follows_no_redirect(server: RunningServer, ann: Account) -> None:
    requests: list[str] = []

    class Redirecting(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append(self.path)
            self.send_response(307)
            self.send_header("Location", f"{server.url}/api/auth/login")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Redirecting) as redirecting:
        thread = threading.Thread(target=redirecting.serve_forever)
        thread.start()
        try:
            with pytest.raises(RequestFailed, match="the server answered with HTTP status 307"):
                LoginSession.open(Address(f"http://127.0.0.1:{redirecting.server_port}"), ann.name, PASSWORD, no_code)
        finally:
            redirecting.shutdown()
            thread.join()
    assert requests == ["/api/auth/login"]
