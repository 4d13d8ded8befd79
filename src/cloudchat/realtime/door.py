"""How a socket that is not let in is told so."""

import json
import logging
from typing import Any

from starlette.types import Receive, Scope, Send

from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.realtime.handshake import SUBPROTOCOL, Credential, HandshakeRejection
from cloudchat.realtime.socket_stats import SocketStats

logger = logging.getLogger(__name__)


NO_SOCKET = HandshakeRejection(404, "not_found", "there is no socket here; see /ws")


class Door:
    """Answers, logs and counts refusals. As an ASGI application it refuses everybody: sockets are elsewhere."""

    def __init__(self, traffic: SocketStats) -> None:
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        await self.refuse(send, NO_SOCKET, (scope["client"] or ("local",))[0])

    async def turn_away(
        self, send: Send, credential: Credential, refusal: HandshakeRejection, code: CloseCode, client: str
    ) -> None:
        """Refuse a credential in the way its sender can see: a browser sees no status, but it sees a close code."""
        if credential.from_header:
            await self.refuse(send, refusal, client)
            return
        self._note(refusal, client)
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
        await send({"type": "websocket.close", "code": int(code), "reason": code.reason})

    async def refuse(self, send: Send, refusal: HandshakeRejection, client: str, user_id: str = "unknown") -> None:
        """Answer the handshake with an HTTP status and the error body."""
        self._note(refusal, client, user_id)
        retryable = refusal.status in (429, 503)
        error: dict[str, Any] = {"code": refusal.code, "message": refusal.message, "retryable": retryable}
        headers = [(b"content-type", b"application/json")]
        if retryable:
            error["retry_after_ms"] = refusal.retry_after_seconds * 1000
            headers.append((b"retry-after", str(refusal.retry_after_seconds).encode()))
        if refusal.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        await send({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": json.dumps({"error": error}).encode()})

    def _note(self, refusal: HandshakeRejection, client: str, user_id: str = "unknown") -> None:
        self._traffic.connects[refusal.code] += 1
        told = refusal.status, refusal.code, user_id, client
        logger.info("socket refused status=%d code=%s user=%s address=%s", *told, extra=RATE_LIMITED)
