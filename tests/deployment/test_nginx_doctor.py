"""`cloudchat doctor --url` asks through nginx, with TLS, as a client does, and is content."""

import json
import socket
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from support.commands import run_here
from support.nginx import DOMAIN
from support.site import RunningSite

_resolve = socket.getaddrinfo


def _resolve_here(host: Any, *arguments: Any, **options: Any) -> Any:
    return _resolve("127.0.0.1" if host == DOMAIN else host, *arguments, **options)


@pytest.fixture(scope="module")
def site() -> Iterator[RunningSite]:
    with RunningSite() as running, mock.patch("socket.getaddrinfo", _resolve_here):
        yield running


def doctor(site: RunningSite, **environment: str) -> dict[str, str | None]:
    """What was looked at, and what is wrong with it."""
    few = {"CLOUDCHAT_ALLOWED_ORIGINS": f"https://{DOMAIN}", "CLOUDCHAT_SOCKETS_IN_TOTAL": "100"}
    url = f"https://{DOMAIN}:{site.nginx.https[1]}"
    told = {"CLOUDCHAT_HOST": "0.0.0.0", **few, **environment}
    ran = run_here(site.server.state_dir, "doctor", "--json", "--url", url, environment=told)
    return {finding["what"]: finding["wrong"] for finding in json.loads(ran.stdout)}


def test_nothing_is_wrong_behind_our_nginx_and_no_lie_is_believed(site: RunningSite) -> None:
    findings = doctor(site, SSL_CERT_FILE=str(site.nginx.root / "authority.pem"))
    assert {what: wrong for what, wrong in findings.items() if wrong} == {}
    assert f"public URL https://{DOMAIN}:{site.nginx.https[1]}" in findings
    assert "forged client address is ignored" in findings
    assert any(what.startswith(f"certificate of {DOMAIN}, valid until") for what in findings)


def test_a_certificate_that_no_browser_trusts_is_found(site: RunningSite) -> None:
    assert "certificate" in (doctor(site)["public URL"] or "")
