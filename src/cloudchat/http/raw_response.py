"""Error responses below ASGI: for a connection that sent no valid HTTP request or no valid WebSocket handshake.

They have the same body and headers as every other error, except HSTS: where TLS is used, the proxy in front adds it.
"""

from http import HTTPStatus

from cloudchat.http.middleware.security_headers import ALWAYS
from cloudchat.protocol.errors import STATUS, ErrorCode, code_of_status, http_error

_TEMPORARY = (STATUS[ErrorCode.RATE_LIMITED], STATUS[ErrorCode.UNAVAILABLE])
_RETRY_AFTER_MS = 1000


def raw_error(status: HTTPStatus, message: str) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of an error response that ends its connection."""
    retry_after_ms = _RETRY_AFTER_MS if status in _TEMPORARY else None
    error = http_error(code_of_status(status), message, status=status, retry_after_ms=retry_after_ms)
    headers = {
        **ALWAYS,
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "Connection": "close",
        **error.headers,
        "Content-Length": str(len(error.body)),
    }
    if status is HTTPStatus.UPGRADE_REQUIRED:  # RFC 9110 §15.5.22, RFC 6455 §4.2.2
        headers |= {"Connection": "close, Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    return headers, error.body
