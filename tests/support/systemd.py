"""`Box`: a real systemd with a file system of its own. `Machine`: a box with cloudchat, as the installer makes it."""

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
_PARTS = "src frontend alembic config systemd pyproject.toml README.md"
DOMAIN = "chat.example.test"
_SCRIPT = Path(__file__).with_name("systemd_box")
_DEPENDENCIES = "/usr/lib/cloudchat-dependencies"
# The Python that the dependencies were installed for. One that is not the distribution's may be hidden from services.
_OWN_PYTHON = "" if sys.base_prefix == "/usr" else "/usr/lib/cloudchat-python"
_PYTHON = f"{_OWN_PYTHON or '/usr'}/bin/python3.{sys.version_info.minor}"


def why_not() -> str | None:
    """Why no box can be made here; None when one can."""
    if os.geteuid() != 0:
        return "a systemd of its own needs root"
    for program in ("unshare", "nsenter", "setpriv", "dbus-daemon", "/lib/systemd/systemd"):
        if shutil.which(program) is None:
            return f"{program} is missing: tests/install_packages brings it"
    tried = subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", "true"], capture_output=True, check=False)
    return None if tried.returncode == 0 else "this container may make no namespaces"


needs_systemd = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")


class Box:
    """Use as a context manager; leaving it ends every process in it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cc-box-", dir="/tmp"))
        shown = [f"{CHECKOUT}:{_CHECKOUT}", f"{sysconfig.get_path('purelib')}:{_DEPENDENCIES}"]
        if _OWN_PYTHON:
            shown.append(f"{sys.base_prefix}:{_OWN_PYTHON}")
        self._environment = {
            **os.environ,
            "BOX_NAME": self.folder.name,
            "BOX_FOLDER": str(self.folder),
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
        """Its root folder, as seen from here."""
        return Path(f"/proc/{(self.folder / 'pid1').read_text().split()[0]}/root")

    def try_(
        self, *command: str | Path, given: str | bytes = "", seconds: float = 120
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command in it."""
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
        """Run a command in it that must succeed; returns its output."""
        ended = self.try_(*command, given=given, seconds=seconds)
        assert ended.returncode == 0, f"{command}: {ended.returncode}\n{ended.stdout}{ended.stderr}"
        return ended.stdout.strip()

    def start(self, *command: str | Path) -> "subprocess.Popen[str]":
        """Run a command in it meanwhile."""
        return subprocess.Popen(
            [_SCRIPT, "exec", *map(str, command)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Make a file in it, with its folders."""
        self.run("install", "-D", "-m", f"{mode:o}", "/dev/stdin", path, given=text)

    def _remove(self) -> None:
        subprocess.run([_SCRIPT, "down"], env=self._environment, check=False, timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)


class Machine(Box):
    """A box in which cloudchat, Redis and the units are what config/install makes, but for nginx and the certificate.

    The dependencies are not downloaded: the release's venv finds those of the tests.
    """

    def __init__(self, units: Mapping[str, str] | None = None) -> None:
        """`units` are there from the beginning, by their names."""
        super().__init__()
        self._units = dict(units or {})

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.push(super().__enter__())
            self._prepare()
            starting.pop_all()
        return self

    def _prepare(self) -> None:
        if _OWN_PYTHON:  # its libpython may be looked for where it was built, which the sandbox hides
            self.write("/etc/ld.so.conf.d/00-python.conf", f"{_OWN_PYTHON}/lib\n")
            self.run("ldconfig")
        for name, text in self._units.items():
            self.write(f"/etc/systemd/system/{name}", text)
        self.copy_source(SOURCE)
        self.add_release(SOURCE)
        self.install_without_site()

    @property
    def socket(self) -> Path:
        """The chat's unix socket, as seen from here."""
        return self.root / "run/cloudchat/cloudchat.sock"

    def copy_source(self, target: str) -> None:
        """A checkout of its own, which a test may change."""
        self.run("sh", "-euc", f'mkdir "$1"; cd {_CHECKOUT}; cp -r {_PARTS} "$1"', "sh", target)

    def add_release(self, source: str) -> str:
        """What the installer has after it installed the program, for a checkout in the box; returns its folder."""
        folder = self._installer(source, 'echo "$VERSIONS/$RELEASE"')
        packages = f"{folder}/lib/python3.{sys.version_info.minor}/site-packages"
        self.run(_PYTHON, "-m", "venv", "--without-pip", folder)
        self.write(f"{packages}/dependencies.pth", f"{_DEPENDENCIES}\n")
        copy = 'cp -r "$1/src/cloudchat" "$2" && cp -r "$1/frontend" "$2/cloudchat/_frontend"'
        self.run("sh", "-euc", f'{copy} && cp -r "$1/alembic" "$2/cloudchat/_migrations"', "sh", source, packages)
        version = folder.rpartition("/")[2].partition("-")[0]
        self.write(f"{packages}/cloudchat-{version}.dist-info/METADATA", f"Name: cloudchat\nVersion: {version}\n")
        program = f"#!{folder}/bin/python\nimport sys\nfrom cloudchat.cli.main import main\n"
        program += "if __name__ == '__main__':\n    sys.exit(main())\n"  # which each worker imports
        self.write(f"{folder}/bin/cloudchat", program, 0o755)
        self._installer(source, 'finish_release "$VERSIONS/$RELEASE"')
        return folder

    def install_without_site(self, source: str = SOURCE) -> None:
        steps = "make_user_and_folders make_store make_settings install_units switch_release"
        self._installer(source, f"for task in {steps}; do $task; done")

    def unit(self, name: str, *properties: str) -> dict[str, str]:
        """Properties of a unit, as systemctl shows them."""
        shown = self.run("systemctl", "show", name, *(f"--property={wanted}" for wanted in properties))
        return dict(line.split("=", 1) for line in shown.splitlines())

    @property
    def main_pid(self) -> int:
        """Of the server, as the box counts."""
        return int(self.unit("cloudchat.service", "MainPID")["MainPID"])

    def journal(self, unit: str = "cloudchat.service") -> str:
        """What a unit wrote, without journald's own columns."""
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--output=cat", "--no-pager", "--unit", unit)

    def cloudchat(self, *arguments: str, given: str = "") -> str:
        """The operator's own command."""
        return self.run("cloudchat", *arguments, given=given)

    def _installer(self, source: str, code: str) -> str:
        """Run parts of the installer."""
        options = f'SOURCE={source} domain={DOMAIN} proxy="" dry_run=""'
        parts = "saying machine program store server site"
        load = f'for part in {parts}; do . "$SOURCE/config/install/$part.sh"; done'
        load += "; RELEASE=$(release_name)"
        return self.run("bash", "-euo", "pipefail", "-c", f"umask 022; shopt -s lastpipe; {options}; {load}; {code}")


class BareMachine(Machine):
    """A box on which config/install.sh has everything to do but to download."""

    def _prepare(self) -> None:
        super()._prepare()
        found = sorted((CHECKOUT / ".venv-certbot").glob("lib/*/site-packages"))
        packages = f"{_CHECKOUT}/{found[0].relative_to(CHECKOUT)}"
        program = "import sys; from certbot.main import main; sys.exit(main())"
        certbot = f"#!/bin/sh\nPYTHONPATH={packages} exec {_PYTHON} -c '{program}' \"$@\"\n"
        self.write("/opt/certbot/bin/certbot", certbot, 0o755)
        self.run("cp", f"{SOURCE}/config/requirements-certbot.lock", "/opt/certbot/requirements.lock")

    def install_without_site(self, source: str = SOURCE) -> None:
        """Not here."""

    def install(self, *options: str, source: str = SOURCE) -> "subprocess.CompletedProcess[str]":
        """As an operator does it."""
        return self.try_("env", "REQUESTS_CA_BUNDLE=/etc/pebble/ca.pem", f"{source}/config/install.sh", *options)
