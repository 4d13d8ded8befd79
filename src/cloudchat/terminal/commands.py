"""What the user types: a message, or a command that begins with `/`. Sans-I/O."""

from msgspec import Struct

HELP = """\
/room NAME          go to a room
/find TEXT          list public rooms with TEXT in their names
/create NAME        create a public room; /create-private NAME a private one
/join NAME          become a member of a public room
/leave              leave this room for good
/older              load older messages
/reply N TEXT       answer message N
/edit N TEXT        replace the text of your message N
/delete N           delete message N
/react N EMOJI      react to message N; /unreact N EMOJI takes it back
/who                show who is online in this room
/quit               end the chat
//TEXT              send a message that begins with /"""


class InputError(ValueError):
    """The user typed something that is not a command. The message says what to type."""


class Say(Struct, frozen=True):
    """Send a message."""

    text: str
    reply_to: int | None = None


class EditMessage(Struct, frozen=True):
    """Replace the text of a message."""

    seq: int
    text: str


class DeleteMessage(Struct, frozen=True):
    """Delete a message."""

    seq: int


class React(Struct, frozen=True):
    """Turn a reaction on or off."""

    seq: int
    emoji: str
    on: bool


class GoTo(Struct, frozen=True):
    """Show another room."""

    name: str


class FindRooms(Struct, frozen=True):
    """List public rooms that have this in their names."""

    part: str


class CreateRoom(Struct, frozen=True):
    """Create a room of a kind."""

    name: str
    kind: str


class JoinRoom(Struct, frozen=True):
    """Become a member of a public room."""

    name: str


class Simple(Struct, frozen=True):
    """A command without arguments: `older`, `who`, `leave`, `help` or `quit`."""

    name: str


Input = Say | EditMessage | DeleteMessage | React | GoTo | FindRooms | CreateRoom | JoinRoom | Simple


def parse_input(line: str) -> Input | None:
    """Return what a line means, None for an empty one. Raises `InputError`."""
    if not line.strip():
        return None
    if not line.startswith("/"):
        return Say(line)
    if line.startswith("//"):
        return Say(line[1:])
    name, _, rest = line[1:].partition(" ")
    rest = rest.strip()
    match name:
        case "older" | "who" | "leave" | "help" | "quit":
            return Simple(name)
        case "room":
            return GoTo(_required(rest, "/room NAME"))
        case "find":
            return FindRooms(rest)
        case "create" | "create-private":
            kind = "public" if name == "create" else "private"
            return CreateRoom(_required(rest, f"/{name} NAME"), kind)
        case "join":
            return JoinRoom(_required(rest, "/join NAME"))
        case "reply":
            seq, text = _number_and_text(rest, "/reply N TEXT")
            return Say(text, reply_to=seq)
        case "edit":
            return EditMessage(*_number_and_text(rest, "/edit N TEXT"))
        case "delete":
            return DeleteMessage(_number(rest, "/delete N"))
        case "react" | "unreact":
            seq, emoji = _number_and_text(rest, f"/{name} N EMOJI")
            return React(seq, emoji, on=name == "react")
    raise InputError(f"There is no command /{name}. Type /help for the commands.")


def _required(text: str, usage: str) -> str:
    if not text:
        raise InputError(f"Type {usage}.")
    return text


def _number(text: str, usage: str) -> int:
    text = text.removeprefix("#")
    if not (text.isascii() and text.isdecimal()) or len(text) > 15 or int(text) == 0:
        raise InputError(f"Type {usage}, where N is the number at the left of the message.")
    return int(text)


def _number_and_text(rest: str, usage: str) -> tuple[int, str]:
    number, _, text = rest.partition(" ")
    return _number(number, usage), _required(text.strip(), usage)
