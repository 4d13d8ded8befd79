"""A reader that ends early, or a full disk, ends a command without a traceback."""

import json
import os
import subprocess
from pathlib import Path

import httpx
import pytest

from support.commands import init
from support.processes import wait_until
from support.server import CLOUDCHAT, RunningServer, environment_of

COMMANDS = [
    ["admin", "audit"],
    ["admin", "list-users"],
    ["admin", "create-invite"],
    ["admin", "rotate-keys"],
    ["admin", "backup", "{folder}/b.tar"],
    ["admin", "verify-backup", "{folder}/a.tar"],
    ["doctor"],
    ["doctor", "--json"],
    ["admin", "--help"],
    ["--version"],
]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("output") / "state"
    init(state)
    backup: list[str | Path] = [CLOUDCHAT, "admin", "backup", state.parent / "a.tar"]
    subprocess.run(backup, env=environment_of(state), check=True, capture_output=True)
    return state


def run(state: Path, command: list[str], stdout: int) -> subprocess.CompletedProcess[str]:
    arguments = [argument.format(folder=state.parent) for argument in command]
    environment = environment_of(state, {"PYTHONUNBUFFERED": ""})
    return subprocess.run(
        [str(CLOUDCHAT), *arguments], env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_reader_that_ended_is_no_error_to_report(state: Path, command: list[str]) -> None:
    (state.parent / "b.tar").unlink(missing_ok=True)
    reader, writer = os.pipe()
    os.close(reader)
    ended = run(state, command, writer)
    os.close(writer)
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("cloudchat: state directory /")]
    assert lines == []
    assert ended.returncode == 141  # as of a program that SIGPIPE ends


@pytest.mark.parametrize("command", COMMANDS[:2], ids=" ".join)
def test_output_that_cannot_be_written_is_one_line(state: Path, command: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        ended = run(state, command, full.fileno())
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "cloudchat: the output cannot be written (No space left on device)"
    assert "Traceback" not in ended.stderr


def is_open(record: Path) -> bool:
    port = json.loads(record.read_text())["settings"]["port"]
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_a_server_outlives_the_reader_of_its_output(tmp_path: Path) -> None:
    with RunningServer() as server:
        reader, writer = os.pipe()
        os.close(reader)
        ready = tmp_path / "ready"
        other = subprocess.Popen(
            [CLOUDCHAT, "serve", "--port", "0"],
            env=environment_of(
                tmp_path / "state", {"CLOUDCHAT_REDIS_URL": f"unix://{server.state_dir}/store/store.sock"}
            ),
            stdout=writer,
            stderr=ready.open("wb"),
        )
        os.close(writer)
        try:
            server_record = tmp_path / "state" / "server.json"
            wait_until(server_record.exists, "the start")
            wait_until(lambda: is_open(server_record), "the server answers")
        finally:
            other.terminate()
            assert other.wait(20) == 0
        assert "Traceback" not in ready.read_text()
