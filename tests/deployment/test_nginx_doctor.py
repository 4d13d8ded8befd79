"""`cloudchat doctor --url` connects through nginx with TLS, like a client."""

import json
import socket
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from support.commands import run_here
from support.nginx import DOMAIN, ORIGIN
from support.site import RunningSite

_resolve = socket.getaddrinfo


def _resolve_to_loopback(host: Any, *arguments: Any, **options: Any) -> Any:
    return _resolve("127.0.0.1" if host == DOMAIN else host, *arguments, **options)


@pytest.fixture(scope="module")
def site() -> Iterator[RunningSite]:
    with RunningSite() as running, mock.patch("socket.getaddrinfo", _resolve_to_loopback):
        yield running


def doctor(site: RunningSite, **environment: str) -> dict[str, str | None]:
    """Return the name of each check and the problem that it found."""
    defaults = {"CLOUDCHAT_ALLOWED_ORIGINS": f"https://{DOMAIN}", "CLOUDCHAT_SOCKETS_IN_TOTAL": "100"}
    url = f"https://{DOMAIN}:{site.nginx.https[1]}"
    settings = {"CLOUDCHAT_HOST": "0.0.0.0", **defaults, **environment}
    result = run_here(site.server.state_dir, "doctor", "--json", "--url", url, "--page", ORIGIN, environment=settings)
    return {check["what"]: check["wrong"] for check in json.loads(result.stdout)}


def test_doctor_finds_no_problem_and_no_trust_in_forged_addresses(site: RunningSite) -> None:
    checks = doctor(site, SSL_CERT_FILE=str(site.nginx.root / "authority.pem"))
    assert {name: problem for name, problem in checks.items() if problem} == {}
    assert f"public URL https://{DOMAIN}:{site.nginx.https[1]}" in checks
    assert "forged client address is ignored" in checks
    assert f"sign-in from a page of {ORIGIN}" in checks
    assert any(name.startswith(f"certificate of {DOMAIN}, valid until") for name in checks)


def test_doctor_finds_an_untrusted_certificate(site: RunningSite) -> None:
    assert "certificate" in (doctor(site)["public URL"] or "")
