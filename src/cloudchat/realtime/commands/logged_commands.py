"""The commands that append to the log of a room: `send`, `edit`, `delete`, `react`."""

import time
from functools import partial

from cloudchat.broker.broker import AppendCallback, Appended, AppendOutcome, Refused
from cloudchat.messages.mention_directory import MentionDirectory
from cloudchat.messages.service import MessageService, refusal_error
from cloudchat.protocol import events
from cloudchat.protocol.commands import Delete, Edit, LoggedCommand, React, Send
from cloudchat.protocol.errors import Error, unavailable
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.membership.held_appends import Attempt, HeldAppends, Prepare
from cloudchat.realtime.socket_stats import SocketStats


class LoggedCommands:
    """Executes them immediately, without a task; each gets one reply, when the store has answered."""

    def __init__(
        self, messages: MessageService, mentions: MentionDirectory, appends: HeldAppends, stats: SocketStats
    ) -> None:
        self._messages = messages
        self._mentions = mentions
        self._appends = appends
        self._stats = stats

    def post(self, connection: Connection, command: Send) -> None:
        """Append a message."""
        prepare = partial(self._mentions.preparation, command.room, command.text)
        self._append(connection, command, partial(self._post, connection, command), prepare)

    def change(self, connection: Connection, command: Edit | Delete | React) -> None:
        """Append a change of a message."""
        prepare = None
        if isinstance(command, Edit):
            prepare = partial(self._mentions.preparation, command.room, command.text)
        self._append(connection, command, partial(self._change, connection, command), prepare)

    # -- internal -----------------------------------------------------------------------------------------------------

    def _post(self, connection: Connection, command: Send, on_done: AppendCallback) -> Error | None:
        room = connection.rooms.get(command.room)
        return self._messages.post(connection.principal, room, command, time.time(), on_done)

    def _change(self, connection: Connection, command: Edit | Delete | React, on_done: AppendCallback) -> Error | None:
        room = connection.rooms.get(command.room)
        return self._messages.change(connection.principal, room, command, time.time(), on_done)

    def _append(
        self, connection: Connection, command: LoggedCommand, attempt: Attempt, prepare: Prepare | None
    ) -> None:
        if connection.draining:
            connection.send(unavailable(command.id, "the server restarts"))
            return

        def on_done(outcome: AppendOutcome | Error) -> None:
            connection.send(self._reply(command, outcome))
            connection.send_finished()

        connection.pending_sends += 1
        self._appends.submit(command.room, attempt, on_done, prepare)

    def _reply(self, command: LoggedCommand, outcome: AppendOutcome | Error) -> events.Ack | Error:
        if isinstance(outcome, Appended):
            self._stats.messages_stored += isinstance(command, Send) and not outcome.duplicate
            return events.Ack(
                id=command.id,
                room=command.room,
                seq=outcome.seq,
                epoch=outcome.epoch,
                cid=command.cid,
                at=outcome.at,
                duplicate=outcome.duplicate,
            )
        if isinstance(outcome, Error):
            problem = outcome
        elif isinstance(outcome, Refused):
            problem = refusal_error(outcome, command.id)
        else:
            message = "the message may not have been stored; send it again with the same cid"
            problem = unavailable(command.id, message)
        self._stats.command_rejected(command, problem.code)
        return problem
