"""`cloudchat doctor` beside the real server."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from support.server import CLOUDCHAT, RunningServer, environment_of


def doctor(state_dir: Path, extra: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environment = environment_of(state_dir, extra)
    return subprocess.run([CLOUDCHAT, "doctor"], env=environment, capture_output=True, text=True, timeout=60)


def wrong(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stdout.splitlines() if line.startswith("WRONG")]


def test_a_healthy_server_has_nothing_wrong_and_shows_its_limits(server: RunningServer) -> None:
    done = doctor(server.state_dir, {"CLOUDCHAT_SOCKETS_PER_USER": "7"})
    assert (done.returncode, wrong(done), done.stderr) == (0, [], "")
    assert "CLOUDCHAT_SOCKETS_PER_USER=7  (set)" in done.stdout
    assert "CLOUDCHAT_SENDS_PER_10S=20  (default)" in done.stdout


def test_what_others_may_read_is_found(server: RunningServer) -> None:
    key = next((server.state_dir / "keys").glob("*.pem"))
    key.chmod(0o644)
    done = doctor(server.state_dir)
    assert done.returncode == 1
    assert [str(key) in line and "chmod" in line for line in wrong(done)] == [True]


def test_before_the_first_start_it_says_what_to_do_and_makes_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    done = doctor(state)
    assert done.returncode == 1
    assert all("cloudchat serve" in line for line in wrong(done))
    assert not state.exists()


def test_a_secret_in_a_url_is_not_shown(server: RunningServer) -> None:
    done = doctor(server.state_dir, {"CLOUDCHAT_REDIS_URL": "redis://user:hunter2hunter2@127.0.0.1:1/0"})
    assert done.returncode == 1
    assert "hunter2hunter2" not in done.stdout + done.stderr
