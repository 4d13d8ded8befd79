"""`GET /ws` without an upgrade: what arrives through a proxy that does not pass on the headers of a handshake.

Connection and Upgrade are hop-by-hop headers (RFC 9110 §7.6.1): a proxy drops them unless it is configured otherwise.
"""

import logging

from starlette.requests import Request
from starlette.responses import Response

from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.http.errors import error_response
from cloudchat.protocol.errors import ErrorCode, http_error

log = logging.getLogger("cloudchat.http")

UPGRADE_REQUIRED = 426
_ADVICE = "the proxy in front of cloudchat must pass it on, with HTTP/1.1"
_HEADERS = {"Upgrade": "websocket", "Connection": "Upgrade"}  # RFC 9110 §15.5.22


def upgrade_required(request: Request) -> Response:
    """Answer 426, and name in the answer and in the log which headers of the handshake are missing."""
    missing = missing_headers(request.headers.get("connection", ""), request.headers.get("upgrade", ""))
    if missing:
        names = " and ".join(missing)
        address = request.client.host if request.client else "local"
        event = f"handshake without an upgrade: {_ADVICE}"
        log.warning(event + " missing=%s address=%s", names, address, extra=RATE_LIMITED)
        message = f"the WebSocket handshake arrived without {names}; {_ADVICE}"
    else:
        message = "a WebSocket handshake must be a GET request with HTTP/1.1"
    return error_response(http_error(ErrorCode.BAD_REQUEST, message, status=UPGRADE_REQUIRED), _HEADERS)


def missing_headers(connection: str, upgrade: str) -> list[str]:
    """Return which of the two headers of an upgrade (RFC 6455 §4.2.1) are missing or have another value."""
    missing = []
    if "upgrade" not in [token.strip().lower() for token in connection.split(",")]:
        missing.append("Connection: Upgrade")
    if upgrade.strip().lower() != "websocket":
        missing.append("Upgrade: websocket")
    return missing
