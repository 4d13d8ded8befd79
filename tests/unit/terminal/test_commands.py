import pytest

from cloudchat.terminal.commands import (
    CreateRoom,
    DeleteMessage,
    EditMessage,
    FindRooms,
    GoTo,
    Input,
    InputError,
    JoinRoom,
    React,
    Say,
    Simple,
    parse_input,
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", None),
        ("   ", None),
        ("hello /who", Say("hello /who")),
        ("  indented", Say("  indented")),
        ("//quit", Say("/quit")),
        ("/reply 7 yes", Say("yes", reply_to=7)),
        ("/edit #12  new  text ", EditMessage(12, "new  text")),
        ("/delete 3", DeleteMessage(3)),
        ("/react 3 👍", React(3, "👍", on=True)),
        ("/unreact 3 👍", React(3, "👍", on=False)),
        ("/room tea party", GoTo("tea party")),
        ("/find", FindRooms("")),
        ("/find te", FindRooms("te")),
        ("/create tea party", CreateRoom("tea party", "public")),
        ("/create-private tea", CreateRoom("tea", "private")),
        ("/join tea party", JoinRoom("tea party")),
        ("/leave", Simple("leave")),
        ("/older", Simple("older")),
        ("/quit ", Simple("quit")),
    ],
)
def test_a_line_is_a_message_or_a_command(line: str, expected: Input | None) -> None:
    assert parse_input(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "/",
        "/nothing",
        "/delete",
        "/delete x",
        "/delete 0",
        "/delete -1",
        "/delete ²",
        "/delete " + "9" * 16,
        "/edit 3",
        "/edit 3  ",
        "/reply text",
        "/react 3",
        "/room",
    ],
)
def test_a_wrong_command_says_what_to_type(line: str) -> None:
    with pytest.raises(InputError, match="Type"):
        parse_input(line)
