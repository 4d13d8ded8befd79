import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudchat.auth.usernames import username_key
from cloudchat.messages.mentions import MAX_MENTIONS, Mentions, find_mentions, without_code

NAMES = {"ann": "u1", "bob.smith": "u2", "Jürgen": "u3", "c-3": "u4", "bob": "u5", "田中": "u6"}
MEMBERS = {username_key(name): id for name, id in NAMES.items()}


@pytest.mark.parametrize(
    ("text", "users"),
    [
        ("@ann", ["u1"]),
        ("hello @Ann, @BOB and @jürgen!", ["u1", "u5", "u3"]),
        ("@bob.smith. @bob. @bob.smithe", ["u2", "u5"]),
        ("(@c-3) @c-3-", ["u4"]),
        ("@ann @ann", ["u1"]),
        ("@@ann", ["u1"]),
        ("@田中さん @田中", ["u6"]),
        ("write to me@ann or x.@ann", []),
        ("@anna @an @ ann @nobody", []),
        ("no mention", []),
        ("`@ann` @bob", ["u5"]),
        ("``@ann ` @bob`` @c-3", ["u4"]),
        ("a ` alone @ann", ["u1"]),
        ("```\n@ann\n```\n@bob", ["u5"]),
        ("```python\n@ann\n", []),
        ("~~~\n@ann\n```\n~~~~\n@bob", ["u5"]),
        ("```@ann``` @bob", ["u5"]),
        ("text ``` @ann", ["u1"]),
    ],
)
def test_members_are_mentioned_outside_of_code(text: str, users: list[str]) -> None:
    assert find_mentions(text, MEMBERS) == Mentions(tuple(users), room=False)


@pytest.mark.parametrize(("text", "room"), [("@room", True), ("@Room!", True), ("`@room`", False), ("@rooms", False)])
def test_the_room_is_mentioned_outside_of_code(text: str, room: bool) -> None:
    assert find_mentions(text, MEMBERS) == Mentions((), room)


def test_mentions_are_bounded() -> None:
    members = {f"user{number}": f"u{number}" for number in range(60)}
    text = " ".join(f"@{name}" for name in members)
    assert find_mentions(text + " @room", members) == Mentions(tuple(f"u{n}" for n in range(MAX_MENTIONS)), room=True)


PIECES = st.lists(st.sampled_from(["@ann", "@bob.smith", "@room", "`", "``", "```", "\n", " ", "x", "~~~", "@", "."]))


@settings(database=None)
@given(PIECES)
def test_each_mention_is_in_the_text_without_its_code(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = find_mentions(text, MEMBERS)
    outside = without_code(text)
    assert all(f"@{name}" in outside for name, id in NAMES.items() if id in found.users)
    assert found.room <= ("@room" in outside)
    if "`" not in text and "~~~" not in text:
        assert outside == text


@settings(database=None)
@given(st.text("abc @.`\n"))
def test_nothing_is_found_inside_of_a_fence(text: str) -> None:
    inside = text.replace("`", "")
    assert find_mentions(f"```\n{inside} @ann\n```", MEMBERS) == Mentions()


@settings(database=None)
@given(st.text())
def test_any_text_can_be_searched(text: str) -> None:
    found = find_mentions(text, MEMBERS)
    assert len(set(found.users)) == len(found.users)
