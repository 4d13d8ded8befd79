"""Each check finds the problem that it exists for, and no problem in a healthy installation."""

import os
import shutil
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from cloudchat.backup.backup_files import backup_name
from cloudchat.doctor import store as store_checks
from cloudchat.doctor.check_result import CheckResult, check_clock, clock_offset
from cloudchat.doctor.files import check_backups, check_secrets, check_state_folder
from cloudchat.doctor.machine import check_machine
from cloudchat.doctor.public_url import check_origins_and_proxies, check_public_url
from cloudchat.doctor.store import StoreStats, check_store
from cloudchat.settings import Settings

NOW = 1_800_000_000.0
Usage = namedtuple("Usage", "total used free")


def problems(results: list[CheckResult]) -> list[str]:
    """Return the names of the checks that found a problem."""
    return [result.name for result in results if result.problem is not None]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    (folder / "keys").mkdir(0o700, parents=True)
    folder.chmod(0o700)
    for name in ("a.pem", "vault.key"):
        (folder / "keys" / name).touch(0o400)
    return folder


def test_healthy_state_folder_has_no_problem(state: Path) -> None:
    assert problems(check_state_folder(state)) == []


@pytest.mark.parametrize("free", [0, 100 << 20])
def test_nearly_full_disk_is_a_problem(state: Path, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, free))
    assert len(problems(check_state_folder(state))) == 1


def test_interrupted_restore_and_missing_keys_are_problems(state: Path) -> None:
    (state / "restore.unfinished").touch()
    shutil.rmtree(state / "keys")
    assert problems(check_state_folder(state)) == ["signing keys", "restore"]


def test_secrets_that_other_users_may_read_are_a_problem(tmp_path: Path) -> None:
    assert check_secrets(tmp_path / "nothing") == []
    tmp_path.chmod(0o700)
    assert problems(check_secrets(tmp_path)) == []
    tmp_path.chmod(0o750)
    assert len(problems(check_secrets(tmp_path))) == 1


@pytest.mark.parametrize(("hours", "mode", "count"), [(2, 0o600, 0), (27, 0o600, 1), (2, 0o644, 1)])
def test_old_or_readable_newest_backup_is_a_problem(tmp_path: Path, hours: int, mode: int, count: int) -> None:
    for age in (hours, hours + 24):
        path = tmp_path / backup_name(NOW - age * 3600)
        path.touch()
        path.chmod(mode)
        os.utime(path, (NOW - age * 3600, NOW - age * 3600))
    assert len(problems(check_backups(tmp_path, NOW))) == count


def test_missing_backups_and_missing_folder_are_problems(tmp_path: Path) -> None:
    (tmp_path / "cloudchat-other.tar").touch()
    assert len(problems(check_backups(tmp_path))) == 1
    assert len(problems(check_backups(tmp_path / "nothing"))) == 1


@pytest.mark.parametrize(("remote_time", "count"), [(105.0, 0), (100.0, 0), (112.0, 0), (120.0, 1), (80.0, 1)])
def test_clock_offset_ignores_the_round_trip_and_five_seconds(remote_time: float, count: int) -> None:
    assert len(problems([check_clock("store", clock_offset(remote_time, 100.0, 110.0))])) == count


def test_file_from_the_future_means_that_the_clock_was_set_back(state: Path) -> None:
    file = state / "cloudchat.db"
    file.touch()
    settings = Settings(state_dir=state, sockets_in_total=1)
    assert problems(check_machine(settings)) == []
    os.utime(file, (time.time() + 3600, time.time() + 3600))
    assert problems(check_machine(settings)) == ["clock"]


def test_too_low_limit_of_open_files_is_a_problem(state: Path) -> None:
    assert len(problems(check_machine(Settings(state_dir=state, sockets_in_total=2_000_000_000)))) == 1


HEALTHY: dict[str, Any] = {
    "version": "9.1.2",
    "ping_seconds": 0.001,
    "used_bytes": 100,
    "max_bytes": 0,
    "machine_bytes": 1000,
    "write_problem": "",
    "log_bytes": 10 << 30,
    "log_folder": "",
    "clock_offset_seconds": 0.0,
}


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({}, 0),
        ({"used_bytes": 600}, 1),
        ({"used_bytes": 600, "max_bytes": 1000}, 0),
        ({"used_bytes": 900, "max_bytes": 1000}, 1),
        ({"machine_bytes": 0}, 0),
        ({"ping_seconds": 0.1}, 1),
        ({"write_problem": "aof_last_write_status is err"}, 1),
        ({"clock_offset_seconds": 60.0}, 1),
    ],
)
def test_store_stats_outside_of_their_bounds_are_problems(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], count: int
) -> None:
    monkeypatch.setattr(store_checks, "check_requirements", lambda _: [])
    monkeypatch.setattr(store_checks, "read_stats", lambda _: StoreStats(**{**HEALTHY, **changes}))
    assert len(problems(check_store(Settings(redis_url="redis://host")))) == count


@pytest.mark.parametrize(("free", "count"), [(11 << 30, 0), (9 << 30, 1)])
def test_disk_of_the_log_needs_space_for_a_rewrite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, count: int
) -> None:
    disks = {tmp_path: Usage(1 << 40, 0, free)}
    monkeypatch.setattr(shutil, "disk_usage", disks.__getitem__)
    monkeypatch.setattr(store_checks, "check_requirements", lambda _: [])
    monkeypatch.setattr(store_checks, "read_stats", lambda _: StoreStats(**{**HEALTHY, "log_folder": str(tmp_path)}))
    settings = Settings(redis_url="unix:///run/redis.sock")
    assert len(problems(check_store(settings))) == count


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, []),
        ({"host": "0.0.0.0"}, ["allowed origins"]),
        ({"host": "0.0.0.0", "allowed_origins": "https://a.example"}, []),
        ({"host": "0.0.0.0", "allowed_origins": "http://192.168.1.20:8000,https://a.example"}, ["allowed origins"]),
        ({"host": "127.0.0.2"}, []),
        ({"allowed_origins": "https://a.example"}, ["trusted proxies"]),
        ({"allowed_origins": "https://a.example", "trusted_proxies": "127.0.0.1"}, []),
        ({"trusted_proxies": "10.0.0.0/8"}, []),
        ({"trusted_proxies": "10.0.0.0/8,0.0.0.0/0"}, ["trusted proxies"]),
        ({"trusted_proxies": "::/0"}, ["trusted proxies"]),
    ],
)
def test_missing_origins_and_too_wide_or_missing_proxies_are_problems(
    settings: dict[str, Any], names: list[str]
) -> None:
    found = check_origins_and_proxies(Settings(**settings))
    assert [name.partition(":")[0] for name in problems(found)] == names


@pytest.mark.parametrize("url", ["https://chat.example.com/chat", "https://chat.example.com/chat/"])
def test_public_url_below_a_path_is_refused_with_words(url: str) -> None:
    [result] = check_public_url(url, Settings())
    assert "below a path" in (result.problem or "")
    assert "write https://chat.example.com" in (result.problem or "")


@pytest.mark.parametrize("url", ["chat.example.com", "ftp://chat.example.com", "https://", "https://127.0.0.1:1"])
def test_public_url_that_does_not_answer_is_a_problem(url: str) -> None:
    assert problems(check_public_url(url, Settings())) != []
