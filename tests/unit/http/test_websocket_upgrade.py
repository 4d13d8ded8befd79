"""Which requests are a WebSocket handshake."""

import pytest

from cloudchat.http.websocket_upgrade import BadUpgrade, accept_key_of

VALID = {
    b"host": b"x",
    b"connection": b"Upgrade",
    b"upgrade": b"websocket",
    b"sec-websocket-version": b"13",
    b"sec-websocket-key": b"dGhlIHNhbXBsZSBub25jZQ==",
}


def status_of(headers: dict[bytes, bytes], *more: tuple[bytes, bytes]) -> int:
    with pytest.raises(BadUpgrade) as problem:
        accept_key_of([*headers.items(), *more])
    return int(problem.value.status)


def test_accept_key_is_the_one_of_the_rfc() -> None:
    """RFC 6455 §1.3."""
    assert accept_key_of(list(VALID.items())) == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_white_space_around_a_value_is_ignored() -> None:
    spaced = [(name, b" " + value + b"\t") for name, value in VALID.items()]
    assert accept_key_of([*spaced, (b"content-length", b"0")]) == accept_key_of(list(VALID.items()))


@pytest.mark.parametrize("key", [b"", b"abc", b"dGhlIHNhbXBsZSBub25jZQ", b"dGhlIHNhbXBsZSBub25jZQ==!", b"YWJj" * 8])
def test_key_must_be_sixteen_bytes_in_base64(key: bytes) -> None:
    assert status_of({**VALID, b"sec-websocket-key": key}) == 400


@pytest.mark.parametrize("name", [b"sec-websocket-key", b"sec-websocket-version"])
def test_key_and_version_are_needed(name: bytes) -> None:
    assert status_of({other: value for other, value in VALID.items() if other != name}) == 400


def test_other_versions_are_told_the_one_that_is_spoken() -> None:
    assert status_of({**VALID, b"sec-websocket-version": b"8"}) == 426


@pytest.mark.parametrize("name", [b"sec-websocket-key", b"sec-websocket-version", b"upgrade"])
def test_repeated_header_is_rejected(name: bytes) -> None:
    assert status_of(VALID, (name, VALID[name])) == 400


def test_two_origins_are_rejected() -> None:
    assert status_of(VALID, (b"origin", b"https://chat.example"), (b"origin", b"https://evil.example")) == 400


@pytest.mark.parametrize("body", [(b"content-length", b"3"), (b"transfer-encoding", b"chunked")])
def test_body_is_rejected(body: tuple[bytes, bytes]) -> None:
    assert status_of(VALID, body) == 400
