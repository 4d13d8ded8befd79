"""Post and change messages: check the author's permission, and append the event to the room's log."""

from collections.abc import Mapping
from typing import Protocol

from cloudchat.auth.principal import CHAT_WRITE, Principal
from cloudchat.broker.appends import AppendCallback, Change, Entry, Refusal, Refused
from cloudchat.core.timestamps import rfc3339
from cloudchat.messages.mention_directory import MentionDirectory
from cloudchat.messages.message_log import EventLog
from cloudchat.protocol.commands import Delete, Edit, React, Send
from cloudchat.protocol.errors import Error, ErrorCode, error, unavailable
from cloudchat.protocol.events import User, encoder
from cloudchat.protocol.logged_events import DeletedBody, EditedBody, MessageBody, ReactionBody
from cloudchat.rooms.permissions import Command, may, server_role_of
from cloudchat.rooms.posting import may_write, slow_mode_ms
from cloudchat.rooms.summaries.summary import RoomSummary


class MessageService(Protocol):
    """Posts and changes messages.

    `room` is the room as its author sees it, None if the author is not in it; `now` is in seconds since 1970. Each
    operation returns the error if the command is not allowed, else None; then `on_done` is called with the outcome.
    `refusal_error` makes an error of a `Refused`.
    """

    def post(
        self, author: Principal, room: RoomSummary | None, command: Send, now: float, on_done: AppendCallback
    ) -> Error | None:
        """Append a message."""

    def change(
        self,
        author: Principal,
        room: RoomSummary | None,
        command: Edit | Delete | React,
        now: float,
        on_done: AppendCallback,
    ) -> Error | None:
        """Edit or delete a message, or react to it."""

    def notice(self, room: str, cid: str, notice: bytes, at: float, version: int, on_done: AppendCallback) -> None:
        """Append a notice of a change in the room, which has the new `version`. The same cid appends it only once.

        `notice` is the JSON of a `protocol.logged_events.NoticeBody`, `at` its time in seconds since 1970.
        """


class RoomLogMessageService:
    """Appends messages to the logs of rooms.

    It neither waits nor makes an SQL query: principal and room were loaded when the socket was opened, and the store
    refuses an append whose room has changed since (`Refusal.STALE`).
    """

    def __init__(self, log: EventLog, mentions: MentionDirectory, versions: Mapping[str, int]) -> None:
        """`versions` says up to which version of a room the `RoomSummary` objects of this process are right."""
        self._log = log
        self._mentions = mentions
        self._versions = versions

    def post(
        self, author: Principal, room: RoomSummary | None, command: Send, now: float, on_done: AppendCallback
    ) -> Error | None:
        """See `MessageService`."""
        if room is None:
            return room_not_found(command.id)
        rejection = write_error(author, room, Command.POST, command.id, now)
        if rejection is not None:
            return rejection
        at = rfc3339(now)
        mentions = self._mentions.find(room, command.text)
        body = MessageBody(
            cid=command.cid,
            user=_user(author),
            text=command.text,
            at=at,
            reply_to=command.reply_to,
            mentions=mentions.users,
            mentions_room=mentions.room,
        )
        encoded = encoder.encode(body)[1:]
        slow_ms = slow_mode_ms(room, server_role_of(author)) if room.slow_mode_seconds else 0
        version = self._version(room)
        reply_to = command.reply_to or 0
        entry = Entry(room.id, author.user_id, command.cid, "message", encoded, at, version, slow_ms, reply_to)
        self._log.append(entry, on_done)
        return None

    def change(
        self,
        author: Principal,
        room: RoomSummary | None,
        command: Edit | Delete | React,
        now: float,
        on_done: AppendCallback,
    ) -> Error | None:
        """See `MessageService`."""
        if room is None:
            return room_not_found(command.id)
        rejection = write_error(author, room, _PERMISSION[type(command)], command.id, now)
        if rejection is not None:
            return rejection
        at, target = rfc3339(now), command.seq
        user = _user(author)
        kind: str
        body: EditedBody | DeletedBody | ReactionBody
        emoji, on = "", False
        match command:
            case Edit():
                mentions = self._mentions.find(room, command.text)
                kind = "edited"
                body = EditedBody(
                    target=target,
                    user=user,
                    text=command.text,
                    at=at,
                    mentions=mentions.users,
                    mentions_room=mentions.room,
                )
            case Delete():
                kind, body = "deleted", DeletedBody(target=target, user=user, at=at)
            case React():
                emoji, on = command.emoji, command.on
                kind, body = "reaction", ReactionBody(target=target, user=user, emoji=emoji, on=on, at=at)
        encoded = encoder.encode(body)[1:]
        event = Entry(room.id, author.user_id, command.cid, kind, encoded, at, self._version(room))
        self._log.change(Change(event, target, _moderates(author, room), emoji, on), on_done)
        return None

    def notice(self, room: str, cid: str, notice: bytes, at: float, version: int, on_done: AppendCallback) -> None:
        """See `MessageService`."""
        self._log.append(Entry(room, NOTICE_AUTHOR, cid, "notice", notice[1:], rfc3339(at), version), on_done)

    def _version(self, room: RoomSummary) -> int:
        return max(room.version, self._versions.get(room.id, 0))


NOTICE_AUTHOR = ""
"""Under whose name the cids of notices are remembered: every process that appends one must use the same."""
_PERMISSION: Mapping[type[Edit | Delete | React], Command] = {
    Edit: Command.EDIT,
    Delete: Command.DELETE,
    React: Command.REACT,
}


def write_error(author: Principal, room: RoomSummary, permission: Command, id: str | None, now: float) -> Error | None:
    """Return the error if the author may not write in the room now."""
    if CHAT_WRITE not in author.scopes:
        return error(ErrorCode.FORBIDDEN, "this token may not write; it needs the scope chat:write", id=id)
    refused = may_write(room, permission, server_role_of(author), now)
    if refused is None:
        return None
    return error(refused.code, str(refused), id=id, retry_after_ms=refused.retry_after_ms, field="room")


def _user(author: Principal) -> User:
    return User(id=author.user_id, name=author.name, bot=author.is_bot)


def _moderates(author: Principal, room: RoomSummary) -> bool:
    return may(Command.DELETE_OTHERS, room.kind, room.role, server_role_of(author))


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
        case Refusal.NOT_REPLIABLE:
            message = "the message that this one replies to does not exist in this room"
            return error(ErrorCode.NOT_FOUND, message, id=id, field="reply_to")
        case Refusal.FORBIDDEN:
            return error(ErrorCode.FORBIDDEN, "you may not change this message", id=id, field="seq")
        case Refusal.UNARCHIVED:
            return unavailable(id, "the archive is behind; try again later")
        case Refusal.NOT_IN_LOG:
            return unavailable(id, "the message is in the archive, which cannot be read now; try again")
        case Refusal.FULL:
            message = "this message has too many edits or reactions"
            return error(ErrorCode.CONFLICT, message, id=id, field="seq")
