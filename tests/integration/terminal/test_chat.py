"""`cloudchat chat` in a real pseudo-terminal and in pipes, against the real server."""

import subprocess
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from support.accounts import PASSWORD, Account
from support.chat_users import RATES, room_of, signed_in
from support.server import CLOUDCHAT, RunningServer, environment_of
from support.socket import ChatSocket
from support.terminal import BACKSPACE, CTRL_C, ENTER, PAGE_UP, TAB, UP, TerminalProgram


@dataclass(frozen=True)
class Scene:
    server: RunningServer
    ann: Account
    bob: Account
    rooms: dict[str, str]
    """The ids of their private rooms, by name."""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    environment = {**RATES, "CLOUDCHAT_SENDS_PER_10S": "1000"}
    with RunningServer(environment=environment) as server, signed_in(server, "ann", "bob") as (ann, bob):
        rooms = {name: room_of(ann, "private", name, bob) for name in ("office", "tea", "long", "builds")}
        yield Scene(server, ann, bob, rooms)


def environment(server: RunningServer, token: str = "") -> Mapping[str, str]:
    return environment_of(server.state_dir, {"CHAT_TOKEN": token})


def chat(server: RunningServer, account: Account, *options: str, columns: int = 100, rows: int = 30) -> TerminalProgram:
    command = (str(CLOUDCHAT), "chat", server.url, *options)
    return TerminalProgram(command, environment(server, account.access_token), columns=columns, rows=rows)


def test_two_people_talk_edit_react_and_delete(scene: Scene) -> None:
    server, ann, bob = scene.server, scene.ann, scene.bob
    room = scene.rooms["office"]
    with chat(server, ann, "--room", "office") as hers, ChatSocket(server.ws_url, bob.access_token) as his:
        his.join(room)
        hers.wait_for("ann: connected")
        hers.wait_for("ann added bob")
        hers.press(f"good morning{ENTER}")
        sent = his.wait_for("message")
        assert sent["text"] == "good morning"
        hers.wait_for("ann good morning")
        hers.press(UP)
        hers.wait_for(f"> /edit {sent['seq']} good morning")
        hers.press(f", bob{ENTER}")
        assert his.wait_for("edited")["text"] == "good morning, bob"
        hers.wait_for("good morning, bob (edited)")
        his.command(
            "react", room=room, cid="6f9619ff-8b86-d011-b42d-00c04fc964ff", seq=sent["seq"], emoji="👍", on=True
        )
        hers.wait_for("👍 1")
        seq = his.send("hello @ann", room)["seq"]
        hers.wait_for("bob hello @ann")
        assert hers.style_of("@ann") == ("brown", True, True)
        hers.press(f"/react {seq} 🎉{ENTER}")
        assert his.wait_for(lambda frame: frame["type"] == "reaction" and frame["target"] == seq)["emoji"] == "🎉"
        hers.press(f"/reply {seq} hi{ENTER}")
        assert his.wait_for(lambda frame: frame.get("text") == "hi")["reply_to"] == seq
        hers.wait_for(f"> {seq} bob: hello @ann hi")
        hers.press(f"/delete {sent['seq']}{ENTER}")
        assert his.wait_for("deleted")["target"] == sent["seq"]
        hers.wait_for("ann (deleted)")
        hers.press(f"/who{ENTER}")
        hers.wait_for(" online:")
        his.send_raw(f'{{"type":"typing","room":"{room}"}}')
        hers.wait_for("bob is typing")
        hers.press(CTRL_C)
        assert hers.wait() == 0


def test_unread_messages_are_counted_until_their_room_is_shown(scene: Scene) -> None:
    server, ann, bob = scene.server, scene.ann, scene.bob
    room = scene.rooms["tea"]
    with ChatSocket(server.ws_url, bob.access_token) as his, chat(server, ann) as hers:
        hers.wait_for("#tea")
        his.send("one", room)
        hers.wait_for(lambda lines: any(line.startswith("#tea ") and line[20] == "1" for line in lines))
        his.send("for @ann", room)
        hers.wait_for(lambda lines: any(line.startswith("#tea ") and line[19:21] == "@2" for line in lines))
        hers.press(f"/room tea{ENTER}")
        hers.wait_for("bob for @ann")
        hers.wait_for(lambda lines: any(line[:21].rstrip() == "#tea" for line in lines))
        hers.press(TAB)
        hers.wait_for(lambda lines: lines[0].strip() == "long")
        hers.press(CTRL_C)
        assert hers.wait() == 0
    with chat(server, ann) as again:  # what was read is saved
        again.wait_for(lambda lines: any(line[:21].rstrip() == "#tea" for line in lines))


def test_a_narrow_terminal_shows_what_is_unread_elsewhere_and_all_of_the_help(scene: Scene) -> None:
    server, ann, bob = scene.server, scene.ann, scene.bob
    with ChatSocket(server.ws_url, bob.access_token) as his, chat(server, ann, columns=40, rows=24) as hers:
        hers.wait_for("ann: connected")
        his.send("for @ann", scene.rooms["office"])
        hers.wait_for("unread: #office @1")
        hers.press(f"/edit 99 x{ENTER}")
        hers.wait_for("> /edit 99 x")
        hers.press("y")  # the refused line is in the entry again
        hers.wait_for("> /edit 99 xy")
        hers.press(f"{BACKSPACE * 12}/nonsense{ENTER}")
        hers.wait_for("There is no command /nonsense.")
        hers.wait_for("> /nonsense")
        hers.press(f"{BACKSPACE * 9}/help{ENTER}")
        hers.wait_for("/room NAME")
        hers.wait_for("//TEXT")


def test_a_restart_of_the_server_is_shown_and_messages_typed_meanwhile_are_sent() -> None:
    with RunningServer(environment=RATES) as server, signed_in(server, "ann") as (ann,), chat(server, ann) as hers:
        hers.wait_for("ann: connected")
        server.kill()
        hers.wait_for("not connected")
        hers.press(f"typed while it was down{ENTER}")
        server.start()
        hers.wait_for("ann typed while it was down")
        hers.wait_for("ann: connected")
        assert b"not connected to ws:" not in hers.output  # the log of the client


def test_page_up_loads_older_messages(scene: Scene) -> None:
    server, ann = scene.server, scene.ann
    room = scene.rooms["long"]
    with ChatSocket(server.ws_url, ann.access_token) as socket:
        for number in range(20):  # one change after each message: a page of events has less than its messages
            sent = socket.send(f"message {number:02}", room)
            assert sent["type"] == "ack", sent
            for emoji in "🎉👍🍵":
                command = {"room": room, "seq": sent["seq"], "emoji": emoji, "on": True}
                assert socket.command("react", cid=str(uuid.uuid4()), **command)["type"] == "ack"
    with chat(server, ann, "--room", "long") as hers:
        hers.wait_for("message 19  🎉 1  👍 1  🍵 1")
        assert not any("message 00" in line for line in hers.lines)
        hers.press(PAGE_UP)
        hers.wait_for("message 00  🎉 1  👍 1  🍵 1")


def test_the_password_is_asked_for_without_echo(scene: Scene) -> None:
    server = scene.server
    with TerminalProgram([CLOUDCHAT, "chat", server.url], environment(server)) as program:
        program.wait_for("Username:")
        program.press(f"ann{ENTER}")
        program.wait_for("Password:")
        program.press(f"{PASSWORD}{ENTER}")
        program.wait_for("ann: connected")
        program.press(CTRL_C)
        assert program.wait() == 0
        assert PASSWORD.encode() not in program.output


def test_a_wrong_password_ends_the_command_with_one_line(scene: Scene) -> None:
    server = scene.server
    with TerminalProgram([CLOUDCHAT, "chat", server.url, "--name", "ann"], environment(server)) as program:
        program.wait_for("Password:")
        program.press(f"wrong {PASSWORD}{ENTER}")
        program.wait_for("cloudchat: the sign-in failed:")
        assert program.wait() == 1


# -- in pipes --


def pipe(server: RunningServer, token: str, *options: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    command = [CLOUDCHAT, "chat", *(options or [server.url])]
    return subprocess.run(
        command, env=environment(server, token), input=stdin, capture_output=True, text=True, start_new_session=True
    )


def test_each_line_of_a_pipe_is_sent(scene: Scene) -> None:
    server, ann = scene.server, scene.ann
    done = pipe(server, ann.access_token, server.url, "--room", "builds", stdin="first\n\n//second\n")
    assert (done.returncode, done.stderr) == (0, "")
    said = [line for line in done.stdout.splitlines() if line.startswith("#builds")]
    assert [line.split(" ann ", 1)[1] for line in said[-2:]] == ["first", "/second"], done.stdout


def test_lines_for_a_room_that_the_user_was_removed_from_are_sent_nowhere(scene: Scene) -> None:
    server, ann, bob = scene.server, scene.ann, scene.bob
    room = room_of(ann, "private", "confidential", bob)
    command = [str(CLOUDCHAT), "chat", server.url, "--room", "confidential"]
    with (
        ChatSocket(server.ws_url, ann.access_token) as hers,
        subprocess.Popen(
            command,
            env=environment(server, bob.access_token),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as his,
    ):
        assert his.stdin is not None
        assert his.stderr is not None
        hers.join(room)
        his.stdin.write("before\n")
        his.stdin.flush()
        hers.wait_for(lambda frame: frame.get("text") == "before")
        ann.http.delete(f"/api/rooms/{room}/members/{bob.user_id}").raise_for_status()
        assert his.stderr.readline().startswith("cloudchat: You are not in confidential any more.")
        _, errors = his.communicate("a secret\n", timeout=30)
        assert (his.returncode, errors) == (1, "cloudchat: No room is shown: choose one with /room NAME.\n")
        hers.join("lobby")
        hers.command("ping")
        assert not any(frame.get("text") == "a secret" for frame in hers.frames)


def test_a_refused_line_of_a_pipe_is_an_error(scene: Scene) -> None:
    server, ann = scene.server, scene.ann
    done = pipe(server, ann.access_token, stdin="/delete 99\n/nonsense\n")
    assert done.returncode == 1
    assert "cloudchat: The server refused it: " in done.stderr
    assert "cloudchat: There is no command /nonsense." in done.stderr


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "http://ann:secret@127.0.0.1", "http://127.0.0.1/?a=b"])
def test_an_address_that_is_none_or_has_a_secret_is_refused(scene: Scene, url: str) -> None:
    done = pipe(scene.server, "token", url)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "ann:secret" not in done.stderr


def test_without_a_terminal_the_password_cannot_be_asked_for(scene: Scene) -> None:
    done = pipe(scene.server, "")
    assert done.returncode == 1
    assert done.stderr.startswith("cloudchat: there is no terminal to ask for the password: put an API token")


def test_an_unknown_room_is_an_error_and_nothing_is_sent_to_another_one(scene: Scene) -> None:
    done = pipe(scene.server, scene.ann.access_token, scene.server.url, "--room", "nowhere", stdin="a secret\n")
    assert done.returncode == 1
    assert (
        done.stderr
        == "cloudchat: the chat has ended: you are in no room named nowhere; join it first, or ask to be added\n"
    )
    assert "a secret" not in pipe(scene.server, scene.ann.access_token).stdout


def test_a_rejected_token_is_one_line(scene: Scene) -> None:
    done = pipe(scene.server, "a.b.c", stdin="hello\n")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("cloudchat: the chat has ended: ")


def test_rooms_are_created_found_joined_and_left(scene: Scene) -> None:
    server, ann, bob = scene.server, scene.ann, scene.bob
    with chat(server, ann) as hers, chat(server, bob) as his:
        hers.wait_for("ann: connected")
        his.wait_for("bob: connected")
        hers.press(f"/create garden{ENTER}")
        hers.wait_for("ann created the room")
        his.press(f"/find gar{ENTER}")
        his.wait_for("garden (1 member)")
        his.press(f"/join Garden{ENTER}")
        his.wait_for("#garden")
        hers.wait_for("bob joined")
        his.press(f"hello garden{ENTER}")
        hers.wait_for("bob hello garden")
        his.press(f"/leave{ENTER}")
        hers.wait_for("bob left")
        his.wait_for("You have left garden.")
        his.press(f"/join nowhere{ENTER}")
        his.wait_for("there is no public room named nowhere")
