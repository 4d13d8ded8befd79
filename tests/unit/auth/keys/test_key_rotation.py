"""Rotation while servers run: old tokens stay valid until they expire, new ones are valid everywhere immediately."""

import os
import time
from pathlib import Path

import pytest

from cloudchat.auth.errors import BadToken
from cloudchat.auth.keys.key_rotation import RETENTION_SECONDS, LiveKeyRing, rotate
from cloudchat.auth.keys.signing_keys import load_or_create
from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.auth.tokens.kinds import MAX_API_TOKEN_SECONDS
from support.account_services import concurrently
from support.processes import wait_until

NOW = time.time()


def tokens_of(folder: Path) -> Tokens:
    """Return the tokens of one process."""
    return Tokens(LiveKeyRing(folder), access_seconds=600)


def issue(tokens: Tokens) -> str:
    return tokens.issue_access("user-1", "session-1", "token-1", NOW)


def test_running_process_accepts_tokens_of_the_new_key_immediately_and_of_the_old_key(tmp_path: Path) -> None:
    running = tokens_of(tmp_path)
    old = issue(running)
    rotation = rotate(tmp_path, NOW)
    new = issue(tokens_of(tmp_path))  # a process that started after the rotation
    assert load_or_create(tmp_path).signing_kid == rotation.signing_kid
    for token in (new, old):
        assert running.verify(token, NOW).user_id == "user-1"


def test_running_process_signs_with_the_new_key_after_a_rotation(tmp_path: Path) -> None:
    running = tokens_of(tmp_path)
    rotate(tmp_path, NOW, forget_old=True)
    only_new = Tokens(load_or_create(tmp_path), access_seconds=600)

    def signs_with_new_key() -> bool:
        try:
            return bool(only_new.verify(issue(running), NOW))
        except BadToken:
            return False

    wait_until(signs_with_new_key, "a token of the new key")


def test_forget_old_invalidates_the_tokens_of_the_old_key(tmp_path: Path) -> None:
    running = tokens_of(tmp_path)
    old = issue(running)
    assert rotate(tmp_path, NOW, forget_old=True).removed == 1

    def refused() -> bool:
        try:
            running.verify(old, NOW)
        except BadToken:
            return True
        return False

    wait_until(refused, "the old key is gone")


def test_key_is_removed_after_its_last_token_has_expired(tmp_path: Path) -> None:
    first = load_or_create(tmp_path).signing_kid
    second = rotate(tmp_path, NOW).signing_kid
    os.utime(tmp_path / f"{first}.pem", (NOW - 2e8, NOW - 2e8))  # signed until the second was made
    os.utime(tmp_path / f"{second}.pem", (NOW, NOW))
    assert rotate(tmp_path, NOW + RETENTION_SECONDS).removed == 0
    assert first in load_or_create(tmp_path).keys
    assert rotate(tmp_path, NOW + RETENTION_SECONDS + 1).removed == 1
    assert first not in load_or_create(tmp_path).keys
    assert second in load_or_create(tmp_path).keys
    assert RETENTION_SECONDS > MAX_API_TOKEN_SECONDS


def test_new_key_signs_even_if_the_old_one_has_a_future_time(tmp_path: Path) -> None:
    old = load_or_create(tmp_path).signing_kid
    os.utime(tmp_path / f"{old}.pem", (NOW + 9999, NOW + 9999))
    new = rotate(tmp_path, NOW).signing_kid
    assert load_or_create(tmp_path).signing_kid == new != old


def test_tokens_stay_valid_while_the_key_folder_is_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "keys"
    running = tokens_of(folder)
    token = issue(running)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(BadToken):  # an unknown kid makes it check the directory
        running.verify(issue(tokens_of(tmp_path / "other")), NOW)
    assert running.verify(token, NOW)
    assert "stay in use" in caplog.text


def test_concurrent_rotations_lose_no_key(tmp_path: Path) -> None:
    first = load_or_create(tmp_path).signing_kid
    rotations = concurrently(4, lambda: rotate(tmp_path, NOW))
    assert set(load_or_create(tmp_path).keys) == {first, *(rotation.signing_kid for rotation in rotations)}
