"""The steps of the documents work as they are written, as far as one machine can try them.

`tests/unit/test_docs.py` checks links, files, commands and settings; this file runs things.
"""

import contextlib
import os
import re
import shlex
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from support.accounts import PASSWORD, register
from support.documents import CHECKOUT, Command, commands
from support.processes import wait_until
from support.server import CLOUDCHAT, RunningServer, environment_of, free_port
from support.socket import ChatSocket

README = (CHECKOUT / "README.md").read_text()


@pytest.mark.parametrize("command", commands("sudo config/install.sh", "config/install.sh"), ids=str)
def test_the_installer_accepts_the_options(command: Command) -> None:
    words = [word for word in shlex.split(command.text.rstrip("….")) if word != "sudo"]
    if "--domain" not in words and "--uninstall" not in words and "--help" not in words:
        words += ["--domain", "chat.example.com", "--email", "ops@example.com"]
    done = subprocess.run([*words, "--dry-run"], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", commands("aws cloudformation deploy"), ids=str)
def test_a_stack_has_the_parameters_that_it_is_given(command: Command) -> None:
    words = shlex.split(re.sub(r"<[^>]*>", "PLACE", command.text))
    template = (CHECKOUT / words[words.index("--template-file") + 1]).read_text()
    known = set(re.findall(r"^  (\w+):\n    Type: (?:String|Number)", template, re.MULTILINE))
    given = [word.partition("=")[0] for word in words[words.index("--parameter-overrides") + 1 :]]
    assert given
    assert set(given) <= known
    required = set(re.findall(r"^  (\w+):\n    Type: \w+\n(?!    Default)", template.partition("\nRules:")[0], re.M))
    assert required <= set(given)


def test_the_first_accounts_and_the_bot_work_as_written(server: RunningServer) -> None:
    section = README.partition("## First accounts")[2].partition("\n##")[0]
    steps = re.findall(r"^    (.*cloudchat admin .*)$", section, re.MULTILINE)
    assert len(steps) >= 3
    printed = [_run(server, step) for step in steps]
    [token] = [text for step, text in zip(steps, printed, strict=True) if "issue-token" in step]
    [bot] = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    program = bot.replace("ws://127.0.0.1:8000/ws", server.ws_url)
    assert program != bot
    grace = register(server.url, "grace")
    with ChatSocket(server.ws_url, grace.access_token) as socket:
        socket.join()
        missed = socket.send("good morning @ada, while you were away")
        for text in ("@ada, are you there?", "and after a restart, @ada?"):
            with _running_bot(program, token):
                if missed:
                    _wait_for_answer(socket, missed["seq"])
                    missed = {}
                seq = socket.send(text)["seq"]
                _wait_for_answer(socket, seq)
                # Killed before that, it would answer again: an answer and its marker are two steps.
                wait_until(partial(_has_read, server, token, seq), "the bot's marker to be saved")
        answers = [frame["reply_to"] for frame in socket.frames if frame["type"] == "message" and "reply_to" in frame]
        assert len(answers) == len(set(answers)) == 3


def _has_read(server: RunningServer, token: str, seq: int) -> bool:
    rooms = httpx.get(f"{server.url}/api/rooms", headers={"Authorization": f"Bearer {token}"}).json()["rooms"]
    return bool(rooms[0]["read"] >= seq)


@contextlib.contextmanager
def _running_bot(program: str, token: str) -> Iterator[None]:
    environment = {**os.environ, "CHAT_TOKEN": token}
    with subprocess.Popen([CLOUDCHAT.parent / "python", "-c", program], env=environment) as running:
        try:
            yield
        finally:
            running.kill()


def _wait_for_answer(socket: ChatSocket, seq: int) -> None:
    answer = socket.wait_for(lambda frame: frame["type"] == "message" and frame.get("reply_to") == seq, 30)
    assert (answer["user"]["name"], answer["text"]) == ("ada", "Hello grace")


def test_a_second_person_joins_from_another_machine_as_written(tmp_path: Path) -> None:
    section = README.partition("## A second person")[2].partition("\n##")[0]
    steps = re.findall(r"^(\d)\. ", section, re.MULTILINE)
    assert steps == ["1", "2", "3"]
    serve, invite = re.findall(r"^       (.*cloudchat .*)$", section, re.MULTILINE)
    address, port = _network_address(), free_port()
    url = f"http://{address}:{port}"
    written = "http://192.168.1.20:8000"
    assert written in serve
    assert f"`{written}`" in section
    serve = f"exec env {serve.replace(written, url).replace('cloudchat serve', f'{CLOUDCHAT} serve')} --port {port}"
    with RunningServer(
        state_dir=tmp_path / "var", command=["bash", "-c", f'cd "{tmp_path}" && {serve}'], port=port, first_start=True
    ) as server:
        assert f"is open at {url}\n" in server.log
        code = _run(server, invite, folder=tmp_path)
        page = {"Origin": url}  # what a browser sends from that address
        person = {"username": "grace", "password": PASSWORD}
        made = httpx.post(f"{url}/api/auth/register", json={**person, "invite": code}, headers=page)
        assert made.status_code == 201, made.text
        signed_in = httpx.post(f"{url}/api/auth/login", json=person, headers=page).json()
        with ChatSocket(f"ws://{address}:{port}/ws", signed_in["access_token"], as_browser=True, headers=page) as chat:
            assert chat.join()["type"] == "joined"
            assert chat.send("good morning")["type"] == "ack"


def _network_address() -> str:
    """Return the address of this machine in its network; one of loopback in a sandbox without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _run(server: RunningServer, step: str, *, folder: Path | None = None) -> str:
    """Run a step as it is written, in `folder` without CLOUDCHAT_STATE_DIR if it is given."""
    environment = environment_of(server.state_dir, {})
    if folder is not None:
        del environment["CLOUDCHAT_STATE_DIR"]
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", step.replace("cloudchat", str(CLOUDCHAT))],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (step, done.stderr)
    return done.stdout.strip()
