"""Schemathesis asks every route of the OpenAPI document for what it promises, with data made to break it."""

import secrets
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.accounts import Account, login
from support.server import RunningServer

SCHEMATHESIS = Path(sysconfig.get_path("scripts")) / "schemathesis"
EXAMPLES = 10
LEFT_OUT = "positive_data_acceptance"
"""It demands that what fits the schema is accepted; but a taken name, a common password, a wrong code never are."""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    rates = {f"CLOUDCHAT_{name}_RATE": "99999/minute" for name in ("LOGIN", "REGISTER", "REFRESH", "ACCOUNT", "ADMIN")}
    with RunningServer(environment=rates) as running:
        yield running


@pytest.fixture(scope="module")
def admin(server: RunningServer) -> Iterator[Account]:
    first = login(server.url, "admin", server.first_password)
    password = f"three grey lamps {secrets.token_hex(4)}"
    body = {"current_password": server.first_password, "new_password": password}
    assert first.http.post("/api/auth/password", json=body).status_code == 204
    first.http.close()
    account = login(server.url, "admin", password)
    yield account
    account.http.close()


def test_schemathesis_finds_nothing(server: RunningServer, admin: Account, tmp_path: Path) -> None:
    arguments = [
        *("--checks", "all", "--exclude-checks", LEFT_OUT),
        *("--max-examples", str(EXAMPLES), "--generation-database", "none", "--seed", "20261122"),
        *("--exclude-path", "/api/auth/logout"),  # or all the rest would be asked by nobody
        *("--request-timeout", "20", "--no-color"),
        *("-H", f"Authorization: Bearer {admin.access_token}"),
    ]
    run = subprocess.run(
        [SCHEMATHESIS, "run", f"{server.url}/openapi.json", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    assert "Traceback" not in server.log
    assert httpx.get(f"{server.url}/readyz", verify=False).status_code == 200
