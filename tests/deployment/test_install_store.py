"""The store with the configuration of config/install.sh, on a full disk."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from support.processes import wait_until

CONFIG = Path(__file__).parents[2] / "config" / "redis"
PASSWORD_HASH = "9af15b336e6a9619928537df30b2e6a2376569fcf9d7e773eccede65606529a0"
PASSWORD = "0000"
MESSAGE = b"x" * 10_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Mount a disk of 2 MiB at tmp_path/disk; return the process whose mount namespace has it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["sh", "-euc", 'mount -t tmpfs -o size=2m tmpfs "$1"; echo mounted; read _', "sh", str(disk)]
    with subprocess.Popen(
        ["unshare", "--mount", *mounting], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            assert holder.stdout is not None
            if holder.stdout.readline() != "mounted\n":
                pytest.skip("this container may not mount file systems")
            yield holder
        finally:
            holder.kill()


def start_store(tmp_path: Path, holder: "subprocess.Popen[str]") -> "subprocess.Popen[bytes]":
    """Start the store in the mount namespace of `holder`."""
    replacements = {
        "/etc/redis/cloudchat.conf": str(CONFIG / "cloudchat.conf"),
        "/etc/redis/cloudchat.d": str(tmp_path),
        "/run/redis-cloudchat": str(tmp_path),
        "/var/lib/redis-cloudchat": str(tmp_path / "disk"),
        "PASSWORD-SHA256": PASSWORD_HASH,
        "HALF-THE-MEMORY": "64mb",
    }
    text = (CONFIG / "redis-cloudchat.conf").read_text()
    for path, replacement in replacements.items():
        text = text.replace(path, replacement)
    (tmp_path / "redis-cloudchat").write_text(text)
    inside = ["nsenter", f"--target={holder.pid}", "--mount"]
    return subprocess.Popen([*inside, "redis-server", tmp_path / "redis-cloudchat"], stdout=subprocess.DEVNULL)


def client(tmp_path: Path) -> "redis.Redis":
    """Return a client when the store answers."""
    no_retry = Retry(NoBackoff(), 0)
    path = str(tmp_path / "redis.sock")
    connected = redis.Redis(unix_socket_path=path, username="cloudchat", password=PASSWORD, retry=no_retry)

    def answers() -> bool:
        try:
            return bool(connected.info("persistence"))
        except redis.ConnectionError:
            return False

    wait_until(answers, "the store answers")
    return connected


def write_until_the_store_ends(writer: "redis.Redis") -> int:
    """Return the number of acknowledged writes."""
    acknowledged = 0
    try:
        while True:
            acknowledged = writer.rpush("log", MESSAGE)
    except redis.ConnectionError:
        return acknowledged


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a disk needs root")
def test_full_disk_ends_the_store_without_losing_an_acknowledged_write(
    tmp_path: Path, small_disk: "subprocess.Popen[str]"
) -> None:
    disk = Path(f"/proc/{small_disk.pid}/root{tmp_path}/disk")
    (disk / "backup").write_bytes(bytes(1 << 20))
    running = start_store(tmp_path, small_disk)
    with client(tmp_path) as writer:
        acknowledged = write_until_the_store_ends(writer)
    assert running.wait(20) != 0  # systemd would restart it
    assert acknowledged > 50
    (disk / "backup").unlink()  # the operator makes room
    running = start_store(tmp_path, small_disk)
    try:
        with client(tmp_path) as reader:
            assert reader.llen("log") >= acknowledged
            assert reader.rpush("log", MESSAGE) > acknowledged
    finally:
        running.terminate()
        running.wait(20)
