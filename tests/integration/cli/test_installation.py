"""Which installation a command acts on: it is found or named, and never created by mistake."""

import json
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cloudchat.process.server_lock import find_servers, lock_holder
from support.accounts import PASSWORD, login
from support.commands import init, run_here
from support.server import CLOUDCHAT, RunningServer

COMMANDS = [
    ["list-users"],
    ["audit"],
    ["create-user", "ann", "--password-stdin"],
    ["set-role", "ann", "admin"],
    ["reset-password", "ann"],
    ["issue-token", "ann", "--scope", "chat:read", "--ttl", "1d"],
    ["list-tokens"],
    ["create-invite"],
    ["list-invites"],
    ["rotate-keys"],
    ["backup", "b.tar"],
]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(environment={"CLOUDCHAT_SOCKETS_PER_USER": "7"}) as running:
        yield running


def run_in(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, without CLOUDCHAT_STATE_DIR unless `environment` has it."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDCHAT_")}
    return subprocess.run(
        [CLOUDCHAT, *arguments],
        cwd=folder,
        env={**variables, **(environment or {})},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_admin_command_creates_a_state(tmp_path: Path, command: list[str]) -> None:
    state = tmp_path / "state"
    failed = run_here(state, "admin", *command, stdin=f"{PASSWORD}\n")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert f"there is no installation in {state}" in failed.stderr
    assert "cloudchat init" in failed.stderr
    assert failed.stderr.count("\n") == 1
    assert not state.exists()


def test_an_empty_folder_stays_empty(tmp_path: Path) -> None:
    assert run_here(tmp_path, "admin", "list-users").returncode == 1
    assert os.listdir(tmp_path) == []


def test_an_empty_database_is_not_filled(tmp_path: Path) -> None:
    init(tmp_path / "state")
    elsewhere = {"CLOUDCHAT_DATABASE_URL": f"sqlite:///{tmp_path}/other.db"}
    failed = run_here(tmp_path / "state", "admin", "list-users", environment=elsewhere)
    assert "the database is empty" in failed.stderr
    assert os.listdir(tmp_path) == ["state"]


def test_init_creates_a_state_once(tmp_path: Path) -> None:
    state = tmp_path / "state"
    password = init(state)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    again = run_here(state, "init")
    assert (again.returncode, again.stdout) == (0, "")
    assert "there are users already" in again.stderr
    with RunningServer(state_dir=state) as server:
        assert login(server.url, "admin", password).name == "admin"
        assert "one-time password" not in server.log
        assert "a server (pid" in run_here(state, "init").stderr


def test_the_folder_is_named_on_standard_error(tmp_path: Path) -> None:
    state = tmp_path / "state"
    init(state)
    listed = run_here(state, "admin", "list-users")
    assert listed.stderr == f"cloudchat: state directory {state} (CLOUDCHAT_STATE_DIR)\n"
    assert len(listed.stdout.splitlines()) == 2


def test_the_folder_var_is_used_where_the_command_runs(tmp_path: Path) -> None:
    assert run_in(tmp_path, "init").returncode == 0
    listed = run_in(tmp_path, "admin", "list-users")
    assert listed.stderr == f"cloudchat: state directory {tmp_path}/var (in the working directory)\n"


def test_a_running_server_is_found(server: RunningServer, tmp_path: Path) -> None:
    """Other tests run servers at the same time, so there may be several: then their folders are listed."""
    assert lock_holder(server.state_dir) == server.pid
    assert find_servers()[server.state_dir] == server.pid
    listed = run_in(tmp_path, "admin", "list-users")
    assert str(server.state_dir) in listed.stderr
    assert os.listdir(tmp_path) == []


def test_the_only_server_is_used(server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cloudchat.cli.installation.find_servers", lambda: {server.state_dir: server.pid})
    with monkeypatch.context() as context:
        context.setattr("support.commands.environment_of", lambda _state, _extra: {"PATH": os.environ["PATH"]})
        listed = run_here(tmp_path, "admin", "list-users")
        restored = run_here(tmp_path, "admin", "restore", "no.tar")
    assert listed.returncode == 0
    assert listed.stderr == f"cloudchat: state directory {server.state_dir} (of the server with pid {server.pid})\n"
    assert restored.returncode == 1
    assert os.listdir(tmp_path) == []


def test_a_stopped_server_holds_no_lock() -> None:
    with RunningServer() as server:
        assert (server.state_dir / "server.json").exists()
        server.terminate()
        assert lock_holder(server.state_dir) is None
        assert not (server.state_dir / "server.json").exists()


def test_the_record_of_a_server_is_private_and_has_no_secret() -> None:
    with RunningServer() as store:
        url = f"unix://{store.state_dir}/store/store.sock?db=0&client_name=secret-name"
        with RunningServer(environment={"CLOUDCHAT_REDIS_URL": url}, arguments=["--host", "127.0.0.2"]) as server:
            record = server.state_dir / "server.json"
            assert stat.S_IMODE(record.stat().st_mode) == 0o600
            assert "secret-name" not in record.read_text()
            content = json.loads(record.read_text())
            assert content["pid"] == server.pid
            assert content["secrets"] == ["redis_url"]
            # The URL is in the environment of the server, which the same user can read.
            shown = run_here(server.state_dir, "doctor")
            assert "CLOUDCHAT_REDIS_URL=(secret)" in shown.stdout
            assert "WRONG  CLOUDCHAT_REDIS_URL" not in shown.stdout
            assert f"CLOUDCHAT_PORT={server.port}  (set)" in shown.stdout
            assert "CLOUDCHAT_HOST=127.0.0.2  (set)" in shown.stdout


def test_doctor_reports_the_settings_of_the_running_server(server: RunningServer) -> None:
    shown = run_here(server.state_dir, "doctor", environment={"CLOUDCHAT_SENDS_PER_10S": "5"})
    assert "# The settings of the running server" in shown.stdout
    assert f"CLOUDCHAT_PORT={server.port}  (set)" in shown.stdout
    assert "CLOUDCHAT_SOCKETS_PER_USER=7  (set)" in shown.stdout
    assert "CLOUDCHAT_SENDS_PER_10S=20  (default)" in shown.stdout
    assert "ok     CLOUDCHAT_SENDS_PER_10S: 20 in the running server, 5 here" in shown.stdout


def test_doctor_says_that_no_server_runs(tmp_path: Path) -> None:
    init(tmp_path)
    assert "# No server runs." in run_here(tmp_path, "doctor").stdout
