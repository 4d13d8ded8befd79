"""Schemathesis checks every route against the OpenAPI document, with generated and with invalid data.

The document's own examples are checked, too: each parameter and each field has one that its schema accepts.
"""

import os
import secrets
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
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


def test_every_parameter_and_every_field_has_valid_examples(server: RunningServer) -> None:
    document = httpx.get(f"{server.url}/openapi.json", verify=False).json()
    described = {f"{name}.{field}": schema for name, field, schema in fields_of(document)}
    described |= {f"{route} {name}": schema for route, name, schema in parameters_of(document)}
    assert [name for name, schema in described.items() if not examples_of(schema) and needs_example(schema)] == []
    assert {name: wrong for name, schema in described.items() if (wrong := invalid_examples(document, schema))} == {}


def fields_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, schema in document["components"]["schemas"].items():
        for field, of_field in schema.get("properties", {}).items():
            yield name, field, of_field


def parameters_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                yield f"{method} {path}", parameter["name"], parameter["schema"]


def examples_of(schema: dict[str, Any]) -> list[Any]:
    """Return the examples of a schema; of one that allows null, also those of what else it allows."""
    return [*schema.get("examples", []), *(found for part in schema.get("anyOf", []) for found in examples_of(part))]


def needs_example(schema: dict[str, Any]) -> bool:
    """Return whether the schema alone does not show a value: it refers to no other one and lists no values."""
    if schema.keys() & {"$ref", "enum", "const"}:
        return False
    return all(map(needs_example, [*filter(None, [schema.get("items")]), *schema.get("anyOf", [])]))


def invalid_examples(document: dict[str, Any], schema: dict[str, Any]) -> list[Any]:
    validator = jsonschema.Draft202012Validator(
        schema | {"components": document["components"]}, format_checker=jsonschema.FormatChecker()
    )
    return [example for example in examples_of(schema) if not validator.is_valid(example)]
