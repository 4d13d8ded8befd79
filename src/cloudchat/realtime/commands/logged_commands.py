"""The commands that append to the log of a room: `send`, `edit`, `delete`, `react`."""

import time
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from cloudchat.broker.appends import AppendCallback, Appended, AppendOutcome, Refused
from cloudchat.messages.mention_directory import MentionDirectory
from cloudchat.messages.service import MessageService, refusal_error
from cloudchat.protocol import events, replies
from cloudchat.protocol.commands import Delete, Edit, LoggedCommand, React, Send
from cloudchat.protocol.errors import Error, unavailable
from cloudchat.protocol.framing import text_frame
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.membership.held_appends import HeldAppends, LoggedAppend
from cloudchat.realtime.socket_stats import SocketStats

_Command = TypeVar("_Command", bound=LoggedCommand)


class LoggedCommands:
    """Executes them immediately, without a task; each gets one reply, when the store has answered."""

    def __init__(
        self,
        messages: MessageService,
        mentions: MentionDirectory,
        appends: HeldAppends,
        hub: Hub,
        stats: SocketStats,
    ) -> None:
        self.messages = messages
        self.mentions = mentions
        self._appends = appends
        self._hub = hub
        self._stats = stats

    def post(self, connection: Connection, command: Send) -> None:
        """Append a message."""
        self._submit(connection, _Post(self, connection, command))

    def change(self, connection: Connection, command: Edit | Delete | React) -> None:
        """Append a change of a message."""
        self._submit(connection, _Change(self, connection, command))

    def reply(self, connection: Connection, command: LoggedCommand, outcome: AppendOutcome | Error) -> None:
        """Send the reply to a command, in one write with its event where that is possible."""
        if isinstance(outcome, Appended):
            self._stats.messages_stored += isinstance(command, Send) and not outcome.duplicate
            reply: replies.Ack | Error = replies.Ack(
                id=command.id,
                room=command.room,
                seq=outcome.seq,
                epoch=outcome.epoch,
                cid=command.cid,
                at=outcome.at,
                duplicate=outcome.duplicate,
            )
        else:
            reply = _problem(command, outcome)
            self._stats.command_rejected(command, reply.code)
        self._hub.reply(command.room, connection.socket, text_frame(events.encode(reply)))
        connection.send_finished()

    def _submit(self, connection: Connection, append: "_Append[Any]") -> None:
        if connection.draining:
            connection.send(unavailable(append.command.id, "the server restarts"))
            return
        connection.pending_sends += 1
        self._appends.submit(append)


class _Append(LoggedAppend, Generic[_Command]):
    """One command of one connection."""

    __slots__ = ("_commands", "_connection", "command")

    def __init__(self, commands: LoggedCommands, connection: Connection, command: _Command) -> None:
        super().__init__(command.room)
        self._commands = commands
        self._connection = connection
        self.command = command

    @property
    def room_version(self) -> int:
        room = self._connection.rooms.get(self.room)
        return 0 if room is None else room.version

    def finish(self, outcome: AppendOutcome | Error) -> None:
        self._commands.reply(self._connection, self.command, outcome)

    def _look_up_names(self, text: str) -> Coroutine[Any, Any, None] | None:
        if "@" not in text:
            return None
        room = self._connection.rooms.get(self.room)
        return None if room is None else self._commands.mentions.preparation(room, text)


class _Post(_Append[Send]):
    __slots__ = ()

    def prepare(self) -> Coroutine[Any, Any, None] | None:
        return self._look_up_names(self.command.text)

    def attempt(self, on_done: AppendCallback) -> Error | None:
        connection = self._connection
        room = connection.rooms.get(self.room)
        return self._commands.messages.post(connection.principal, room, self.command, time.time(), on_done)


class _Change(_Append[Edit | Delete | React]):
    __slots__ = ()

    def prepare(self) -> Coroutine[Any, Any, None] | None:
        return self._look_up_names(self.command.text) if isinstance(self.command, Edit) else None

    def attempt(self, on_done: AppendCallback) -> Error | None:
        connection = self._connection
        room = connection.rooms.get(self.room)
        return self._commands.messages.change(connection.principal, room, self.command, time.time(), on_done)


def _problem(command: LoggedCommand, outcome: AppendOutcome | Error) -> Error:
    if isinstance(outcome, Error):
        return outcome
    if isinstance(outcome, Refused):
        return refusal_error(outcome, command.id)
    return unavailable(command.id, "the message may not have been stored; send it again with the same cid")
