"""Schemathesis checks every route against the OpenAPI document, with generated and with invalid data."""

import os
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
HERE = Path(__file__).parent
EXAMPLES = 10


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    rates = {f"CLOUDCHAT_{name}_RATE": "99999/minute" for name in ("LOGIN", "REGISTER", "REFRESH", "ACCOUNT", "ADMIN")}
    with RunningServer(environment={**rates, "CLOUDCHAT_LOGIN_FAILURES_PER_CLIENT": "99999/minute"}) as running:
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


def test_the_api_conforms_to_its_openapi_document(server: RunningServer, admin: Account, tmp_path: Path) -> None:
    (own,) = [
        session["id"] for session in admin.http.get("/api/auth/sessions").json()["sessions"] if session["current"]
    ]
    arguments = [
        *("--checks", "all"),
        *("--max-examples", str(EXAMPLES), "--generation-database", "none", "--seed", "20261122"),
        *("--exclude-path", "/api/auth/logout"),  # a logout would make all later requests anonymous
        *("--request-timeout", "20", "--no-color"),
        *("-H", f"Authorization: Bearer {admin.access_token}"),
    ]
    run = subprocess.run(
        [SCHEMATHESIS, "--config-file", HERE / "schemathesis.toml", "run", f"{server.url}/openapi.json", *arguments],
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_checks", "PYTHONPATH": str(HERE), "OWN_SESSION": own},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    assert "Traceback" not in server.log
    assert admin.http.get("/api/me").status_code == 200, (
        "the session ended during the run, so the last requests were anonymous"
    )
    assert httpx.get(f"{server.url}/readyz", verify=False).status_code == 200
