"""Signing keys: created once by concurrent processes, and private."""

import os
import stat
from pathlib import Path

import pytest

from cloudchat.auth.keys.key_folder import KeyFolderError
from cloudchat.auth.keys.signing_keys import load_or_create


def test_first_load_creates_a_key_and_the_next_loads_it(tmp_path: Path) -> None:
    ring = load_or_create(tmp_path / "keys")
    again = load_or_create(tmp_path / "keys")
    assert list(ring.keys) == [ring.signing_kid] == list(again.keys)


def test_key_files_are_private(tmp_path: Path) -> None:
    load_or_create(tmp_path / "keys")
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o400
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_newest_key_signs_and_older_keys_are_in_the_ring(tmp_path: Path) -> None:
    old = load_or_create(tmp_path / "keys")
    new = load_or_create(tmp_path / "other")
    (file,) = (tmp_path / "other").iterdir()
    file.rename(tmp_path / "keys" / file.name)
    os.utime(tmp_path / "keys" / file.name, (4e9, 4e9))
    both = load_or_create(tmp_path / "keys")
    assert both.signing_kid == new.signing_kid
    assert set(both.keys) == {old.signing_kid, new.signing_kid}


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nhalf of"])
def test_error_names_a_broken_key_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "broken.pem").write_bytes(content)
    with pytest.raises(KeyFolderError, match=r"broken\.pem"):
        load_or_create(tmp_path / "keys")


def test_partially_written_file_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / ".new-abc").write_bytes(b"-----BEGIN")
    assert len(load_or_create(tmp_path / "keys").keys) == 1
