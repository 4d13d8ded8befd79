"""The second factor over HTTP: set-up, login, removal."""

import time
from collections.abc import Iterator
from functools import partial

import httpx
import pyotp
import pytest

from support.accounts import PASSWORD, Account, register
from support.server import RunningServer

post = partial(httpx.post, verify=False, timeout=20)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    rates = {f"CLOUDCHAT_{name}_RATE": "9999/minute" for name in ("LOGIN", "REGISTER", "REFRESH", "ACCOUNT")}
    with RunningServer(workers=2, environment=rates) as running:
        yield running


@pytest.fixture
def ann(server: RunningServer) -> Iterator[Account]:
    account = register(server.url)
    yield account
    account.http.close()


def set_up(account: Account) -> tuple[pyotp.TOTP, list[str]]:
    """Enable the second factor. Return the app with the URI of the QR code, and the recovery codes."""
    setup = account.http.post("/api/auth/totp/setup", json={"password": PASSWORD}).json()
    app = pyotp.parse_uri(setup["uri"])
    assert isinstance(app, pyotp.TOTP)
    confirmed = account.http.post("/api/auth/totp/confirm", json={"code": app.now()})
    assert confirmed.status_code == 200
    codes: list[str] = confirmed.json()["recovery_codes"]
    return app, codes


def login(account: Account, **more: str) -> httpx.Response:
    return post(f"{account.url}/api/auth/login", json={"username": account.name, "password": PASSWORD, **more})


def error(response: httpx.Response) -> tuple[int, str, str | None]:
    found = response.json()["error"]
    return response.status_code, found["code"], found.get("field")


def test_login_needs_a_code_after_the_setup_and_accepts_each_code_once(ann: Account) -> None:
    app, codes = set_up(ann)
    assert ann.http.get("/api/me").json()["totp_enabled"] is True
    assert error(login(ann)) == (401, "second_factor_required", "totp")
    assert error(login(ann, totp="000000")) == (401, "unauthenticated", "totp")
    next_code = app.at(int(time.time()) + 30)  # the set-up has used the current one
    signed_in = login(ann, totp=next_code)
    assert signed_in.status_code == 200
    assert signed_in.json()["user"]["totp_enabled"] is True
    assert error(login(ann, totp=next_code)) == (401, "unauthenticated", "totp")
    assert login(ann, totp=codes[0]).status_code == 200
    assert error(login(ann, totp=codes[0])) == (401, "unauthenticated", "totp")


def test_wrong_password_does_not_reveal_the_second_factor(ann: Account) -> None:
    set_up(ann)
    wrong = post(f"{ann.url}/api/auth/login", json={"username": ann.name, "password": "wrong"})
    unknown = post(f"{ann.url}/api/auth/login", json={"username": "nobody-at-all", "password": "wrong"})
    assert wrong.status_code == 401
    assert wrong.content == unknown.content


def test_qr_code_is_a_square_with_a_quiet_zone(ann: Account) -> None:
    setup = ann.http.post("/api/auth/totp/setup", json={"password": PASSWORD}).json()
    rows = setup["qr"]
    assert {len(row) for row in rows} == {len(rows)}
    assert set("".join(rows)) == {"0", "1"}
    assert rows[0] == rows[3] == "0" * len(rows)
    assert rows[4][4:11] == "1111111"  # the finder pattern in its corner
    assert setup["secret"] in setup["uri"]


def test_wrong_password_or_code_returns_403_and_names_the_field(ann: Account) -> None:
    assert error(ann.http.post("/api/auth/totp/setup", json={"password": "wrong"})) == (403, "forbidden", "password")
    assert error(ann.http.post("/api/auth/totp/confirm", json={"code": "000000"}))[:2] == (409, "conflict")
    ann.http.post("/api/auth/totp/setup", json={"password": PASSWORD})
    assert error(ann.http.post("/api/auth/totp/confirm", json={"code": "000000"})) == (403, "forbidden", "code")
    _, codes = set_up(ann)
    disable = partial(ann.http.post, "/api/auth/totp/disable")
    assert error(disable(json={"password": "wrong", "totp": codes[0]})) == (403, "forbidden", "password")
    assert error(disable(json={"password": PASSWORD, "totp": "000000"})) == (403, "forbidden", "totp")
    assert error(ann.http.post("/api/auth/totp/setup", json={"password": PASSWORD}))[:2] == (409, "conflict")
    assert disable(json={"password": PASSWORD, "totp": codes[0]}).status_code == 204
    assert login(ann).status_code == 200


def test_wrong_codes_are_counted_across_workers(ann: Account) -> None:
    set_up(ann)
    # One connection per request, so that both workers get some.
    responses = [login(ann, totp="000000") for _ in range(11)]  # 11: a new minute may begin during the logins
    assert responses[0].status_code == 401
    limited = next(response for response in responses if response.status_code == 429)
    assert error(limited)[:2] == (429, "rate_limited")
    assert 1 <= int(limited.headers["retry-after"]) <= 3600


def test_log_has_no_secret_and_no_code(server: RunningServer, ann: Account) -> None:
    app, codes = set_up(ann)
    login(ann, totp=codes[0])
    login(ann, totp="918273")
    for secret in (app.secret, *codes, "918273"):
        assert secret not in server.log
    assert "action=totp.enable" in server.log
    assert "second factor refused" in server.log
