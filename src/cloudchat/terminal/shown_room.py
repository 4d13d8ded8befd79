"""Which room is shown. It gets what the user types, so no other room takes its place by itself. Sans-I/O."""

from msgspec import UnsetType

from cloudchat.client import ClientError, RoomRemoved, Update
from cloudchat.terminal.conversation import Conversation, RoomView
from cloudchat.terminal.printable import printable_line

LOBBY = "lobby"


class UnknownRoom(ClientError):
    """The user is not in the room to begin with, or in several of this name."""


class ShownRoom:
    """Call `follow` after each update of the conversation. `first` is the room to begin with, by default the lobby."""

    def __init__(self, conversation: Conversation, first: str | None) -> None:
        self.view: RoomView | None = None
        """None until the server has told the rooms, and after the user was removed from the room."""
        self._conversation = conversation
        self._first = first
        self._has_begun = False
        self._awaited = ""

    def wait_for(self, room_id: str) -> None:
        """Show a room that the user has created or joined, when the server has told of it."""
        self._awaited = room_id
        self._show_awaited()

    def leave(self, room_id: str) -> None:
        """Show the lobby in the place of a room that the user has left. The event of it may have come before."""
        if self.view is None or self.view.room.id == room_id:
            self.view = self._default()

    def follow(self, update: Update) -> str:
        """Return what the user must know, if anything. Raises `UnknownRoom`."""
        rooms = self._conversation.rooms
        if self._show_awaited() or not rooms:
            return ""
        if not self._has_begun:
            self._has_begun = True
            self.view = self._default() if self._first is None else self._only(self._first)
        if self.view is None or rooms.get(self.view.room.id) is self.view:
            return ""
        left, self.view = self.view, rooms.get(self.view.room.id)
        if self.view is not None:  # added again
            return ""
        return f"{_removal(left, update)} Nothing is sent before you choose another room: /room NAME."

    def _show_awaited(self) -> bool:
        view = self._conversation.rooms.get(self._awaited)
        if view is not None:
            self.view, self._awaited, self._has_begun = view, "", True
        return view is not None

    def _default(self) -> RoomView:
        rooms = self._conversation.rooms
        return rooms.get(LOBBY) or next(iter(rooms.values()))

    def _only(self, name: str) -> RoomView:
        """Return the room with exactly this name: another one would get the messages that are meant for it."""
        found = self._conversation.named(name)
        if not found:
            raise UnknownRoom(f"you are in no room named {name}; join it first, or ask to be added")
        if len(found) > 1:
            raise UnknownRoom(f"you are in {len(found)} rooms named {name}; give the id of one")
        return found[0]


def _removal(room: RoomView, update: Update) -> str:
    """Return that the user is not in the room any more, and why if it is known."""
    name = printable_line(room.name)
    if not isinstance(update, RoomRemoved) or isinstance(update.banned_until, UnsetType):
        return f"You are not in {name} any more."
    until = "" if update.banned_until is None else f" until {printable_line(update.banned_until)}"
    return f"A moderator has banned you from {name}{until}."
