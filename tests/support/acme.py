"""`AcmeServer`: Debian's pebble, which validates challenges in the webroot. `Certbot`: certbot in its own venv."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from support import processes
from support.certificates import Authority
from support.nginx import CHECKOUT, DOMAIN, RunningNginx
from support.server import free_port

CERTBOT = CHECKOUT / ".venv-certbot" / "bin" / "certbot"
HOOK = CHECKOUT / "config" / "certbot" / "deploy-hook"
SETTINGS = CHECKOUT / "config" / "certbot" / "certbot.ini"
# Variables of the developer's environment that would change which certificates certbot trusts.
_TRUST_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE")


class AcmeServer:
    """An ACME server whose DNS server resolves `DOMAIN` to 127.0.0.1. Use as a context manager."""

    def __init__(self, http_port: int) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="cc-acme-", dir="/tmp"))
        self.authority = Authority(self.root)  # for its own https; it issues with another one
        self._ports = {
            "acme": free_port(),
            "management": free_port(),
            "dns": free_port(),
            "dns_management": free_port(),
        }
        self._http_port = http_port
        self._running = ExitStack()

    @property
    def directory(self) -> str:
        return f"https://127.0.0.1:{self._ports['acme']}/dir"

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.callback(shutil.rmtree, self.root, ignore_errors=True)
            self._start(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            print(f"--- pebble ---\n{(self.root / 'log').read_text()}")
        self._running.close()

    def issuer(self) -> str:
        """Return the root certificate of what it issues, as PEM."""
        trust = ssl.create_default_context(cafile=str(self.authority.path))
        return httpx.get(f"https://127.0.0.1:{self._ports['management']}/roots/0", verify=trust).raise_for_status().text

    def _start(self, starting: ExitStack) -> None:
        addresses = {name: f"127.0.0.1:{port}" for name, port in self._ports.items()}
        self.authority.issue(self.root, "127.0.0.1")
        settings = {
            "listenAddress": addresses["acme"],
            "managementListenAddress": addresses["management"],
            "certificate": str(self.root / "fullchain.pem"),
            "privateKey": str(self.root / "privkey.pem"),
            "httpPort": self._http_port,
            "tlsPort": 0,
            "certificateValidityPeriod": 90 * 86400,  # browsers do not accept its default of five years
        }
        (self.root / "pebble.json").write_text(json.dumps({"pebble": settings}))
        off = [f"-{name}=" for name in ("http01", "https01", "tlsalpn01", "defaultIPv4", "defaultIPv6")]
        dns = ["pebble-challtestsrv", "-dns01", addresses["dns"], "-management", addresses["dns_management"], *off]
        acme = [
            "pebble",
            "-config",
            str(self.root / "pebble.json"),
            "-dnsserver",
            addresses["dns"],
            "-strict=false",
        ]
        log = starting.enter_context((self.root / "log").open("wb"))
        for command in (dns, acme):
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0", "PEBBLE_WFE_NONCEREJECT": "0"},
            )
            starting.callback(processes.stop, process, 5)
        for name in ("acme", "management", "dns_management"):
            processes.wait_until(partial(_listens, self._ports[name]), f"pebble listens on its port {name}")
        address = {"host": DOMAIN, "addresses": ["127.0.0.1"]}
        httpx.post(f"http://{addresses['dns_management']}/add-a", json=address).raise_for_status()


class Certbot:
    """certbot with its directories, webroot and deploy hook below nginx's root. The hook reloads that nginx."""

    def __init__(self, nginx: RunningNginx, server: AcmeServer) -> None:
        self._nginx = nginx
        self._server = server
        self._etc = nginx.root / "etc" / "letsencrypt"
        hooks = self._etc / "renewal-hooks" / "deploy"
        hooks.mkdir(parents=True)
        shutil.copy(HOOK, hooks / "cloudchat-nginx")
        self._settings = nginx.root / "certbot.ini"
        self._settings.write_text(re.sub("(?m)= /var/", f"= {nginx.root}/var/", SETTINGS.read_text()))

    def issue(self) -> "subprocess.CompletedProcess[str]":
        """Request the first certificate, like the installer."""
        return self._run("certonly", "--config", self._settings, "-d", DOMAIN, "-m", "ops@example.test")

    def renew(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """Renew certificates, like the timer."""
        return self._run("renew", "--no-random-sleep-on-renew", *options)

    def _run(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        environment = {name: value for name, value in os.environ.items() if name not in _TRUST_VARIABLES}
        path = f"{self._nginx.root}/bin:{environment['PATH']}"
        directories = ("--config-dir", self._etc, "--work-dir", f"{self._etc}-work", "--logs-dir", f"{self._etc}-log")
        return subprocess.run(
            [CERTBOT, *arguments, *directories, "--server", self._server.directory],
            env={**environment, "PATH": path, "REQUESTS_CA_BUNDLE": str(self._server.authority.path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
