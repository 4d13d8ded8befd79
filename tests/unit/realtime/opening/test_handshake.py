"""The credential and the origin of a handshake, and the responses to rejected ones."""

import json
from typing import Any

import pytest

from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.errors import ErrorCode
from cloudchat.realtime.opening.handshake import (
    Credential,
    HandshakeRejection,
    HandshakeResponder,
    check_origin,
    credential_of,
)
from cloudchat.realtime.socket_stats import SocketStats

pytestmark = pytest.mark.anyio


def test_token_in_a_subprotocol_is_the_credential() -> None:
    assert credential_of({}, ["cloudchat.v1", "cloudchat.token.abc"]) == Credential("abc", from_header=False)


def test_token_in_the_authorization_header_is_the_credential() -> None:
    assert credential_of({"authorization": "bearer abc"}, ["cloudchat.v1"]) == Credential("abc", from_header=True)


@pytest.mark.parametrize(
    ("headers", "subprotocols", "status"),
    [
        ({"authorization": "Bearer abc"}, [], 400),
        ({"authorization": "Bearer abc"}, ["cloudchat.v2"], 400),
        ({}, ["cloudchat.token.abc"], 400),
        ({}, ["cloudchat.v1", "cloudchat.token.a", "cloudchat.token.b"], 400),
        ({}, ["cloudchat.v1"], 401),
        ({"authorization": "Basic abc"}, ["cloudchat.v1"], 401),
        ({"authorization": "Bearer "}, ["cloudchat.v1"], 401),
    ],
)
def test_handshake_without_exactly_one_credential_is_rejected(
    headers: dict[str, str], subprotocols: list[str], status: int
) -> None:
    with pytest.raises(HandshakeRejection) as rejected:
        credential_of(headers, subprotocols)
    assert rejected.value.error.status == status


@pytest.mark.parametrize("origin", ["https://chat.example.evil", "http://chat.example", "null", ""])
def test_page_of_another_origin_is_rejected(origin: str) -> None:
    with pytest.raises(HandshakeRejection) as rejected:
        check_origin({"origin": origin}, {"https://chat.example"})
    assert rejected.value.error.code is ErrorCode.FORBIDDEN


@pytest.mark.parametrize("headers", [{"origin": "https://chat.example"}, {}], ids=["exact origin", "a program"])
def test_allowed_origin_and_missing_origin_pass(headers: dict[str, str]) -> None:
    check_origin(headers, {"https://chat.example"})


async def rejection_messages(
    rejection: HandshakeRejection, credential: Credential | None, stats: SocketStats | None = None
) -> list[dict[str, Any]]:
    """Return the ASGI messages that answer the handshake."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await HandshakeResponder(stats or SocketStats()).reject(send, rejection, "192.0.2.1", credential)
    return sent


async def test_rejection_is_the_http_error_of_the_error_contract() -> None:
    rejection = HandshakeRejection(ErrorCode.RATE_LIMITED, "too many", retry_after_seconds=7)
    start, body = await rejection_messages(rejection, None)
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 429)
    assert dict(start["headers"]) == {b"content-type": b"application/json", b"retry-after": b"7"}
    assert json.loads(body["body"]) == {
        "error": {"code": "rate_limited", "message": "too many", "retryable": True, "retry_after_ms": 7000}
    }


@pytest.mark.parametrize("code", list(ErrorCode))
async def test_only_retryable_rejections_say_when_to_retry(code: ErrorCode) -> None:
    start, body = await rejection_messages(HandshakeRejection(code, "why"), None)
    error = json.loads(body["body"])["error"]
    assert error["retryable"] == ("retry_after_ms" in error) == (b"retry-after" in dict(start["headers"]))


TOKEN_INVALID = HandshakeRejection(ErrorCode.UNAUTHENTICATED, "expired", close_code=CloseCode.TOKEN_INVALID)


async def test_browser_learns_of_its_invalid_token_by_the_close_code() -> None:
    accept, close = await rejection_messages(TOKEN_INVALID, Credential("abc", from_header=False))
    assert accept["type"] == "websocket.accept"
    assert (close["type"], close["code"]) == ("websocket.close", 4401)


@pytest.mark.parametrize(("code", "close_code"), [(ErrorCode.RATE_LIMITED, 4429), (ErrorCode.UNAVAILABLE, 4503)])
async def test_browser_learns_which_limit_or_outage_refuses_it(code: ErrorCode, close_code: int) -> None:
    rejection = HandshakeRejection(code, "why", retry_after_seconds=7)
    accept, frame, close = await rejection_messages(rejection, Credential("abc", from_header=False))
    error = {"type": "error", "code": str(code), "message": "why", "retryable": True, "retry_after_ms": 7000}
    assert (accept["type"], json.loads(frame["text"])) == ("websocket.accept", error)
    assert (close["type"], close["code"]) == ("websocket.close", close_code)


async def test_program_learns_of_its_invalid_token_by_the_status() -> None:
    start, _ = await rejection_messages(TOKEN_INVALID, Credential("abc", from_header=True))
    assert start["status"] == 401
    assert b"www-authenticate" in dict(start["headers"])


async def test_rejections_are_counted_by_code() -> None:
    stats = SocketStats()
    for _ in range(2):
        await rejection_messages(TOKEN_INVALID, None, stats)
    assert stats.handshakes == {"unauthenticated": 2}
