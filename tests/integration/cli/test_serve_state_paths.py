"""Any path can be the state directory: the whole state is inside of it, for the server's user alone."""

import os
import stat
from pathlib import Path

import pytest

from support.accounts import PASSWORD, login
from support.commands import run_here
from support.server import CLOUDCHAT, RunningServer
from support.socket import ChatSocket

AWKWARD = [
    "what?x=1&mode=ro#frag",  # each would end the path of a URL
    'a%2Fb %41 % it\'s "quoted" `back` $HOME \\n semi;colon,comma sp+ace',
    "user:pass@host\nübung 例え 🦊" + "x" * 80,  # also too long for the path of a unix socket
]


@pytest.fixture(scope="module", autouse=True)
def _console_script() -> None:
    """The paths are read after the imports, so most of these servers are forked."""


@pytest.mark.parametrize("name", AWKWARD)
def test_the_whole_state_is_in_the_folder(tmp_path: Path, name: str) -> None:
    state = tmp_path / name / "state"
    with RunningServer(state_dir=state, workers=2 if "?" in name else 1) as server:
        made = run_here(state, "admin", "create-user", "ann", "--password-stdin", stdin=PASSWORD + "\n")
        assert made.returncode == 0, made.stderr
        ann = login(server.url, "ann")
        with ChatSocket(server.ws_url, ann.access_token) as chat:
            assert chat.join()["type"] == "joined"
            assert chat.send("kept")["type"] == "ack"
        backup = run_here(state, "admin", "backup", tmp_path / "backup.tar")
        assert backup.returncode == 0, backup.stderr
        doctor = run_here(state, "doctor", environment={"CLOUDCHAT_SOCKETS_IN_TOTAL": "100"})
        assert "WRONG" not in doctor.stdout
        server.restart()
        assert ann.http.get("/api/me").status_code == 200

    assert set(os.listdir(tmp_path)) == {name, "backup.tar"}
    assert os.listdir(tmp_path / name) == ["state"]
    for path in state.rglob("*"):
        assert not stat.S_IMODE(path.lstat().st_mode) & 0o077, path
    assert stat.S_IMODE((state / "cloudchat.db").stat().st_mode) == 0o600


def test_a_relative_path_is_below_the_working_folder(tmp_path: Path) -> None:
    state = Path("what?x=1%2F")
    (tmp_path / "here").mkdir()
    with RunningServer(
        state_dir=state, command=["sh", "-c", f'cd "{tmp_path}/here" && exec "$0" "$@"', str(CLOUDCHAT)]
    ):
        pass
    assert (tmp_path / "here" / state / "cloudchat.db").exists()
    assert os.listdir(tmp_path / "here") == [str(state)]
