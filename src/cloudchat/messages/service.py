"""May this user post here, and what exactly is posted."""

from collections.abc import Mapping

from cloudchat.auth.principal import CHAT_WRITE, Principal
from cloudchat.broker.broker import AppendCallback, Broker, Entry
from cloudchat.core.timestamps import rfc3339
from cloudchat.protocol.commands import Send
from cloudchat.protocol.errors import Error, ErrorCode, error
from cloudchat.protocol.events import MessageBody, User, encoder
from cloudchat.rooms.service import RoomSummary


class MessageService:
    """Turns a `send` into an entry of the room's log."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def post(
        self, author: Principal, rooms: Mapping[str, RoomSummary], command: Send, now: float, done: AppendCallback
    ) -> Error | None:
        """Append a message of `author`, who is in `rooms`. `done` hears the outcome, unless an error is returned.

        `now` is in seconds since 1970. No SQL, no waiting: what is asked here was loaded when the socket opened.
        """
        if CHAT_WRITE not in author.scopes:
            return error(ErrorCode.FORBIDDEN, "this token may not write (scope chat:write)", id=command.id)
        if command.room not in rooms:
            # The same answer for a room that does not exist and for one that is none of the user's business.
            return error(ErrorCode.NOT_FOUND, "you are in no room of that name", id=command.id, field="room")
        at = rfc3339(now)
        body = MessageBody(
            cid=command.cid,
            user=User(id=author.user_id, name=author.name),
            text=command.text,
            at=at,
            reply_to=command.reply_to,
        )
        entry = Entry(command.room, author.user_id, command.cid, "message", encoder.encode(body)[1:], at)
        self._broker.append(entry, done)
        return None
