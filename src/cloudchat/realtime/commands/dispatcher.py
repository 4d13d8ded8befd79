"""Which part of the server executes each command."""

import asyncio
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any

from cloudchat.core.timestamps import rfc3339
from cloudchat.protocol import replies
from cloudchat.protocol.commands import (
    AnyCommand,
    Auth,
    Delete,
    Edit,
    History,
    Join,
    Leave,
    Ping,
    React,
    Read,
    Send,
    Typing,
    Unread,
    Who,
)
from cloudchat.protocol.errors import Error
from cloudchat.realtime.commands.logged_commands import LoggedCommands
from cloudchat.realtime.commands.read_commands import ReadCommands
from cloudchat.realtime.commands.token_renewal import TokenRenewal
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.ephemeral.ephemeral_commands import EphemeralCommands
from cloudchat.realtime.feeds.relay import Spawn
from cloudchat.realtime.socket_stats import SocketStats


class Dispatcher:
    """Executes the commands of all connections (their `ConnectionHandler`); every command is answered.

    `send`, `edit`, `delete`, `react` and `ping` are executed immediately, without a task. The others are
    executed one after the other in each room.
    """

    def __init__(
        self,
        logged: LoggedCommands,
        reads: ReadCommands,
        ephemeral: EphemeralCommands,
        renewal: TokenRenewal,
        stats: SocketStats,
        spawn: Spawn,
    ) -> None:
        self._logged = logged
        self._reads = reads
        self._ephemeral = ephemeral
        self._renewal = renewal
        self._stats = stats
        self._spawn = spawn

    def dispatch(self, connection: Connection, command: AnyCommand) -> None:
        """See `ConnectionHandler`."""
        self._stats.command_accepted(command)
        match command:
            case Send():
                self._logged.post(connection, command)
            case Edit() | Delete() | React():
                self._logged.change(connection, command)
            case Ping():
                connection.send(replies.Pong(id=command.id, server_time=rfc3339(time.time())))
            case Join():
                if self._reads.may_read(connection, command):
                    connection.enqueue(command, partial(self._reads.join, connection, command))
            case History():
                if self._reads.may_read(connection, command):
                    connection.enqueue(command, partial(self._reads.history, connection, command))
            case Unread():
                if self._reads.may_read(connection, command):
                    connection.enqueue(command, partial(self._reads.unread, connection, command))
            case Read():
                if self._reads.may_read(connection, command):
                    connection.enqueue(command, partial(self._ephemeral.read, connection, command))
            case Who():
                if self._reads.may_read(connection, command):
                    connection.enqueue(command, partial(self._who, connection, command))
            case Typing():
                self._ephemeral.typing(connection, command)
            case Leave():
                connection.enqueue(command, partial(self._reads.leave, connection, command))
            case Auth():
                connection.enqueue(command, partial(self._renewal.renew, connection, command))

    def frame_rejected(self, error: Error) -> None:
        """See `ConnectionHandler`."""
        self._stats.frame_rejected(error.code)

    def connection_closed(self, connection: Connection) -> None:
        """See `ConnectionHandler`."""
        self._reads.leave_all(connection)
        self._stats.closes[connection.socket.close_code] += 1

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        """See `ConnectionHandler`."""
        return self._spawn(work, name)

    async def _who(self, connection: Connection, command: Who) -> None:
        if self._reads.within_budget(connection, command):
            await self._ephemeral.who(connection, command)
