import os
from pathlib import Path

import pytest

from cloudchat.broker.embedded import StoreStartError
from cloudchat.broker.embedded.data_dir_lock import MAX_SOCKET_PATH_BYTES, acquire_lock, socket_path

LONG_NAME = "x" * 120


@pytest.fixture
def runtime_dir(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """XDG_RUNTIME_DIR, with a path that is short enough for a socket."""
    directory = tmp_path_factory.getbasetemp().parent / f"r{os.getpid()}"
    directory.mkdir(exist_ok=True)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory))
    return directory


def test_the_socket_of_a_short_path_is_in_the_data_directory() -> None:
    assert socket_path(Path("/var/lib/cloudchat/store")) == Path("/var/lib/cloudchat/store/store.sock")


def test_the_socket_of_a_long_path_is_in_a_private_directory_that_does_not_change(runtime_dir: Path) -> None:
    path = socket_path(Path("/srv") / LONG_NAME)
    assert path.is_relative_to(runtime_dir)
    assert len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert socket_path(Path("/srv") / LONG_NAME) == path
    assert socket_path(Path("/srv") / LONG_NAME / "other") != path


@pytest.mark.parametrize("kind", ["world-writable", "link", "foreign"])
def test_a_socket_directory_that_another_user_created_is_rejected(kind: str, runtime_dir: Path, tmp_path: Path) -> None:
    directory = socket_path(tmp_path / LONG_NAME / kind).parent
    directory.rmdir()
    if kind == "world-writable":
        directory.mkdir()
        directory.chmod(0o777)
    elif kind == "link":
        (tmp_path / "theirs").mkdir(mode=0o700)
        directory.symlink_to(tmp_path / "theirs")
    else:
        if os.geteuid() != 0:
            pytest.skip("only root can change the owner of a directory")
        directory.mkdir(mode=0o700)
        os.chown(directory, 65534, 65534)
    with pytest.raises(StoreStartError, match="not a private directory") as raised:
        socket_path(tmp_path / LONG_NAME / kind)
    assert "CLOUDCHAT_STATE_DIR" in str(raised.value)


def test_acquire_lock_does_not_follow_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "store.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic links"):
        acquire_lock(tmp_path / "store.lock")
    assert (tmp_path / "victim").read_text() == "precious"
