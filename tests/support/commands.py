"""Run `cloudchat …` as an operator does, and check the result."""

import contextlib
import io
import subprocess
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

from cloudchat.cli.main import main
from support.server import CLOUDCHAT, environment_of


def admin(
    state: Path, *arguments: str | Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `cloudchat admin …` as a separate process, until it exits."""
    return subprocess.run(
        [CLOUDCHAT, "admin", *arguments],
        env=environment_of(state, environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_here(
    state: Path, *arguments: str | Path, environment: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `cloudchat …` in this process, which saves a second of imports per call."""
    out, err = io.StringIO(), io.StringIO()
    command = [*map(str, arguments)]
    with (
        mock.patch.dict("os.environ", environment_of(state, environment), clear=True),
        mock.patch("sys.stdin", io.StringIO(stdin)),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            code = main(command)
        except SystemExit as error:
            code = int(error.code or 0)
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())


def errors_of(command: subprocess.CompletedProcess[str]) -> str:
    """Return what a command wrote to standard error, without the line that names the state directory."""
    lines = command.stderr.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("cloudchat: state directory /"))


def done(command: subprocess.CompletedProcess[str]) -> str:
    """Return the output of a command; assert that it succeeded without a warning."""
    assert (command.returncode, errors_of(command)) == (0, ""), command.stderr
    return command.stdout


def refused(command: subprocess.CompletedProcess[str]) -> str:
    """Return the error of a command; assert that it failed with this one line."""
    assert command.returncode == 1, command
    assert command.stdout == ""
    assert len(errors_of(command).splitlines()) == 1, command.stderr
    return errors_of(command)


def init(state: Path, environment: Mapping[str, str] | None = None) -> str:
    """Create the state of an installation; return the one-time password of its administrator."""
    return done(run_here(state, "init", environment=environment)).strip()
