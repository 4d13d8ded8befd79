"""One session of the terminal client: what the user types goes to the client, its updates go to the conversation.

The screen and the pipe use the same session; they differ in what they show (`Display`).
"""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from cloudchat.client import (
    ChatClient,
    ClientError,
    CommandRefused,
    Update,
)
from cloudchat.terminal import commands
from cloudchat.terminal.commands import HELP, InputError, Simple, parse_input
from cloudchat.terminal.conversation import Conversation, RoomView
from cloudchat.terminal.http_requests import RequestFailed
from cloudchat.terminal.printable import printable_line
from cloudchat.terminal.room_directory import MAX_LISTED, NoSuchRoom, RoomDirectory
from cloudchat.terminal.shown_room import ShownRoom

PAGE_ROWS = 50
TYPING_INTERVAL_SECONDS = 3.0
"""The server passes on one `typing` of a user in a room in this time."""


class Display(Protocol):
    """What shows a session to the user."""

    def updated(self, update: Update) -> None:
        """Show what an update has changed."""

    def tell(self, text: str) -> None:
        """Show the client's answer to what the user typed, or its error."""

    def refused(self, line: str) -> None:
        """Give the user back what they typed: the server has refused it."""

    def close(self) -> None:
        """End the display."""


class TerminalSession:
    """Call `follow` once, and `enter` for each line of the user.

    `room` is the room to begin with, by default the lobby.
    """

    def __init__(self, client: ChatClient, directory: RoomDirectory, room: str | None = None) -> None:
        self.conversation = Conversation()
        self.display: Display
        self._client = client
        self._directory = directory
        self._shown = ShownRoom(self.conversation, room)
        self._typed_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._acked: dict[str, int] = {}
        """The seq of the last acknowledged command of each room."""

    @property
    def current(self) -> RoomView | None:
        """The room that is shown; None until the server has told the rooms, and after a removal from it."""
        return self._shown.view

    async def follow(self) -> None:
        """Take the updates of the client, until it ends.

        Raises the `ClientError` that ended it, and `UnknownRoom`.
        """
        updates = self._client.updates()
        self._client.join_all(limit=PAGE_ROWS)
        async for update in updates:
            self.conversation.apply(update, time.monotonic())
            if lost_room := self._shown.follow(update):
                self.display.tell(lost_room)
            self.display.updated(update)

    def enter(self, line: str) -> None:
        """Do what the user has typed."""
        try:
            command = parse_input(line)
            if command is not None:
                self._run(command, line)
        except InputError as error:
            self.display.tell(str(error))
            self.display.refused(line)

    def typed(self) -> None:
        """Record that the user is typing a message."""
        now = time.monotonic()
        if self.current is not None and now - self._typed_at >= TYPING_INTERVAL_SECONDS:
            self._typed_at = now
            self._client.typing(self.current.room.id)

    def mark_read(self) -> None:
        """Record that the user has read the room that is shown."""
        room = self.current
        if room is not None and room.last_seq > room.room.read:
            room.read_up_to(room.last_seq)
            self._client.read(room.room.id, room.last_seq)

    def show(self, room: RoomView) -> None:
        """Show a room."""
        self._shown.view = room
        if room.last_seq == 0 and room.more_before:
            self.load_older()

    def load_older(self) -> None:
        """Load older messages of the room that is shown."""
        room = self._room()
        if room.more_before:
            self._start(self._load_older(room), "/older")
        else:
            self.display.tell("There are no older messages.")

    async def finish(self) -> None:
        """Wait until everything that was typed is answered."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def is_behind(self) -> bool:
        """Return whether something that was sent from here has not arrived yet as an event."""
        positions = {room: self._client.position(room) for room in self._acked if room in self.conversation.rooms}
        return any(at is None or at.seq < self._acked[room] for room, at in positions.items())

    # -- internal -----------------------------------------------------------------------------------------------------

    def _room(self) -> RoomView:
        if self.current is None:
            raise InputError("No room is shown: choose one with /room NAME.")
        return self.current

    def _run(self, command: commands.Input, line: str) -> None:
        match command:
            case Simple("quit"):
                self.display.close()
            case Simple("help"):
                self.display.tell(HELP)
            case Simple("older"):
                self.load_older()
            case Simple("who"):
                self._start(self._who(self._room()), line)
            case Simple("leave"):
                self._start(self._leave(self._room()), line)
            case commands.FindRooms() | commands.CreateRoom() | commands.JoinRoom():
                self._start(self._look_up(command), line)
            case commands.GoTo(name):
                room = self.conversation.find(name)
                if room is None:
                    raise InputError(
                        f"You are in no room named {name}. Type /find for public rooms, /join to join one."
                    )
                self.show(room)
            case _:
                self._start(self._send(self._room().room.id, command), line)

    async def _send(self, room: str, command: commands.Input) -> None:
        match command:
            case commands.Say(text, reply_to):
                ack = await self._client.send(room, text, reply_to=reply_to)
            case commands.EditMessage(seq, text):
                ack = await self._client.edit(room, seq, text)
            case commands.DeleteMessage(seq):
                ack = await self._client.delete(room, seq)
            case commands.React(seq, emoji, on):
                ack = await self._client.react(room, seq, emoji, on=on)
            case _:
                return
        self._acked[room] = ack.seq

    async def _who(self, room: RoomView) -> None:
        present = await self._client.who(room.room.id)
        names = ", ".join(sorted(user.name for user in present.users))
        more = present.total - len(present.users)
        self.display.tell(f"{present.total} online: {names}{f' and {more} more' if more > 0 else ''}")

    async def _look_up(self, command: commands.FindRooms | commands.CreateRoom | commands.JoinRoom) -> None:
        match command:
            case commands.FindRooms(part):
                rooms = await self._directory.find(part)
                more = ["There may be more: type more of the name."] if len(rooms) == MAX_LISTED else []
                self.display.tell("\n".join([*map(_describe, rooms), *more]) or "There is no such public room.")
            case commands.CreateRoom(name, kind):
                self._show_when_told(await self._directory.create(name, kind))
            case commands.JoinRoom(name):
                self._show_when_told(await self._directory.join(name, self._user_id()))

    def _show_when_told(self, room_id: str) -> None:
        """Show a room. The event that tells of it may come before the response or after it."""
        self._shown.wait_for(room_id)

    def _user_id(self) -> str:
        if self.conversation.user is None:
            raise InputError("Not connected yet.")
        return self.conversation.user.id

    async def _leave(self, room: RoomView) -> None:
        await self._directory.leave(room.room.id, self._user_id())
        self._shown.leave(room.room.id)
        self.display.tell(f"You have left {room.name}.")

    async def _load_older(self, room: RoomView) -> None:
        before = next(iter(room.rows), 2**53 - 1)
        room.add_page(await self._client.history(room.room.id, before=before, limit=PAGE_ROWS))
        self.display.tell("" if room.more_before else "This is the beginning of the room.")

    def _start(self, work: Coroutine[Any, Any, None], line: str) -> None:
        """Do work while the user types on."""

        async def run() -> None:
            try:
                await work
            except CommandRefused as error:
                self.display.tell(f"The server refused it: {error.message}")
                self.display.refused(line)
            except RequestFailed as error:
                self.display.tell(f"The server refused it: {error}")
                self.display.refused(line)
            except (ClientError, InputError, NoSuchRoom, OSError) as error:
                self.display.tell(f"{line.split(' ', 1)[0] if line.startswith('/') else 'The message'}: {error}")
                self.display.refused(line)

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _describe(room: Mapping[str, Any]) -> str:
    topic = f": {printable_line(room['topic'])}" if room["topic"] else ""
    members = f"{room['members']} member{'' if room['members'] == 1 else 's'}"
    return f"{printable_line(room['name'])} ({members}){topic}"
