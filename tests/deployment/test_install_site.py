"""nginx's sites as the installer writes them, on machines with and without IPv6."""

import re
import subprocess
from pathlib import Path

import pytest

from support.documents import CHECKOUT

SITES = ("cloudchat-http.conf", "cloudchat.conf")


def site(name: str, python: str) -> str:
    """Return a site as the installer writes it when `python` looks for IPv6."""
    script = f'PYTHON={python} domain=chat.example.test; . "$1/site.sh"; site "$2"'
    command = ["bash", "-euo", "pipefail", "-c", script, "bash", str(CHECKOUT / "config/install"), str(file_of(name))]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def file_of(name: str) -> Path:
    return CHECKOUT / "config" / "nginx" / name


@pytest.mark.parametrize("name", SITES)
def test_without_ipv6_nginx_opens_no_ipv6_socket(name: str) -> None:
    written = site(name, "/bin/false")  # what Python answers if it cannot open the socket
    assert "[::]" not in written
    expected = re.sub(r" *listen \[::\].*\n", "", file_of(name).read_text()).replace(
        "chat.example.com", "chat.example.test"
    )
    assert written == expected
    assert re.findall(r"listen (\d+)", written) == re.findall(r"listen (\d+)", file_of(name).read_text())


@pytest.mark.parametrize("name", SITES)
def test_with_ipv6_the_site_listens_on_both(name: str) -> None:
    assert site(name, "/bin/true") == file_of(name).read_text().replace("chat.example.com", "chat.example.test")


@pytest.mark.parametrize(("program", "found"), [("", True), ("socket.socket = None", False)])
def test_the_look_at_ipv6_tries_what_nginx_does(tmp_path: Path, program: str, found: bool) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexec /usr/bin/python3 -c \"import socket; {program or 'pass'}; exec('''$2''')\"\n")
    python.chmod(0o755)
    assert ("[::]" in site("cloudchat.conf", str(python))) is found
