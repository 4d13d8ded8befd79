from pathlib import Path

import pytest

from cloudchat.broker.embedded.binary import find_server_binary


def a_store(folder: Path, name: str, says: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_the_systems_own_comes_first(only: Path) -> None:
    redis = a_store(only, "redis-server", "Redis server v=7.0.15 sha=00000000:0")
    assert find_server_binary() == redis
    valkey = a_store(only, "valkey-server", "Valkey server v=8.1.0 sha=00000000:0")
    assert find_server_binary() == valkey


@pytest.mark.parametrize("says", ["Redis server v=6.0.16 sha=00000000:0", "no version at all", ""])
def test_one_that_is_too_old_or_tells_nothing_is_passed_over(only: Path, says: str) -> None:
    old = a_store(only, "redis-server", says)
    assert find_server_binary() != old
    assert find_server_binary().name == "valkey-server"
