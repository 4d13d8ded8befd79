"""`make` on a machine where something is missing: it prints one line that says what, and leaves nothing incomplete."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files of a fresh clone that `make setup` reads before it installs anything."""
    clone = tmp_path / "clone"
    (clone / "config").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "config/requirements.lock", "config/requirements-dev.lock"):
        shutil.copy(CHECKOUT / name, clone / name)
    return clone


def make(clone: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--no-print-directory", "-C", str(clone), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def fake_python(directory: Path, script: str) -> str:
    """Create a program that replaces Python; return the argument that makes `make` use it."""
    program = directory / "fake-python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"PYTHON={program}"


def error_line(result: "subprocess.CompletedProcess[str]") -> str:
    """Return the only line of the errors, without the line that make itself adds."""
    assert result.returncode != 0
    lines = [line for line in result.stderr.splitlines() if not line.startswith("make: ***")]
    assert len(lines) == 1, result.stderr
    return lines[0]


def test_make_without_a_target_lists_the_targets(clone: Path) -> None:
    result = make(clone)
    assert result.returncode == 0
    for target in ("run", "setup", "test", "check", "bench", "bench-peers"):
        assert f"make {target} " in result.stdout


def test_make_run_names_the_package_that_brings_venv(clone: Path, tmp_path: Path) -> None:
    python = fake_python(tmp_path, 'case "$2" in *ensurepip*) echo trace >&2; exit 1;; esac')
    assert "apt-get install python3-venv" in error_line(make(clone, "run", python))
    assert not (clone / ".venv").exists()


def test_make_setup_refuses_an_old_python(clone: Path, tmp_path: Path) -> None:
    python = fake_python(tmp_path, 'case "$2" in *version_info*) exit 1;; esac')
    assert "3.11" in error_line(make(clone, "setup", python))
    assert not (clone / ".venv").exists()


def test_make_setup_needs_python(clone: Path) -> None:
    assert "3.11" in error_line(make(clone, "setup", "PYTHON=/nowhere/python3"))


def test_install_packages_lists_the_packages_if_it_cannot_install_them(tmp_path: Path) -> None:
    (tmp_path / "bash").symlink_to(shutil.which("bash") or "/bin/bash")
    result = subprocess.run(
        [CHECKOUT / "tests" / "install_packages"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert result.stderr.count("\n") == 1
    assert "redis-server" in result.stderr
    assert "chromium" in result.stderr


def test_ci_runs_only_make_test() -> None:
    commands = [line for line in (CHECKOUT / ".ci" / "run").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in commands if not line.startswith(("set ", "cd "))] == ["make test"]
