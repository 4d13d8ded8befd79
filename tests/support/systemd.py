"""`SystemdBox`: a real systemd with its own file system. `Machine`: a box on which cloudchat is installed."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

CHECKOUT = Path(__file__).parents[2]
SOURCE = "/usr/src/cloudchat"
"""Where a machine has its copy of the checkout."""
_CHECKOUT = "/usr/src/checkout"
_PARTS = "src frontend alembic config docs systemd pyproject.toml README.md"
DOMAIN = "chat.example.test"
_SCRIPT = Path(__file__).with_name("systemd_box")
_DEPENDENCIES = "/usr/lib/cloudchat-dependencies"
# The Python for which the dependencies were installed. If it is not the distribution's, the sandbox may hide it.
_OWN_PYTHON = "" if sys.base_prefix == "/usr" else "/usr/lib/cloudchat-python"
_PYTHON = f"{_OWN_PYTHON or '/usr'}/bin/python3.{sys.version_info.minor}"


def reason_to_skip() -> str | None:
    """Return why no box can run here, or None if one can."""
    if os.geteuid() != 0:
        return "running systemd in a namespace needs root"
    for program in ("unshare", "nsenter", "setpriv", "dbus-daemon", "/lib/systemd/systemd"):
        if shutil.which(program) is None:
            return f"{program} is missing: run tests/install_packages"
    tried = subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", "true"], capture_output=True, check=False)
    return None if tried.returncode == 0 else "this container may not create namespaces"


needs_systemd = pytest.mark.skipif(reason_to_skip() is not None, reason=reason_to_skip() or "")


class SystemdBox:
    """A running box. Use as a context manager: leaving it ends every process in the box."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="cc-box-", dir="/tmp"))
        shown = [f"{CHECKOUT}:{_CHECKOUT}", f"{sysconfig.get_path('purelib')}:{_DEPENDENCIES}"]
        if _OWN_PYTHON:
            shown.append(f"{sys.base_prefix}:{_OWN_PYTHON}")
        self._environment = {
            **os.environ,
            "BOX_NAME": self.directory.name,
            "BOX_DIRECTORY": str(self.directory),
            "BOX_BIND": " ".join(shown),
        }

    def __enter__(self) -> Self:
        try:
            subprocess.run([_SCRIPT, "up"], env=self._environment, check=True, timeout=90)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    @property
    def root(self) -> Path:
        """The root directory of the box, as seen from the test."""
        return Path(f"/proc/{(self.directory / 'pid1').read_text().split()[0]}/root")

    def try_(
        self, *command: str | Path, given: str | bytes = "", seconds: float = 120
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command in the box."""
        return subprocess.run(
            [_SCRIPT, "exec", *map(str, command)],
            env=self._environment,
            input=given if isinstance(given, str) else given.decode(),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )

    def run(self, *command: str | Path, given: str = "", seconds: float = 120) -> str:
        """Run a command in the box that must succeed; return its output."""
        ended = self.try_(*command, given=given, seconds=seconds)
        assert ended.returncode == 0, f"{command}: {ended.returncode}\n{ended.stdout}{ended.stderr}"
        return ended.stdout.strip()

    def start(self, *command: str | Path) -> "subprocess.Popen[str]":
        """Start a command in the box without waiting for it."""
        return subprocess.Popen(
            [_SCRIPT, "exec", *map(str, command)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Create a file in the box, with its parent directories."""
        self.run("install", "-D", "-m", f"{mode:o}", "/dev/stdin", path, given=text)

    def _remove(self) -> None:
        subprocess.run([_SCRIPT, "down"], env=self._environment, check=False, timeout=60)
        shutil.rmtree(self.directory, ignore_errors=True)


class Machine(SystemdBox):
    """A box with cloudchat, Redis and the units as config/install sets them up, without nginx and the certificate.

    The dependencies are not downloaded: the release's venv uses those of the tests.
    """

    def __init__(self, units: Mapping[str, str] | None = None) -> None:
        """`units` maps names of unit files to their texts. They exist before the installation."""
        super().__init__()
        self._units = dict(units or {})

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.push(super().__enter__())
            self._prepare()
            starting.pop_all()
        return self

    def _prepare(self) -> None:
        if _OWN_PYTHON:  # its libpython may be linked by a path that the sandbox hides
            self.write("/etc/ld.so.conf.d/00-python.conf", f"{_OWN_PYTHON}/lib\n")
            self.run("ldconfig")
        for name, text in self._units.items():
            self.write(f"/etc/systemd/system/{name}", text)
        self.copy_source(SOURCE)
        self.add_release(SOURCE)
        self.install_without_site()

    @property
    def socket(self) -> Path:
        """The server's unix socket, as seen from the test."""
        return self.root / "run/cloudchat/cloudchat.sock"

    def copy_source(self, target: str) -> None:
        """Copy the checkout, so that a test can change the copy."""
        self.run("sh", "-euc", f'mkdir "$1"; cd {_CHECKOUT}; cp -r {_PARTS} "$1"', "sh", target)

    def add_release(self, source: str) -> str:
        """Create the release that the installer would build from a checkout in the box; return its directory."""
        directory = self._installer(source, 'echo "$VERSIONS/$RELEASE"')
        packages = f"{directory}/lib/python3.{sys.version_info.minor}/site-packages"
        self.run(_PYTHON, "-m", "venv", "--without-pip", directory)
        self.write(f"{packages}/dependencies.pth", f"{_DEPENDENCIES}\n")
        copy = 'cp -r "$1/src/cloudchat" "$2" && cp -r "$1/frontend" "$2/cloudchat/_frontend"'
        self.run("sh", "-euc", f'{copy} && cp -r "$1/alembic" "$2/cloudchat/_migrations"', "sh", source, packages)
        version = directory.rpartition("/")[2].partition("-")[0]
        self.write(f"{packages}/cloudchat-{version}.dist-info/METADATA", f"Name: cloudchat\nVersion: {version}\n")
        program = f"#!{directory}/bin/python\nimport sys\nfrom cloudchat.cli.main import main\n"
        program += "if __name__ == '__main__':\n    sys.exit(main())\n"  # each worker imports this file
        self.write(f"{directory}/bin/cloudchat", program, 0o755)
        self._installer(source, 'complete_release "$VERSIONS/$RELEASE"')
        return directory

    def install_without_site(self, source: str = SOURCE) -> None:
        steps = "create_user_and_directories install_store write_settings install_units activate_release"
        self._installer(source, f"for task in {steps}; do $task; done")

    def unit(self, name: str, *properties: str) -> dict[str, str]:
        """Return properties of a unit, as systemctl shows them."""
        shown = self.run("systemctl", "show", name, *(f"--property={wanted}" for wanted in properties))
        return dict(line.split("=", 1) for line in shown.splitlines())

    @property
    def main_pid(self) -> int:
        """The process id of the server inside the box."""
        return int(self.unit("cloudchat.service", "MainPID")["MainPID"])

    def journal(self, unit: str = "cloudchat.service") -> str:
        """Return the output of a unit, without journald's own columns."""
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--output=cat", "--no-pager", "--unit", unit)

    def cloudchat(self, *arguments: str, given: str = "") -> str:
        """Run the operator's command `cloudchat`."""
        return self.run("cloudchat", *arguments, given=given)

    def _installer(self, source: str, code: str) -> str:
        """Run functions of the installer."""
        options = f'SOURCE={source} domain={DOMAIN} proxy="" dry_run=""'
        parts = "output machine release store settings units upgrade site"
        load = f'for part in {parts}; do . "$SOURCE/config/install/$part.sh"; done'
        load += "; RELEASE=$(release_name)"
        return self.run("bash", "-euo", "pipefail", "-c", f"umask 022; shopt -s lastpipe; {options}; {load}; {code}")


class BareMachine(Machine):
    """A box on which config/install.sh can do every step without downloading anything."""

    def _prepare(self) -> None:
        super()._prepare()
        found = sorted((CHECKOUT / ".venv-certbot").glob("lib/*/site-packages"))
        packages = f"{_CHECKOUT}/{found[0].relative_to(CHECKOUT)}"
        program = "import sys; from certbot.main import main; sys.exit(main())"
        certbot = f"#!/bin/sh\nPYTHONPATH={packages} exec {_PYTHON} -c '{program}' \"$@\"\n"
        self.write("/opt/certbot/bin/certbot", certbot, 0o755)
        self.run("cp", f"{SOURCE}/config/requirements-certbot.lock", "/opt/certbot/requirements.lock")

    def install_without_site(self, source: str = SOURCE) -> None:
        """Do nothing: the test runs the installer."""

    def install(self, *options: str, source: str = SOURCE) -> "subprocess.CompletedProcess[str]":
        """Run config/install.sh as an operator does."""
        return self.try_("env", "REQUESTS_CA_BUNDLE=/etc/pebble/ca.pem", f"{source}/config/install.sh", *options)
