"""Which libraries a command loads: each that it does not need would cost tens of milliseconds, or megabytes."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.commands import init
from support.server import RunningServer, environment_of
from support.stores import RunningStore

RECORD_MODULES = """
import atexit, os, sys
atexit.register(lambda: open(os.environ["LOADED"], "w").write("\\n".join(sys.modules)))
from cloudchat.cli.main import main
sys.exit(main())
"""

SERVER = {"cloudchat.app.application", "fastapi", "hiredis", "limits", "slowapi", "starlette", "uvicorn", "uvloop"}
LIBRARIES = SERVER | {"asyncio", "cryptography", "jose", "msgspec", "pydantic", "sqlalchemy"}
RARELY_NEEDED = {
    "alembic",  # for a new version's first start
    "argon2",
    "boto3",
    "cloudchat.observability.metrics",
    "cloudchat.observability.tracing",
    "confusable_homoglyphs",
    "opentelemetry.exporter",
    "opentelemetry.sdk",
    "passlib",
    "prometheus_client",
    "prompt_toolkit",
    "psycopg",
    "pydantic.v1.main",
    "redis",  # for backups and the doctor
    "segno",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.orm",  # for migrations
    "zxcvbn",
}


def run_and_list_modules(state: Path, *arguments: str) -> set[str]:
    record = state.parent / "loaded"
    subprocess.run(
        [sys.executable, "-c", RECORD_MODULES, *arguments],
        env=environment_of(state, {"LOADED": str(record)}),
        check=True,
        capture_output=True,
    )
    return set(record.read_text().split())


@pytest.mark.parametrize(
    "command", [["--help"], ["serve", "--help"], ["admin", "--help"], ["chat", "--help"], ["--version"]]
)
def test_help_loads_only_the_parsers(tmp_path: Path, command: list[str]) -> None:
    loaded = run_and_list_modules(tmp_path / "state", *command)
    assert "argparse" in loaded
    assert not loaded & (LIBRARIES | RARELY_NEEDED)


def test_admin_commands_load_no_part_of_the_server(tmp_path: Path) -> None:
    state = tmp_path / "state"
    init(state)
    loaded = run_and_list_modules(state, "admin", "list-users")
    assert "sqlalchemy" in loaded
    assert not loaded & (SERVER | RARELY_NEEDED | {"cryptography", "jose"})


@pytest.fixture(params=["embedded", "external"])
def store_environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    with contextlib.ExitStack() as running:
        if request.param == "embedded":
            yield {}
        else:
            yield {"CLOUDCHAT_REDIS_URL": running.enter_context(RunningStore()).url}


def test_a_server_loads_what_few_requests_need_with_the_first_of_them(
    tmp_path: Path, store_environment: dict[str, str]
) -> None:
    record = tmp_path / "loaded"
    environment = {"LOADED": str(record), **store_environment}
    with RunningServer(command=[sys.executable, "-c", RECORD_MODULES], environment=environment) as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        assert server.terminate() == 0
    loaded = set(record.read_text().split())
    assert loaded >= SERVER
    assert not loaded & RARELY_NEEDED
