from pathlib import Path

import pytest

from cloudchat.broker.embedded.binary import find_server_binary


def install_store(directory: Path, name: str, version: str) -> Path:
    """Create a program that prints `version` as a store does."""
    program = directory / name
    program.write_text(f"#!/bin/sh\necho '{version}'\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def path_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_a_program_on_path_has_precedence_over_the_packaged_one(path_directory: Path) -> None:
    redis = install_store(path_directory, "redis-server", "Redis server v=7.0.15 sha=00000000:0")
    assert find_server_binary() == redis
    valkey = install_store(path_directory, "valkey-server", "Valkey server v=8.1.0 sha=00000000:0")
    assert find_server_binary() == valkey


@pytest.mark.parametrize("version", ["Redis server v=6.0.16 sha=00000000:0", "no version at all", ""])
def test_a_program_that_is_too_old_or_has_no_version_is_skipped(path_directory: Path, version: str) -> None:
    old = install_store(path_directory, "redis-server", version)
    assert find_server_binary() != old
    assert find_server_binary().name == "valkey-server"
