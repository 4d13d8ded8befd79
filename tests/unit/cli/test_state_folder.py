"""The state directory: its permissions and its owner."""

import os
from pathlib import Path

import pytest

from cloudchat.cli.errors import CommandError
from cloudchat.cli.state_folder import prepare_state_folder


def test_a_missing_folder_is_created_for_this_user_alone(tmp_path: Path) -> None:
    folder = prepare_state_folder(tmp_path / "a" / "state")
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_folder_of_another_user_is_rejected_and_unchanged(tmp_path: Path) -> None:
    """The other user's server could not read the files of root."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    with pytest.raises(CommandError, match="nobody"):
        prepare_state_folder(folder)
    assert not list(folder.iterdir())


def test_a_database_that_other_users_may_read_is_made_private(tmp_path: Path) -> None:
    folder = prepare_state_folder(tmp_path / "state")
    for name in ("cloudchat.db", "cloudchat.db-wal"):
        (folder / name).touch(0o644)
    prepare_state_folder(folder)
    assert {path.stat().st_mode & 0o777 for path in folder.glob("cloudchat.db*")} == {0o600}


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="not UTF-8"):
        prepare_state_folder(tmp_path / os.fsdecode(b"state-\xff"))
    assert not list(tmp_path.iterdir())
