"""Post and change messages: check the author's permission, and append the event to the room's log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cloudchat.auth.principal import CHAT_WRITE, Principal
from cloudchat.broker.broker import AppendCallback, Broker, Change, Entry, Refusal, Refused
from cloudchat.core.timestamps import rfc3339
from cloudchat.protocol.commands import Delete, Edit, LoggedCommand, React, Send
from cloudchat.protocol.errors import Error, ErrorCode, error, unavailable
from cloudchat.protocol.events import DeletedBody, EditedBody, MessageBody, NoticeBody, ReactionBody, User, encoder
from cloudchat.rooms.service import RoomSummary


@dataclass(frozen=True, slots=True)
class RoomRules:
    """What the caller has found out about a user in a room, before a command of this user is executed.

    `version` is the room's version at that time: the store refuses the command when a later one exists. `moderates`
    says whether the user may delete messages of others, `slow_mode_ms` how much time must pass between two of their
    messages.
    """

    version: int = 0
    moderates: bool = False
    slow_mode_ms: int = 0


NO_RULES = RoomRules()


class MessageService(Protocol):
    """Posts and changes messages.

    The author is in `rooms`, `now` is in seconds since 1970. Each operation returns the error if the command is not
    allowed, else None; then `on_done` is called with the outcome. `refusal_error` makes an error of a `Refused`.
    """

    def post(
        self,
        author: Principal,
        rooms: Mapping[str, RoomSummary],
        command: Send,
        now: float,
        on_done: AppendCallback,
        rules: RoomRules = NO_RULES,
    ) -> Error | None:
        """Append a message."""

    def change(
        self,
        author: Principal,
        rooms: Mapping[str, RoomSummary],
        command: Edit | Delete | React,
        now: float,
        on_done: AppendCallback,
        rules: RoomRules = NO_RULES,
    ) -> Error | None:
        """Edit or delete a message, or react to it."""

    def notice(self, room: str, cid: str, notice: NoticeBody, version: int, on_done: AppendCallback) -> None:
        """Append a notice of a change in the room, which has the new `version`. The same cid appends it only once."""


class RoomLogMessageService:
    """Appends messages to the logs of rooms.

    It neither waits nor makes an SQL query: principal and rooms were loaded when the socket was opened.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def post(
        self,
        author: Principal,
        rooms: Mapping[str, RoomSummary],
        command: Send,
        now: float,
        on_done: AppendCallback,
        rules: RoomRules = NO_RULES,
    ) -> Error | None:
        """See `MessageService`."""
        rejection = _check(author, rooms, command)
        if rejection is not None:
            return rejection
        at = rfc3339(now)
        body = MessageBody(
            cid=command.cid,
            user=User(id=author.user_id, name=author.name),
            text=command.text,
            at=at,
            reply_to=command.reply_to,
        )
        encoded = encoder.encode(body)[1:]
        entry = Entry(
            command.room, author.user_id, command.cid, "message", encoded, at, rules.version, rules.slow_mode_ms
        )
        self._broker.append(entry, on_done)
        return None

    def change(
        self,
        author: Principal,
        rooms: Mapping[str, RoomSummary],
        command: Edit | Delete | React,
        now: float,
        on_done: AppendCallback,
        rules: RoomRules = NO_RULES,
    ) -> Error | None:
        """See `MessageService`."""
        rejection = _check(author, rooms, command)
        if rejection is not None:
            return rejection
        at, target = rfc3339(now), command.seq
        user = User(id=author.user_id, name=author.name)
        kind: str
        body: EditedBody | DeletedBody | ReactionBody
        emoji, on = "", False
        match command:
            case Edit():
                kind, body = "edited", EditedBody(target=target, user=user, text=command.text, at=at)
            case Delete():
                kind, body = "deleted", DeletedBody(target=target, user=user, at=at)
            case React():
                emoji, on = command.emoji, command.on
                kind, body = "reaction", ReactionBody(target=target, user=user, emoji=emoji, on=on, at=at)
        encoded = encoder.encode(body)[1:]
        event = Entry(command.room, author.user_id, command.cid, kind, encoded, at, rules.version)
        self._broker.change(Change(event, target, rules.moderates, emoji, on), on_done)
        return None

    def notice(self, room: str, cid: str, notice: NoticeBody, version: int, on_done: AppendCallback) -> None:
        """See `MessageService`."""
        body = encoder.encode(notice)[1:]
        self._broker.append(Entry(room, notice.user.id, cid, "notice", body, notice.at, version), on_done)


def _check(author: Principal, rooms: Mapping[str, RoomSummary], command: LoggedCommand) -> Error | None:
    if CHAT_WRITE not in author.scopes:
        message = "this token may not write; it needs the scope chat:write"
        return error(ErrorCode.FORBIDDEN, message, id=command.id)
    return None if command.room in rooms else room_not_found(command.id)


def room_not_found(id: str | None) -> Error:
    """Return the error for a room that the user is not in: the same, whether or not the room exists."""
    return error(ErrorCode.NOT_FOUND, "you are not in a room with this id", id=id, field="room")


def refusal_error(refused: Refused, id: str | None) -> Error:
    """Return the error of a command that the store has refused."""
    match refused.reason:
        case Refusal.STALE:
            return unavailable(id, "the room has changed in this moment; try again")
        case Refusal.SLOW_MODE:
            message = "this room is in slow mode; wait before you send another message"
            return error(ErrorCode.RATE_LIMITED, message, id=id, retry_after_ms=refused.detail)
        case Refusal.NOT_FOUND:
            return error(ErrorCode.NOT_FOUND, "the message does not exist, or is deleted", id=id, field="seq")
        case Refusal.FORBIDDEN:
            return error(ErrorCode.FORBIDDEN, "you may not change this message", id=id, field="seq")
        case Refusal.FULL:
            message = "this message has too many edits or reactions"
            return error(ErrorCode.CONFLICT, message, id=id, field="seq")
