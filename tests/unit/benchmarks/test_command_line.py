"""The command line of `make bench`."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.command_line import command_of

BENCHMARKS = Path(__file__).parent.parent.parent / "benchmarks"


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], "make bench"),
        (["--update", "README.md"], "make bench"),
        (["--json=bench.json"], "make bench"),
        (["--part", "memory", "--json", "bench.json", "--idle", "9"], 'make bench ARGS="--part memory --idle 9"'),
    ],
)
def test_the_command_of_a_run_does_not_name_its_files(arguments: list[str], command: str) -> None:
    assert command_of("bench", arguments) == command


@pytest.mark.parametrize("program", ["run.py", "run_peers.py"])
def test_help_teaches_by_examples(program: str) -> None:
    shown = subprocess.run(
        [sys.executable, BENCHMARKS / program, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert "examples:" in shown
    assert "make bench" in shown


def test_an_unknown_part_is_refused() -> None:
    refused = subprocess.run(
        [sys.executable, BENCHMARKS / "run.py", "--part", "unknown"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "invalid choice: 'unknown'" in refused.stderr
