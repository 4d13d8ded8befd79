"""Certificates from their first day on: real nginx, real certbot, and a real ACME server that looks at the webroot."""

import json
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloudchat.doctor.certificate import Certificate, certificate_problem, installed_certificate, served_certificate
from support.acme import AcmeServer, Certbot
from support.nginx import CHECKOUT, DOMAIN, RunningNginx
from support.processes import wait_until
from support.site import RunningSite
from support.socket import ChatSocket

RELOADS = 3


class Machine:
    """The whole site, with a certificate that certbot got, in the order in which the installer does it."""

    def __init__(self) -> None:
        self.site = RunningSite(secure=self._secure)
        self.nginx = self.site.nginx
        self.acme = AcmeServer(self.nginx.http_port)
        self.certbot: Certbot

    def _secure(self, nginx: RunningNginx) -> ssl.SSLContext:
        nginx.start("cloudchat-http.conf")
        self.certbot = Certbot(nginx, self.acme)
        issued = self.certbot.issue()
        assert issued.returncode == 0, issued.stdout + issued.stderr
        nginx.enable("cloudchat.conf")
        nginx.reload()
        self.root.write_text(self.acme.issuer())
        return ssl.create_default_context(cafile=str(self.root))

    @property
    def root(self) -> Path:
        return self.nginx.root / "root.pem"

    @property
    def kept(self) -> Certificate:
        return installed_certificate(self.nginx.live / DOMAIN / "fullchain.pem")

    @property
    def served(self) -> Certificate:
        return served_certificate(DOMAIN, self.nginx.https)

    def problem(self) -> str | None:
        """What `cloudchat doctor` says."""
        return certificate_problem(DOMAIN, live=self.nginx.live, address=self.nginx.https)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    made = Machine()
    with made.acme, made.site:
        yield made


def serial_seen_by(opened: ChatSocket) -> int:
    tls = opened.ws.socket
    assert isinstance(tls, ssl.SSLSocket)
    certificate = tls.getpeercert()
    assert certificate is not None
    return int(str(certificate["serialNumber"]), 16)


@contextmanager
def fresh_connects(site: RunningSite) -> Iterator[Counter[str]]:
    """Meanwhile one new TLS connection after the other is made, each with a request; counts how they end."""
    ends: Counter[str] = Counter()
    enough = threading.Event()

    def connect() -> None:
        while not enough.is_set():
            try:
                with site.nginx.connect(site.trust, "127.0.2.1") as tls:
                    tls.sendall(f"GET /healthz HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n\r\n".encode())
                    ends[tls.recv(1000)[:15].decode()] += 1
            except OSError as problem:
                ends[repr(problem)] += 1
            enough.wait(0.005)  # one address may ask 50 times a second

    thread = threading.Thread(target=connect, name="fresh connects", daemon=True)
    thread.start()
    try:
        yield ends
    finally:
        enough.set()
        thread.join(10)


def test_a_renewal_shows_to_new_clients_and_cuts_nobody(machine: Machine) -> None:
    token = machine.site.register("ann").access_token
    first = machine.served
    assert machine.problem() is None
    with machine.site.open_socket(token) as before, fresh_connects(machine.site) as ends:
        assert before.join()["type"] == "joined"
        renewed = machine.certbot.renew("--force-renewal")
        assert renewed.returncode == 0, renewed.stdout + renewed.stderr
        assert machine.kept.serial != first.serial
        wait_until(lambda: machine.served == machine.kept, "the renewed certificate is served")
        for _ in range(RELOADS - 1):
            machine.nginx.reload()
        with machine.site.open_socket(token) as after:
            assert after.join()["type"] == "joined"
            assert before.send("still here")["type"] == "ack"
            assert after.wait_for("message")["text"] == "still here"
            assert serial_seen_by(before) == first.serial
            assert serial_seen_by(after) == machine.kept.serial
            assert len(machine.nginx.workers(old=True)) >= 1
    assert machine.problem() is None
    assert set(ends) == {"HTTP/1.1 200 OK"}, ends
    assert ends.total() > 50
    wait_until(lambda: not machine.nginx.workers(old=True), "old workers end with their last socket")


def test_a_hook_that_fails_is_noticed_by_what_is_served(machine: Machine) -> None:
    before = machine.served
    broken = machine.nginx.root / "etc/nginx/sites-enabled/99-broken.conf"
    broken.write_text("this is not nginx;\n")
    renewed = machine.certbot.renew("--force-renewal")
    assert renewed.returncode == 0  # as if nothing were wrong
    assert machine.kept.serial != before.serial
    assert machine.served == before
    assert "deploy hook failed" in (machine.problem() or "")
    assert machine.site.nginx.browser_like(machine.site.trust).get("/healthz").status_code == 200
    broken.unlink()
    machine.nginx.reload()
    assert machine.problem() is None


def test_a_renewal_that_is_not_due_changes_nothing(machine: Machine) -> None:
    before, workers = machine.served, machine.nginx.workers()
    assert machine.certbot.renew().returncode == 0
    assert machine.certbot.issue().returncode == 0  # the installer, run again
    assert (machine.served, machine.kept, machine.nginx.workers()) == (before, before, workers)


def test_both_versions_of_http_are_offered(machine: Machine) -> None:
    for offered in ("h2", "http/1.1"):
        context = ssl.create_default_context(cafile=str(machine.root))
        context.set_alpn_protocols([offered])
        with machine.nginx.connect(context) as tls:
            assert tls.selected_alpn_protocol() == offered


def sslyze(target: str, root: Path, report: Path) -> "subprocess.CompletedProcess[str]":
    """Exit code 0 is: no deviation from Mozilla's intermediate configuration."""
    options = ["--mozilla_config", "intermediate", "--certinfo_ca_file", str(root), "--json_out", str(report)]
    program = CHECKOUT / ".venv-sslyze" / "bin" / "python"
    return subprocess.run([program, "-m", "sslyze", *options, target], capture_output=True, text=True, check=False)


def test_tls_is_as_mozilla_recommends(machine: Machine, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    graded = sslyze(f"{DOMAIN}:{machine.nginx.https_port}{{127.0.0.1}}", machine.root, report)
    assert graded.returncode == 0, graded.stdout
    result = json.loads(report.read_text())["server_scan_results"][0]["scan_result"]
    deployment = result["certificate_info"]["result"]["certificate_deployments"][0]
    assert deployment["verified_certificate_chain"]
    versions = {
        name
        for name in result
        if result[name]["result"]
        and name.endswith("_cipher_suites")
        and result[name]["result"]["is_tls_version_supported"]
    }
    assert versions == {"tls_1_2_cipher_suites", "tls_1_3_cipher_suites"}
    port = machine.acme.directory.split(":")[2].split("/")[0]
    control = sslyze(f"localhost:{port}{{127.0.0.1}}", machine.acme.authority.path, tmp_path / "control.json")
    assert control.returncode != 0
    assert "COMPLIANCE" in control.stdout
