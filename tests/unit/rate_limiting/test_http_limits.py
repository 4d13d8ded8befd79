"""The limits of the HTTP routes: which clients share one, and that they hold without the store."""

import pytest
from pydantic import SecretStr, ValidationError
from starlette.requests import Request

from cloudchat.core.client_network import SUBSCRIBER_FACTOR
from cloudchat.rate_limiting.http_limits import client_key, create_limiter
from cloudchat.settings import Settings
from support.http_app import TestClient, make_app


def request_from(address: str | None) -> Request:
    client = None if address is None else (address, 1234)
    return Request({"type": "http", "client": client, "headers": [], "method": "GET", "path": "/"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),  # the network of one subscriber
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_addresses_of_one_client_share_a_limit(one: str, other: str) -> None:
    assert client_key(request_from(one)) == client_key(request_from(other))


@pytest.mark.parametrize(
    ("one", "other"), [("192.0.2.1", "192.0.2.2"), ("2001:db8:1:2::1", "2001:db8:1:3::1"), ("192.0.2.1", None)]
)
def test_addresses_of_different_clients_do_not_share_a_limit(one: str, other: str | None) -> None:
    assert client_key(request_from(one)) != client_key(request_from(other))


@pytest.mark.parametrize("address", [None, "", "testclient"])
def test_the_key_is_never_empty(address: str | None) -> None:
    assert client_key(request_from(address))


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "unix:///nowhere/store.sock"])
def test_the_limit_holds_in_this_process_without_the_store(url: str) -> None:
    limiter = create_limiter(Settings(redis_url=SecretStr(url)))
    with TestClient(make_app(limiter)) as client:
        assert [client.get("/limited").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
        assert client.get("/limited").headers["retry-after"]


def test_the_environment_cannot_disable_the_limiter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATELIMIT_ENABLED", "false")
    with TestClient(make_app(create_limiter(Settings()))) as client:
        assert [client.get("/limited").status_code for _ in range(4)][-1] == 429


@pytest.mark.parametrize("rate", ["", "many", "5", "0/minute", "5/minute;1/day", "5 per fortnight"])
def test_an_invalid_rate_is_rejected_at_the_start(rate: str) -> None:
    with pytest.raises(ValidationError):
        Settings(login_rate=rate)


def test_the_networks_of_an_ipv6_subscriber_share_a_limit() -> None:
    app = make_app(create_limiter(Settings()))

    def statuses(address: str) -> list[int]:
        with TestClient(app, client=(address, 1)) as client:
            return [client.get("/limited").status_code for _ in range(3)]

    accepted = [statuses(f"2001:db8:0:{number:x}::1") for number in range(SUBSCRIBER_FACTOR)]
    assert accepted == [[200, 200, 200]] * SUBSCRIBER_FACTOR
    assert statuses("2001:db8:0:ffff::1") == [429, 429, 429]
    assert statuses("2001:db8:1::1") == [200, 200, 200]
    assert statuses("192.0.2.7") == [200, 200, 200]
