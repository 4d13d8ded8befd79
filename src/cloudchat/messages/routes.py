"""`/api/rooms/{room_id}/messages` and `/api/rooms/{room_id}/history`.

They take the same path as the commands of a socket: the same service, the same deduplication, the same limits of the
user. The store's connection lives on the event loop, so these routes are `async`; what blocks runs in threads.
"""

import asyncio
import time
from typing import Annotated, Protocol

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Response
from msgspec import Struct
from slowapi import Limiter

from cloudchat.archive.history.reader import HistoryReader
from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.dependencies import require_principal
from cloudchat.auth.principal import CHAT_READ, CHAT_WRITE, Principal
from cloudchat.broker.appends import Appended, Refused
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.reads import HistoryRange
from cloudchat.core.message_text import text_error
from cloudchat.http.error_docs import documented
from cloudchat.messages.errors import MessageError
from cloudchat.messages.request_posting import RequestPosting
from cloudchat.messages.schemas import AckResponse, HistoryResponse, MessageRequest
from cloudchat.messages.service import refusal_error, room_not_found
from cloudchat.protocol.commands import CID_PATTERN, MAX_SAFE_INTEGER, Send, canonical_cid
from cloudchat.protocol.errors import Error, ErrorCode, error, unavailable
from cloudchat.protocol.events import Limits
from cloudchat.rate_limiting.http_limits import limited_route
from cloudchat.rooms.dependencies import RoomId
from cloudchat.rooms.service import RoomService
from cloudchat.rooms.summaries.summary import RoomSummary
from cloudchat.settings import Settings

_Seq = Annotated[int | None, Query(ge=1, le=MAX_SAFE_INTEGER, examples=[17])]
_SeqOrZero = Annotated[int | None, Query(ge=0, le=MAX_SAFE_INTEGER, examples=[0])]


class UserLimits(Protocol):
    """The limits of a user, which requests share with sockets. Each returns 0 or the milliseconds to wait."""

    def take_send(self, user_id: str, now: float) -> int:
        """Charge a message."""

    def start_read(self, user_id: str, now: float) -> int:
        """Charge the fixed cost of a read."""

    def charge_read(self, user_id: str, size: int, now: float) -> None:
        """Charge bytes that were read."""


class MessageBackend(Struct, frozen=True):
    """What the routes share with the sockets of this process. It lives on the event loop."""

    posting: RequestPosting
    history: HistoryReader
    limits: UserLimits


def message_routes(
    backend: MessageBackend, rooms: RoomService, authenticator: Authenticator, limiter: Limiter, settings: Settings
) -> APIRouter:
    """Return the router."""
    routes = APIRouter(
        prefix="/api/rooms/{room_id}", tags=["messages"], route_class=limited_route(limiter, settings.account_rate)
    )
    history, limits = backend.history, backend.limits
    text_chars = Limits().text_chars
    Reader = Annotated[Principal, Depends(require_principal(authenticator, scope=CHAT_READ))]  # noqa: N806 (a type)
    Writer = Annotated[Principal, Depends(require_principal(authenticator, scope=CHAT_WRITE))]  # noqa: N806 (a type)
    IdempotencyKey = Annotated[  # noqa: N806 (a type)
        str,
        Header(
            pattern=CID_PATTERN,
            description="A UUID of this message. A repetition with it stores nothing.",
            examples=["0f8fad5b-d9cb-469f-a165-70867728950e"],
        ),
    ]

    async def room_of(user_id: str, room_id: str) -> RoomSummary | None:
        return await asyncio.to_thread(rooms.membership, user_id, room_id)

    @routes.post(
        "/messages",
        status_code=201,
        responses={
            200: {"model": AckResponse, "description": "A repetition"},
            **documented(401, 403, 404, 413, 415, 422, 429, 503),
        },
    )
    async def post_message(
        room_id: RoomId, body: MessageRequest, principal: Writer, response: Response, idempotency_key: IdempotencyKey
    ) -> AckResponse:
        """Post a message, like the command `send`. It is on disk when the response arrives.

        Repeat the request with the same `Idempotency-Key` when its outcome is not known.
        """
        problem = text_error(body.text, text_chars)
        if problem is not None:
            raise MessageError(problem)
        if wait_ms := limits.take_send(principal.user_id, time.monotonic()):
            raise _too_fast(wait_ms)
        command = Send(room=room_id, cid=canonical_cid(idempotency_key), text=body.text, reply_to=body.reply_to)
        match await backend.posting.post(principal, command, room_of):
            case Appended() as appended:
                response.status_code = 200 if appended.duplicate else 201
                return AckResponse.of_append(room_id, command.cid, appended)
            case Refused() as refused:
                raise MessageError(refusal_error(refused, None))
            case Error() as rejection:
                raise MessageError(rejection)
            case _:
                message = "the message may not have been stored; send it again with the same key"
                raise MessageError(unavailable(None, message))

    @routes.get("/history", response_model=HistoryResponse, responses=documented(401, 403, 404, 422, 429, 503))
    async def read_history(
        room_id: RoomId,
        principal: Reader,
        before: _Seq = None,
        after: _SeqOrZero = None,
        around: _Seq = None,
        limit: Annotated[int, Query(ge=1, le=200, examples=[50])] = 50,
    ) -> Response:
        """Read messages and notices in their current form, like the command `history`.

        Give one of `before`, `after` and `around`; without any, the newest ones are returned.
        """
        if [before, after, around].count(None) < 2:
            raise MessageError(error(ErrorCode.BAD_REQUEST, "give one of before, after and around", field="before"))
        room = await room_of(principal.user_id, room_id)
        if room is None:
            raise MessageError(room_not_found(None))
        if wait_ms := limits.start_read(principal.user_id, time.monotonic()):
            raise _too_fast(wait_ms)
        try:
            page = await history.read(room_id, _range(before, after, around, limit))
        except BrokerUnavailable as problem:
            raise MessageError(unavailable(None, "the room's history cannot be read now")) from problem
        if page.version > room.version and await room_of(principal.user_id, room_id) is None:
            raise MessageError(room_not_found(None))  # removed after the first look: the page may have later messages
        limits.charge_read(principal.user_id, sum(map(len, page.rows)), time.monotonic())
        fields = {
            "room": room_id,
            "epoch": page.epoch,
            "as_of": page.as_of,
            "events": [msgspec.Raw(row) for row in page.rows],
            "more_before": page.more_before,
            "more_after": page.more_after,
        }
        return Response(msgspec.json.encode(fields), media_type="application/json")

    return routes


def _range(before: int | None, after: int | None, around: int | None, limit: int) -> HistoryRange:
    if after is not None:
        return HistoryRange.after_seq(after, limit)
    if around is not None:
        return HistoryRange.around_seq(around, limit)
    return HistoryRange.before_seq(before or MAX_SAFE_INTEGER, limit)


def _too_fast(wait_ms: int) -> MessageError:
    return MessageError(error(ErrorCode.RATE_LIMITED, "too fast: slow down", retry_after_ms=wait_ms))
