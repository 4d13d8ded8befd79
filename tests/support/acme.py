"""`AcmeServer`: Debian's pebble, which really looks at the webroot. `Certbot`: in its own venv, as in production."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
from contextlib import ExitStack
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
# Of the developer's own environment nothing may decide whom certbot trusts.
_TRUST = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE")


class AcmeServer:
    """Issues for `DOMAIN`, which its DNS server says is 127.0.0.1. Use as a context manager."""

    def __init__(self, http_port: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cc-acme-", dir="/tmp"))
        self.authority = Authority(self.folder)  # of its own https, not what it issues by
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
            starting.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self._start(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            print(f"--- pebble ---\n{(self.folder / 'log').read_text()}")
        self._running.close()

    def issuer(self) -> str:
        """The root of what it issues, PEM."""
        trust = ssl.create_default_context(cafile=str(self.authority.path))
        return httpx.get(f"https://127.0.0.1:{self._ports['management']}/roots/0", verify=trust).raise_for_status().text

    def _start(self, starting: ExitStack) -> None:
        here = {name: f"127.0.0.1:{port}" for name, port in self._ports.items()}
        self.authority.issue(self.folder, "127.0.0.1")
        settings = {
            "listenAddress": here["acme"],
            "managementListenAddress": here["management"],
            "certificate": str(self.folder / "fullchain.pem"),
            "privateKey": str(self.folder / "privkey.pem"),
            "httpPort": self._http_port,
            "tlsPort": 0,
            "certificateValidityPeriod": 90 * 86400,  # its default of five years is no browser's
        }
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        off = [f"-{name}=" for name in ("http01", "https01", "tlsalpn01", "defaultIPv4", "defaultIPv6")]
        names = ["pebble-challtestsrv", "-dns01", here["dns"], "-management", here["dns_management"], *off]
        acme = ["pebble", "-config", str(self.folder / "pebble.json"), "-dnsserver", here["dns"], "-strict=false"]
        log = starting.enter_context((self.folder / "log").open("wb"))
        for command in (names, acme):
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0", "PEBBLE_WFE_NONCEREJECT": "0"},
            )
            starting.callback(_end, process)
        for name in ("acme", "management", "dns_management"):
            processes.wait_until(lambda port=self._ports[name]: _listens(port), f"pebble's {name}")
        address = {"host": DOMAIN, "addresses": ["127.0.0.1"]}
        httpx.post(f"http://{here['dns_management']}/add-a", json=address).raise_for_status()


class Certbot:
    """certbot with its folders, webroot and deploy hook below nginx's root. `nginx` in the hook is that nginx."""

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
        """As the installer does it."""
        return self._run("certonly", "--config", self._settings, "-d", DOMAIN, "-m", "ops@example.test")

    def renew(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """As the timer does it."""
        return self._run("renew", "--no-random-sleep-on-renew", *options)

    def _run(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        environment = {name: value for name, value in os.environ.items() if name not in _TRUST}
        path = f"{self._nginx.root}/bin:{environment['PATH']}"
        folders = ("--config-dir", self._etc, "--work-dir", f"{self._etc}-work", "--logs-dir", f"{self._etc}-log")
        return subprocess.run(
            [CERTBOT, *arguments, *folders, "--server", self._server.directory],
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


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
