"""`cloudchat doctor` beside the real server."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from support.commands import done, run_here
from support.server import RunningServer
from support.stores import RunningStore

FEW = {"CLOUDCHAT_SOCKETS_IN_TOTAL": "100"}
"""However few files this machine's shells may open."""


def doctor(state_dir: Path, *options: str, extra: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return run_here(state_dir, "doctor", *options, environment={**FEW, **(extra or {})})


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer() as running:
        yield running


def wrong(ran: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in ran.stdout.splitlines() if line.startswith("WRONG")]


def test_a_healthy_server_has_nothing_wrong_and_shows_its_limits(server: RunningServer, tmp_path: Path) -> None:
    done(run_here(server.state_dir, "admin", "backup", "--directory", tmp_path))
    options = "--url", server.url, "--backups", str(tmp_path)
    ran = doctor(server.state_dir, *options, extra={"CLOUDCHAT_SOCKETS_PER_USER": "7"})
    assert (ran.returncode, wrong(ran), ran.stderr) == (0, [], "")
    assert "CLOUDCHAT_SOCKETS_PER_USER=7  (set)" in ran.stdout
    assert "CLOUDCHAT_SENDS_PER_10S=20  (default)" in ran.stdout
    assert f" in {server.state_dir}/store, " in ran.stdout  # the store's log


def test_what_others_may_read_is_found(server: RunningServer) -> None:
    key = next((server.state_dir / "keys").glob("*.pem"))
    key.chmod(0o644)
    ran = doctor(server.state_dir)
    key.chmod(0o400)
    assert ran.returncode == 1
    assert [str(key) in line and "chmod" in line for line in wrong(ran)] == [True]


def test_before_the_first_start_it_says_what_to_do_and_makes_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    ran = doctor(state)
    assert ran.returncode == 1
    assert all("cloudchat serve" in line for line in wrong(ran))
    assert not state.exists()


def test_a_secret_in_a_url_is_not_shown(server: RunningServer) -> None:
    ran = doctor(server.state_dir, extra={"CLOUDCHAT_REDIS_URL": "redis://user:hunter2hunter2@127.0.0.1:1/0"})
    assert ran.returncode == 1
    assert "hunter2hunter2" not in ran.stdout + ran.stderr


def test_a_store_that_forgets_at_a_power_cut_and_a_believed_lie_are_found() -> None:
    with RunningStore(settings={"appendfsync": "everysec"}) as store:
        extra = {"CLOUDCHAT_REDIS_URL": store.url, "CLOUDCHAT_TRUSTED_PROXIES": "127.0.0.1"}
        with RunningServer(environment=extra) as server:
            ran = doctor(server.state_dir, "--json", "--url", server.url, extra=extra)
    found = {finding["what"]: finding["wrong"] for finding in json.loads(ran.stdout) if finding["wrong"]}
    assert ran.returncode == 1
    assert len(found) == 2
    assert "appendfsync" in found["store"]
    assert "CLOUDCHAT_TRUSTED_PROXIES" in found["a client's own word for its address"]
