import fcntl
from pathlib import Path

import pytest

from cloudchat.backup.backup_files import atomic_file, backup_name, remove_leftovers, remove_old_backups


def test_atomic_file_appears_complete_and_readable_by_its_user_alone(tmp_path: Path) -> None:
    target = tmp_path / "b.tar"
    with atomic_file(target) as (file, scratch):
        file.write(b"whole")
        scratch.write_bytes(b"x")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_atomic_file_leaves_nothing_after_an_exception(tmp_path: Path) -> None:
    def fail() -> None:
        with atomic_file(tmp_path / "b.tar") as (_, scratch):
            scratch.touch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_atomic_file_does_not_replace_an_existing_file(tmp_path: Path) -> None:
    target = tmp_path / "b.tar"
    target.write_bytes(b"mine")
    with pytest.raises(FileExistsError), atomic_file(target) as (file, _):
        file.write(b"other")
    assert target.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [target]


def test_remove_leftovers_spares_a_file_that_is_being_written(tmp_path: Path) -> None:
    dead = tmp_path / ".cloudchat-20261122T120000Z.tar.x.partial"
    dead.touch()
    dead.with_name(dead.name + "-scratch").touch()
    alive = tmp_path / ".cloudchat-20261122T120001Z.tar.y.partial"
    with alive.open("wb") as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        remove_leftovers(tmp_path)
        assert list(tmp_path.iterdir()) == [alive]


def test_remove_old_backups_spares_the_newest_and_files_with_other_names(tmp_path: Path) -> None:
    names = [backup_name(1_800_000_000 + 86400 * day) for day in range(5)]
    for name in [*names, "cloudchat-notes.tar", "other"]:
        (tmp_path / name).touch()
    assert [path.name for path in remove_old_backups(tmp_path, 2)] == names[:3]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names[3:], "cloudchat-notes.tar", "other"])
    assert remove_old_backups(tmp_path, 2) == []
