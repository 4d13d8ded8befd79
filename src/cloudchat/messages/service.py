"""Post a message: check the author's permission, and append the event to the room's log."""

from collections.abc import Mapping
from typing import Protocol

from cloudchat.auth.principal import CHAT_WRITE, Principal
from cloudchat.broker.broker import AppendCallback, Broker, Entry
from cloudchat.core.timestamps import rfc3339
from cloudchat.messages.slow_mode import SlowMode
from cloudchat.protocol.commands import Send
from cloudchat.protocol.errors import Error, ErrorCode, error
from cloudchat.protocol.events import MessageBody, User, encoder
from cloudchat.rooms.permissions import server_role_of
from cloudchat.rooms.posting import may_post, next_post_at
from cloudchat.rooms.service import RoomSummary


class MessageService(Protocol):
    """Posts messages."""

    def post(
        self, author: Principal, rooms: Mapping[str, RoomSummary], command: Send, now: float, on_done: AppendCallback
    ) -> Error | None:
        """Append a message of `author`, who is in `rooms`. `now` is in seconds since 1970.

        Returns the error if the message is not allowed, else None; then `on_done` is called with the outcome.
        """


class RoomLogMessageService:
    """Appends messages to the logs of rooms.

    It neither waits nor makes an SQL query: principal and rooms were loaded when the socket was opened.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._slow_mode = SlowMode()

    def post(
        self, author: Principal, rooms: Mapping[str, RoomSummary], command: Send, now: float, on_done: AppendCallback
    ) -> Error | None:
        """See `MessageService`."""
        if CHAT_WRITE not in author.scopes:
            message = "this token may not write; it needs the scope chat:write"
            return error(ErrorCode.FORBIDDEN, message, id=command.id)
        room = rooms.get(command.room)
        if room is None:
            return room_not_found(command.id)
        allowed_at = self._slow_mode.allowed_at(room.id, author.user_id, command.cid) if room.slow_mode_seconds else 0.0
        refusal = may_post(room, server_role_of(author), now, post_allowed_at=allowed_at)
        if refusal is not None:
            return error(refusal.code, str(refusal), id=command.id, retry_after_ms=refusal.retry_after_ms)
        if room.slow_mode_seconds:
            self._slow_mode.posted(room.id, author.user_id, command.cid, next_post_at(room, now))
        at = rfc3339(now)
        body = MessageBody(
            cid=command.cid,
            user=User(id=author.user_id, name=author.name),
            text=command.text,
            at=at,
            reply_to=command.reply_to,
        )
        entry = Entry(command.room, author.user_id, command.cid, "message", encoder.encode(body)[1:], at)
        self._broker.append(entry, on_done)
        return None


def room_not_found(id: str | None) -> Error:
    """Return the error for a room that the user is not in: the same, whether or not the room exists."""
    return error(ErrorCode.NOT_FOUND, "you are not in a room with this id", id=id, field="room")
