"""`cloudchat admin rooms`, `members`, `mute` and `ban`."""

import re
from pathlib import Path

import pytest

from support.accounts import PASSWORD
from support.commands import done, errors_of, init, run_here


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with the users ada, bob and eve, and no running server."""
    folder = tmp_path_factory.mktemp("cli") / "state"
    init(folder)
    for name in ("ada", "bob", "eve"):
        done(run_here(folder, "admin", "create-user", name, "--password-stdin", stdin=f"{PASSWORD}\n"))
    return folder


def admin(state: Path, *arguments: str) -> str:
    return done(run_here(state, "admin", *arguments))


def table(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_room_is_created_changed_and_shown(state: Path) -> None:
    room = admin(state, "rooms", "create", "General", "--owner", "ada", "--topic", "everything").strip()
    assert re.fullmatch(r"[\w-]{22}", room)
    assert admin(state, "rooms", "rename", "general", "Garden") == ""
    assert admin(state, "rooms", "topic", room, "plants") == ""
    assert admin(state, "rooms", "slow-mode", "garden", "30") == ""
    assert admin(state, "rooms", "archive", "GARDEN") == ""
    listed = {row[0]: row for row in table(admin(state, "rooms", "list"))}
    assert listed["lobby"][1:5] == ["public", "lobby", "4", "open"]
    assert listed[room][1:5] == ["public", "Garden", "1", "archived"]
    shown = table(admin(state, "rooms", "show", "garden"))
    assert ["topic", "plants"] in shown
    assert ["slow mode", "30 s"] in shown
    assert ["owner", "ada"] in shown
    assert admin(state, "rooms", "restore", room) == ""
    assert ["archived", "no"] in table(admin(state, "rooms", "show", room))


def test_members_are_added_removed_and_given_roles(state: Path) -> None:
    room = admin(state, "rooms", "create", "office", "--private", "--owner", "ada").strip()
    assert admin(state, "members", "add", room, "bob", "--role", "reader") == ""
    assert admin(state, "members", "role", room, "bob", "moderator") == ""
    rows = table(admin(state, "members", "list", room))
    assert [row[:2] for row in rows] == [["name", "role"], ["ada", "owner"], ["bob", "moderator"]]
    assert admin(state, "members", "remove", room, "bob") == ""
    failed = run_here(state, "admin", "members", "role", room, "bob", "owner")
    assert (failed.returncode, "members add" in failed.stderr) == (1, True)


def test_users_are_muted_and_banned_with_an_end_and_a_reason(state: Path) -> None:
    room = admin(state, "rooms", "create", "strict", "--owner", "ada").strip()
    admin(state, "members", "add", room, "eve")
    assert admin(state, "mute", "strict", "eve", "--for", "1h", "--reason", "loud") == ""
    assert admin(state, "ban", "strict", "eve") == ""
    (muted,) = [row for row in table(admin(state, "rooms", "show", room)) if row[0] == "muted"]
    assert (muted[1], muted[3]) == ("eve", "loud")
    assert muted[2].endswith("Z")
    assert ["banned", "eve", "no end", "-"] in table(admin(state, "rooms", "show", room))
    assert "eve" not in admin(state, "members", "list", "strict")
    assert admin(state, "unmute", "strict", "eve") == ""
    assert admin(state, "unban", "strict", "eve") == ""
    assert not [row for row in table(admin(state, "rooms", "show", room)) if row[0] in ("muted", "banned")]
    actions = [row[1:4] for row in table(admin(state, "audit", "--limit", "4"))[1:]]
    assert actions == [["cli", f"room.{action}", "eve"] for action in ("unban", "unmute", "ban", "mute")]


ERRORS: dict[str, tuple[list[str], int, str]] = {
    "no such room": (["rooms", "archive", "nothing"], 1, "rooms list"),
    "no such user": (["members", "add", "lobby", "nobody"], 1, "list-users"),
    "no such owner": (["rooms", "create", "x", "--owner", "nobody"], 1, "list-users"),
    "no owner": (["rooms", "create", "x"], 2, "--owner"),
    "a name that is taken": (["rooms", "create", "LOBBY", "--owner", "ada"], 1, "another"),
    "a blank name": (["rooms", "create", " ", "--owner", "ada"], 1, "name"),
    "the lobby": (["members", "remove", "lobby", "eve"], 1, "lobby"),
    "a ban from the lobby": (["ban", "lobby", "eve"], 1, "lobby"),
    "a user who is not muted": (["unmute", "lobby", "eve"], 1, "not muted"),
    "a long mute": (["mute", "lobby", "eve", "--for", "999d"], 1, "366 days"),
    "a duration without a unit": (["mute", "lobby", "eve", "--for", "7"], 2, "7d"),
    "an unknown role": (["members", "role", "lobby", "eve", "king"], 2, "reader"),
    "a slow mode that is too slow": (["rooms", "slow-mode", "lobby", "99999"], 1, "21600"),
    "a misspelt command": (["rooms", "remove", "x"], 2, "archive"),
}


@pytest.mark.parametrize(("arguments", "code", "advice"), ERRORS.values(), ids=ERRORS.keys())
def test_error_says_what_to_do(state: Path, arguments: list[str], code: int, advice: str) -> None:
    failed = run_here(state, "admin", *arguments)
    assert (failed.returncode, failed.stdout) == (code, "")
    assert advice in failed.stderr
    assert "Traceback" not in failed.stderr
    if code == 1:
        assert len(errors_of(failed).splitlines()) == 1
