from typing import Any

import pytest
from redis.connection import parse_url

from cloudchat.broker.connections.store_url import StoreUrl, parse_store_url, redact_url


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://host",
        "redis://host/",
        "redis://HOST.example:6380/7",
        "redis://host/7?db=3",
        "redis://host:0/0",
        "redis://[::1]:6380/1",
        "redis://:p%40ss%2Fw%3A%25@host:6379/0",
        "redis://ann:secret@host:6379/0",
        "redis://ann@host",
        "redis://host?username=ann&password=p%2520&client_name=chat",
        "redis://bob:word@host?username=ann&password=secret",
        "rediss://cloudchat:secret@store.example:6379/0",
        "rediss://host?ssl_ca_certs=/etc/ssl/my%20ca.pem",
        "rediss://host?ssl_cert_reqs=none",
        "rediss://host?ssl_cert_reqs=required&db=",
        "unix:///run/store.sock",
        "unix:///run/store%20of%23ann%3F.sock?db=2",
        "unix://ann:p%3Ass@/run/store.sock?client_name=chat",
    ],
)
def test_the_result_is_that_of_redis_py(url: str) -> None:
    expected: dict[str, Any] = {**parse_url(url)}  # type: ignore[no-untyped-call]
    has_tls = "SSL" in str(expected.pop("connection_class", ""))
    certificates = expected.pop("ssl_cert_reqs", "required")
    ca_certs = expected.pop("ssl_ca_certs", "")
    assert parse_store_url(url) == StoreUrl(**expected, tls=has_tls, ca_certs=ca_certs, verify=certificates != "none")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host:6379",
        "http://host",
        "redis://host:port",
        "redis://ann:se/cret@host",
        "redis://host/first",
        "redis://host?db=-1",
        "rediss://host?ssl_cert_req=none",
        "rediss://host?ssl_cert_reqs=nothing",
        "unix://",
    ],
)
def test_an_invalid_url_is_rejected_without_a_part_of_its_password(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_store_url(url)
    assert "se" not in str(caught.value).split()


@pytest.mark.parametrize(
    ("url", "commands"),
    [
        ("redis://host", [("PING",)]),
        ("redis://:word@host/0", [("AUTH", "default", "word"), ("PING",)]),
        ("redis://ann@host", [("AUTH", "ann", ""), ("PING",)]),
        (
            "unix://ann:word@/store.sock?db=2&client_name=chat",
            [("AUTH", "ann", "word"), ("CLIENT", "SETNAME", "chat"), ("SELECT", 2), ("PING",)],
        ),
    ],
)
def test_a_connection_begins_with_what_the_url_names(url: str, commands: list[tuple[str | int, ...]]) -> None:
    assert parse_store_url(url).handshake == commands


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("redis://user:secret@host:6379/0", "redis://host:6379/0"),
        ("redis://:se@cret@host:6379/0", "redis://host:6379/0"),
        ("redis://host:6379/0?password=secret", "redis://host:6379/0"),
        ("unix:///run/redis.sock?password=secret#secret", "unix:///run/redis.sock"),
        ("redis://[secret", "(unreadable URL)"),
    ],
)
def test_redact_url_keeps_only_scheme_host_and_path(url: str, redacted: str) -> None:
    assert redact_url(url) == redacted
