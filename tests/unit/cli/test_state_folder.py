import os
from pathlib import Path

import pytest

from cloudchat.cli.errors import CommandError
from cloudchat.cli.state_folder import prepare_state_folder


def test_a_folder_is_made_for_this_user_alone(tmp_path: Path) -> None:
    folder = prepare_state_folder(tmp_path / "a" / "state")
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_folder_is_left_as_it_is(tmp_path: Path) -> None:
    """Root's files in it are none that its server could read."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    with pytest.raises(CommandError, match="nobody"):
        prepare_state_folder(folder)
    assert not list(folder.iterdir())
