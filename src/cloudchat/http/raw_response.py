"""Errors that are told where there is no request to answer: to who speaks no HTTP, or asks for no proper socket.

They are like every other error, but for HSTS: who offers TLS stands in front, and adds it.
"""

import json
from http import HTTPStatus

from cloudchat.http.security_headers import ALWAYS
from cloudchat.protocol.errors import ErrorCode

_TOO_LARGE = (
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.REQUEST_URI_TOO_LONG,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
)
_CODES = {
    **dict.fromkeys(_TOO_LARGE, ErrorCode.TOO_LARGE),
    HTTPStatus.TOO_MANY_REQUESTS: ErrorCode.RATE_LIMITED,
    HTTPStatus.SERVICE_UNAVAILABLE: ErrorCode.UNAVAILABLE,
}
_LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def raw_error(status: HTTPStatus, message: str) -> tuple[dict[str, str], bytes]:
    """The headers and the body. The connection ends with it."""
    code = "internal" if status is HTTPStatus.INTERNAL_SERVER_ERROR else _CODES.get(status, ErrorCode.BAD_REQUEST)
    retryable = status in (*_LATER, HTTPStatus.REQUEST_TIMEOUT)
    error: dict[str, object] = {"code": code, "message": message, "retryable": retryable}
    headers = {
        **ALWAYS,
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "Content-Type": "application/json",
        "Connection": "close",
    }
    if status in _LATER:
        error["retry_after_ms"] = 1000
        headers["Retry-After"] = "1"
    if status is HTTPStatus.UPGRADE_REQUIRED:  # RFC 9110 §15.5.22, RFC 6455 §4.2.2
        headers |= {"Connection": "close, Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    body = json.dumps({"error": error}).encode()
    return {**headers, "Content-Length": str(len(body))}, body
