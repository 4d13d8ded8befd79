"""`make`, on a machine that lacks something: one clear line, and nothing half-made."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As much of a fresh clone as `make setup` looks at before it installs anything."""
    folder = tmp_path / "clone"
    (folder / "config").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "config/requirements.lock", "config/requirements-dev.lock"):
        shutil.copy(CHECKOUT / name, folder / name)
    return folder


def make(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--no-print-directory", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=clean)


def a_python(folder: Path, script: str) -> str:
    program = folder / "some-python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"PYTHON={program}"


def first_line(ended: "subprocess.CompletedProcess[str]") -> str:
    assert ended.returncode != 0
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("make: ***")]  # make's own last word
    assert len(lines) == 1, ended.stderr
    return lines[0]


def test_make_alone_lists_the_targets(clone: Path) -> None:
    listed = make(clone)
    assert listed.returncode == 0
    for target in ("run", "setup", "test", "check", "bench"):
        assert f"make {target} " in listed.stdout


def test_python_without_venv(clone: Path, tmp_path: Path) -> None:
    python = a_python(tmp_path, 'case "$2" in *ensurepip*) echo trace >&2; exit 1;; esac')
    assert "apt-get install python3-venv" in first_line(make(clone, "run", python))
    assert not (clone / ".venv").exists()


def test_python_too_old(clone: Path, tmp_path: Path) -> None:
    python = a_python(tmp_path, 'case "$2" in *version_info*) exit 1;; esac')
    assert "3.11" in first_line(make(clone, "setup", python))
    assert not (clone / ".venv").exists()


def test_no_python(clone: Path) -> None:
    assert "3.11" in first_line(make(clone, "setup", "PYTHON=/nowhere/python3"))


def test_packages_of_the_tests_are_listed_where_they_cannot_be_installed(tmp_path: Path) -> None:
    (tmp_path / "bash").symlink_to(shutil.which("bash") or "/bin/bash")
    ended = subprocess.run(
        [CHECKOUT / "tests" / "install_packages"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert ended.stderr.count("\n") == 1
    assert "redis-server" in ended.stderr
    assert "chromium" in ended.stderr


def test_ci_runs_make_test_and_nothing_else() -> None:
    commands = [line for line in (CHECKOUT / ".ci" / "run").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in commands if not line.startswith(("set ", "cd "))] == ["make test"]
