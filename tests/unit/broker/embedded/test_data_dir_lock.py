import os
from pathlib import Path

import pytest

from cloudchat.broker.embedded.data_dir_lock import lock_folder, socket_path
from cloudchat.broker.embedded.errors import StoreStartError

LONG = "x" * 120


def test_a_short_folder_has_its_own_socket() -> None:
    assert socket_path(Path("/var/lib/cloudchat/store")) == Path("/var/lib/cloudchat/store/store.sock")


@pytest.fixture
def runtime(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.getbasetemp().parent / f"r{os.getpid()}"
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def test_a_long_folder_gets_a_private_place_that_is_the_same_next_time(runtime: Path) -> None:
    path = socket_path(Path("/srv") / LONG)
    assert path.is_relative_to(runtime)
    assert len(os.fsencode(path)) < 108
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert socket_path(Path("/srv") / LONG) == path
    assert socket_path(Path("/srv") / LONG / "other") != path


@pytest.mark.parametrize("kind", ["open", "link", "foreign"])
def test_a_place_that_somebody_else_made_first_is_not_trusted(kind: str, runtime: Path, tmp_path: Path) -> None:
    place = socket_path(tmp_path / LONG / kind).parent
    place.rmdir()
    if kind == "open":
        place.mkdir()
        place.chmod(0o777)
    elif kind == "link":
        (tmp_path / "theirs").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "theirs")
    else:
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder away")
        place.mkdir(mode=0o700)
        os.chown(place, 65534, 65534)
    with pytest.raises(StoreStartError, match="not a private folder") as refused:
        socket_path(tmp_path / LONG / kind)
    assert "CLOUDCHAT_STATE_DIR" in str(refused.value)


def test_the_lock_is_not_followed_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "store.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic links"):
        lock_folder(tmp_path / "store.lock")
    assert (tmp_path / "victim").read_text() == "precious"
