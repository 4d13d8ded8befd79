"""The first certificate and renewals: real nginx, real certbot, and an ACME server that validates the webroot."""

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
    """The whole site with a certificate from certbot, set up in the same order as by the installer."""

    def __init__(self) -> None:
        self.site = RunningSite(start_nginx=self._start_nginx)
        self.nginx = self.site.nginx
        self.acme = AcmeServer(self.nginx.http_port)
        self.certbot: Certbot

    def _start_nginx(self, nginx: RunningNginx) -> ssl.SSLContext:
        nginx.start("cloudchat-http.conf")
        self.certbot = Certbot(nginx, self.acme)
        result = self.certbot.issue()
        assert result.returncode == 0, result.stdout + result.stderr
        nginx.enable("cloudchat.conf")
        nginx.reload()
        self.root.write_text(self.acme.issuer())
        return ssl.create_default_context(cafile=str(self.root))

    @property
    def root(self) -> Path:
        return self.nginx.root / "root.pem"

    @property
    def on_disk(self) -> Certificate:
        return installed_certificate(self.nginx.live / DOMAIN / "fullchain.pem")

    @property
    def served(self) -> Certificate:
        return served_certificate(DOMAIN, self.nginx.https)

    def problem(self) -> str | None:
        """Return the problem that `cloudchat doctor` reports."""
        return certificate_problem(DOMAIN, live=self.nginx.live, address=self.nginx.https)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    created = Machine()
    with created.acme, created.site:
        yield created


def serial_seen_by(opened: ChatSocket) -> int:
    tls = opened.ws.socket
    assert isinstance(tls, ssl.SSLSocket)
    certificate = tls.getpeercert()
    assert certificate is not None
    return int(str(certificate["serialNumber"]), 16)


@contextmanager
def repeated_connections(site: RunningSite) -> Iterator[Counter[str]]:
    """Open one TLS connection after another in the background, each with a request; count the results."""
    results: Counter[str] = Counter()
    stop = threading.Event()

    def connect() -> None:
        while not stop.is_set():
            try:
                with site.nginx.connect(site.trust, "127.0.2.1") as tls:
                    tls.sendall(f"GET /healthz HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n\r\n".encode())
                    results[tls.recv(1000)[:15].decode()] += 1
            except OSError as error:
                results[repr(error)] += 1
            stop.wait(0.005)  # the limit is 50 requests per second per address

    thread = threading.Thread(target=connect, name="repeated connections", daemon=True)
    thread.start()
    try:
        yield results
    finally:
        stop.set()
        thread.join(10)


def test_renewal_is_served_to_new_clients_and_closes_no_socket(machine: Machine) -> None:
    token = machine.site.register("ann").access_token
    first = machine.served
    assert machine.problem() is None
    with machine.site.open_socket(token) as before, repeated_connections(machine.site) as results:
        assert before.join()["type"] == "joined"
        result = machine.certbot.renew("--force-renewal")
        assert result.returncode == 0, result.stdout + result.stderr
        assert machine.on_disk.serial != first.serial
        wait_until(lambda: machine.served == machine.on_disk, "nginx serves the renewed certificate")
        for _ in range(RELOADS - 1):
            machine.nginx.reload()
        with machine.site.open_socket(token) as after:
            assert after.join()["type"] == "joined"
            assert before.send("still here")["type"] == "ack"
            assert after.wait_for("message")["text"] == "still here"
            assert serial_seen_by(before) == first.serial
            assert serial_seen_by(after) == machine.on_disk.serial
            assert len(machine.nginx.workers(old=True)) >= 1
    assert machine.problem() is None
    assert set(results) == {"HTTP/1.1 200 OK"}, results
    assert results.total() > 50
    wait_until(lambda: not machine.nginx.workers(old=True), "old workers exit with their last socket")


def test_failing_deploy_hook_is_detected_by_the_served_certificate(machine: Machine) -> None:
    before = machine.served
    broken = machine.nginx.root / "etc/nginx/sites-enabled/99-broken.conf"
    broken.write_text("this is not nginx;\n")
    result = machine.certbot.renew("--force-renewal")
    assert result.returncode == 0  # certbot ignores the failure of the hook
    assert machine.on_disk.serial != before.serial
    assert machine.served == before
    assert "deploy hook failed" in (machine.problem() or "")
    assert machine.site.nginx.browser_like(machine.site.trust).get("/healthz").status_code == 200
    broken.unlink()
    machine.nginx.reload()
    assert machine.problem() is None


def test_renewal_that_is_not_due_changes_nothing(machine: Machine) -> None:
    before, workers = machine.served, machine.nginx.workers()
    assert machine.certbot.renew().returncode == 0
    assert machine.certbot.issue().returncode == 0  # as when the installer runs again
    assert (machine.served, machine.on_disk, machine.nginx.workers()) == (before, before, workers)


def test_http_1_1_and_http_2_are_offered(machine: Machine) -> None:
    for protocol in ("h2", "http/1.1"):
        context = ssl.create_default_context(cafile=str(machine.root))
        context.set_alpn_protocols([protocol])
        with machine.nginx.connect(context) as tls:
            assert tls.selected_alpn_protocol() == protocol


def sslyze(target: str, root: Path, report: Path) -> "subprocess.CompletedProcess[str]":
    """Compare with Mozilla's intermediate configuration. The exit code is 0 if there is no difference."""
    options = ["--mozilla_config", "intermediate", "--certinfo_ca_file", str(root), "--json_out", str(report)]
    program = CHECKOUT / ".venv-sslyze" / "bin" / "python"
    return subprocess.run([program, "-m", "sslyze", *options, target], capture_output=True, text=True, check=False)


def test_tls_configuration_is_the_one_that_mozilla_recommends(machine: Machine, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    rating = sslyze(f"{DOMAIN}:{machine.nginx.https_port}{{127.0.0.1}}", machine.root, report)
    assert rating.returncode == 0, rating.stdout
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
