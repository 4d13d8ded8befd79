"""Each fault that `cloudchat doctor` knows is found, and nothing else is called one."""

import os
import shutil
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from cloudchat.backup.retention import name_at
from cloudchat.doctor import store as store_checks
from cloudchat.doctor.check_result import CheckResult
from cloudchat.doctor.files import check_backups, check_files, check_secrets
from cloudchat.doctor.machine import check_machine, clocks_agree
from cloudchat.doctor.public_url import check_edge, check_public_url
from cloudchat.observability.store_stats import StoreFigures
from cloudchat.settings import Settings

NOW = 1_800_000_000.0
Usage = namedtuple("Usage", "total used free")


def wrong(findings: list[CheckResult]) -> list[str]:
    return [finding.what for finding in findings if finding.wrong is not None]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    (folder / "keys").mkdir(0o700, parents=True)
    folder.chmod(0o700)
    for name in ("a.pem", "vault.key"):
        (folder / "keys" / name).touch(0o400)
    return folder


def test_a_sound_folder_is_sound(state: Path) -> None:
    assert wrong(check_files(state)) == []


@pytest.mark.parametrize("free", [0, 100 << 20])
def test_a_disk_that_is_nearly_full_is_found(state: Path, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, free))
    assert len(wrong(check_files(state))) == 1


def test_an_interrupted_restore_and_missing_keys_are_found(state: Path) -> None:
    (state / "restore.unfinished").touch()
    shutil.rmtree(state / "keys")
    assert wrong(check_files(state)) == ["signing keys", "restore"]


def test_secrets_that_others_may_read_are_found(tmp_path: Path) -> None:
    assert check_secrets(tmp_path / "nothing") == []
    tmp_path.chmod(0o700)
    assert wrong(check_secrets(tmp_path)) == []
    tmp_path.chmod(0o750)
    assert len(wrong(check_secrets(tmp_path))) == 1


@pytest.mark.parametrize(("hours", "mode", "faults"), [(2, 0o600, 0), (27, 0o600, 1), (2, 0o644, 1)])
def test_the_newest_backup_is_young_and_private(tmp_path: Path, hours: int, mode: int, faults: int) -> None:
    for age in (hours, hours + 24):
        path = tmp_path / name_at(NOW - age * 3600)
        path.touch()
        path.chmod(mode)
        os.utime(path, (NOW - age * 3600, NOW - age * 3600))
    assert len(wrong(check_backups(tmp_path, NOW))) == faults


def test_no_backups_and_no_folder_are_found(tmp_path: Path) -> None:
    (tmp_path / "cloudchat-other.tar").touch()
    assert len(wrong(check_backups(tmp_path))) == 1
    assert len(wrong(check_backups(tmp_path / "nothing"))) == 1


@pytest.mark.parametrize(("told", "faults"), [(105.0, 0), (100.0, 0), (112.0, 0), (120.0, 1), (80.0, 1)])
def test_clocks_may_differ_by_seconds_and_by_the_time_of_the_question(told: float, faults: int) -> None:
    assert len(wrong([clocks_agree("store", told, 100.0, 110.0)])) == faults


def test_a_clock_that_was_set_back_is_found(state: Path) -> None:
    file = state / "cloudchat.db"
    file.touch()
    settings = Settings(state_dir=state, sockets_in_total=1)
    assert wrong(check_machine(settings)) == []
    os.utime(file, (time.time() + 3600, time.time() + 3600))
    assert wrong(check_machine(settings)) == ["clock"]


def test_too_few_open_files_are_found(state: Path) -> None:
    assert len(wrong(check_machine(Settings(state_dir=state, sockets_in_total=2_000_000_000)))) == 1


FIGURES: dict[str, Any] = {
    "version": "9.1.2",
    "seconds": 0.001,
    "used_bytes": 100,
    "most_bytes": 0,
    "machine_bytes": 1000,
    "write_trouble": "",
    "log_bytes": 10 << 30,
    "log_folder": "",
    "time": NOW,
    "asked": NOW,
    "heard": NOW,
}


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, 0),
        ({"used_bytes": 600}, 1),
        ({"used_bytes": 600, "most_bytes": 1000}, 0),
        ({"used_bytes": 900, "most_bytes": 1000}, 1),
        ({"machine_bytes": 0}, 0),
        ({"seconds": 0.1}, 1),
        ({"write_trouble": "aof_last_write_status is err"}, 1),
        ({"time": NOW + 60}, 1),
    ],
)
def test_what_a_store_says_of_itself_is_judged(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], faults: int
) -> None:
    monkeypatch.setattr(store_checks, "check_store", lambda _: [])
    monkeypatch.setattr(store_checks, "store_figures", lambda _: StoreFigures(**{**FIGURES, **changes}))
    assert len(wrong(store_checks.check_the_store(Settings(redis_url="redis://host")))) == faults  # type: ignore[arg-type]


@pytest.mark.parametrize(("free", "faults"), [(11 << 30, 0), (9 << 30, 1)])
def test_the_store_must_be_able_to_write_its_log_anew_where_that_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, faults: int
) -> None:
    disks = {tmp_path: Usage(1 << 40, 0, free)}
    monkeypatch.setattr(shutil, "disk_usage", disks.__getitem__)
    monkeypatch.setattr(store_checks, "check_store", lambda _: [])
    monkeypatch.setattr(
        store_checks, "store_figures", lambda _: StoreFigures(**{**FIGURES, "log_folder": str(tmp_path)})
    )
    settings = Settings(redis_url="unix:///run/redis.sock")  # type: ignore[arg-type]
    assert len(wrong(store_checks.check_the_store(settings))) == faults


@pytest.mark.parametrize(
    ("settings", "faults"),
    [
        ({}, []),
        ({"host": "0.0.0.0"}, ["allowed origins"]),
        ({"host": "0.0.0.0", "allowed_origins": "https://a.example"}, []),
        ({"allowed_origins": "https://a.example"}, ["trusted proxies"]),
        ({"allowed_origins": "https://a.example", "trusted_proxies": "127.0.0.1"}, []),
        ({"trusted_proxies": "10.0.0.0/8"}, []),
        ({"trusted_proxies": "10.0.0.0/8,0.0.0.0/0"}, ["trusted proxies"]),
        ({"trusted_proxies": "::/0"}, ["trusted proxies"]),
    ],
)
def test_neither_everybody_is_believed_nor_nobody_behind_a_proxy(settings: dict[str, Any], faults: list[str]) -> None:
    assert wrong(check_edge(Settings(**settings))) == faults


@pytest.mark.parametrize("url", ["chat.example.com", "ftp://chat.example.com", "https://", "https://127.0.0.1:1"])
def test_an_address_where_nothing_answers_is_found(url: str) -> None:
    assert wrong(check_public_url(url, Settings())) != []
