"""The units in a real systemd: start, stop, crash, restart, logs, sandbox and certificate renewal."""

import json
import re
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, unix_connect
from websockets.typing import Subprotocol

from support.accounts import PASSWORD
from support.alerts import declared_metrics, used_metrics
from support.certificates import Authority
from support.processes import wait_until
from support.sandbox_probe import ALLOWED, DENIED, PROBE
from support.systemd import CHECKOUT, DOMAIN, Machine, needs_systemd

pytestmark = needs_systemd

SERVICE = "cloudchat.service"
UNITS = CHECKOUT / "systemd"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    # A shorter watchdog timeout than in production, but long enough for a busy machine.
    with Machine({f"{SERVICE}.d/watchdog.conf": "[Service]\nWatchdogSec=8\nTimeoutAbortSec=1\n"}) as running:
        yield running


@pytest.fixture(scope="module")
def token(machine: Machine) -> str:
    machine.cloudchat("admin", "create-user", "ann", "--password-stdin", given=f"{PASSWORD}\n")
    with client(machine) as http:
        response = http.post("/api/auth/login", json={"username": "ann", "password": PASSWORD})
    assert response.status_code == 200, response.text
    return str(response.json()["access_token"])


def client(machine: Machine) -> httpx.Client:
    """Return an HTTP client that connects like nginx: to the unix socket, with the domain as its host."""
    transport = httpx.HTTPTransport(uds=str(machine.socket))
    return httpx.Client(transport=transport, base_url=f"http://{DOMAIN}", timeout=30)


def is_ready(machine: Machine) -> bool:
    with client(machine) as http:
        return http.get("/readyz").status_code == 200


@contextmanager
def open_chat(machine: Machine, token: str) -> Iterator[ClientConnection]:
    with unix_connect(
        str(machine.socket),
        f"ws://{DOMAIN}/ws",
        subprotocols=[Subprotocol("cloudchat.v1")],
        additional_headers={"Authorization": f"Bearer {token}"},
    ) as chat:
        assert json.loads(chat.recv(timeout=10))["type"] == "welcome"
        yield chat


def receive_until_closed(chat: ClientConnection) -> tuple[list[str], int | None]:
    """Return the types of the frames until the socket is closed, and the close code."""
    types = []
    while True:
        try:
            types.append(json.loads(chat.recv(timeout=20))["type"])
        except ConnectionClosed as closed:
            return types, closed.rcvd.code if closed.rcvd else None


def change_unit(machine: Machine, text: str) -> None:
    """Set the content of a drop-in, which is used from the next start on."""
    machine.write(f"/run/systemd/system/{SERVICE}.d/test.conf", f"[Service]\n{text}\n")
    machine.run("systemctl", "daemon-reload")


# --- start, crash, restart, stop --------------------------------------------------------------------------------------


def test_active_unit_answers_clients(machine: Machine) -> None:
    assert machine.unit(SERVICE, "ActiveState")["ActiveState"] == "active"
    assert is_ready(machine)


def test_start_fails_with_an_invalid_store_url_and_is_retried(machine: Machine) -> None:
    change_unit(machine, "LoadCredential=cloudchat_redis_url:/etc/hostname")
    assert machine.try_("systemctl", "restart", SERVICE).returncode != 0
    assert "CLOUDCHAT_REDIS_URL is not the URL of a store" in machine.journal()
    change_unit(machine, "")
    assert is_ready(machine)  # systemd tries again


def test_killed_server_is_restarted_and_requests_wait_for_it(machine: Machine) -> None:
    before = machine.main_pid
    machine.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", SERVICE)
    assert is_ready(machine)
    assert machine.main_pid not in (0, before)


def test_watchdog_replaces_a_server_whose_event_loop_is_blocked(machine: Machine) -> None:
    before = machine.main_pid
    machine.run("kill", "-STOP", str(before))
    assert is_ready(machine)  # the new server
    assert machine.main_pid != before
    assert machine.run("journalctl", "--output=cat", "--no-pager", "UNIT_RESULT=watchdog", f"UNIT={SERVICE}")


def test_restart_of_the_store_does_not_restart_the_server(machine: Machine) -> None:
    before = machine.main_pid
    machine.run("systemctl", "restart", "redis-server@cloudchat.service")
    wait_until(lambda: is_ready(machine), "the server is ready with the restarted store")
    assert machine.main_pid == before


def test_restart_under_load_refuses_no_connection(machine: Machine, token: str) -> None:
    results: Counter[str] = Counter()
    stop = threading.Event()

    def send_requests() -> None:
        request = f"GET /healthz HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n\r\n".encode()
        while not stop.is_set():
            try:
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.settimeout(30)
                    connection.connect(str(machine.socket))
                    connection.sendall(request)
                    results[connection.recv(100)[:15].decode()] += 1
            except OSError as error:
                results[repr(error)] += 1
            stop.wait(0.002)

    threads = [threading.Thread(target=send_requests, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            with open_chat(machine, token) as chat:
                served = results.total()
                restarting = machine.start("systemctl", "restart", SERVICE)
                types, code = receive_until_closed(chat)
                assert "drain" in types
                assert code == 1012
                assert restarting.wait(60) == 0, restarting.communicate()
                wait_until(partial(lambda total: results.total() > total, served + 20), "the new server answers")
    finally:
        stop.set()
        for thread in threads:
            thread.join(40)
    print(f"restarts under load: {dict(results)}")
    assert set(results) == {"HTTP/1.1 200 OK"}


def test_stop_drains_the_sockets_and_succeeds(machine: Machine, token: str) -> None:
    with open_chat(machine, token) as chat:
        stopping = machine.start("systemctl", "stop", SERVICE)
        types, code = receive_until_closed(chat)
        assert (types[-1], code) == ("drain", 1012)
        assert stopping.wait(60) == 0
    state = machine.unit(SERVICE, "Result", "ExecMainStatus", "ActiveState")
    assert state == {"Result": "success", "ExecMainStatus": "0", "ActiveState": "inactive"}
    assert is_ready(machine)  # the socket starts it again


def test_units_start_at_boot(machine: Machine) -> None:
    for unit in ("cloudchat.socket", SERVICE, "cloudchat-backup.timer", "redis-server@cloudchat.service"):
        assert machine.run("systemctl", "is-enabled", unit) == "enabled"


# --- logs, metrics, backups -------------------------------------------------------------------------------------------


def test_journal_has_one_json_object_per_line_and_no_secret(machine: Machine) -> None:
    with client(machine) as http:
        assert (
            http.post("/api/auth/login", json={"username": "ann", "password": "wrong " + PASSWORD}).status_code == 401
        )
    journal = machine.journal()
    events = [json.loads(line) for line in journal.splitlines() if line.startswith("{")]
    assert any("login" in event["event"] and event["level"] for event in events)
    secret = machine.run("cat", "/etc/cloudchat/credentials/cloudchat_redis_url")
    password = re.fullmatch(r"unix://cloudchat:([0-9a-f]{64})@.*", secret)
    assert password
    assert password[1] not in journal
    assert "password:" not in journal  # only the installer shows the first administrator's password


def test_journal_priority_follows_the_log_level(machine: Machine) -> None:
    with client(machine) as http:
        http.post("/api/auth/login", json={"username": "nobody", "password": PASSWORD})
    machine.run("journalctl", "--sync")
    warnings = ("journalctl", "--output=cat", "--no-pager", "--priority=warning")
    events = [json.loads(line) for line in machine.run(*warnings, f"_SYSTEMD_UNIT={SERVICE}").splitlines()]
    assert {event["level"] for event in events} & {"INFO", "DEBUG"} == set()
    assert events[-1]["event"] == "login refused"


def test_server_in_the_sandbox_exports_all_metrics_that_the_rules_use(machine: Machine) -> None:
    """The sandbox hides much of /proc, from which the process metrics are read."""
    assert used_metrics() <= declared_metrics(machine.run("curl", "-fsS", "http://127.0.0.1:9464/metrics"))


def test_nightly_backup_is_valid_and_only_the_server_can_read_it(machine: Machine) -> None:
    machine.run("systemctl", "start", "cloudchat-backup.service")
    listed = machine.run("find", "/var/backups/cloudchat", "-type", "f", "-printf", "%u %m %p\n").splitlines()
    owner, mode, path = listed[-1].split()
    assert (owner, mode) == ("cloudchat", "600")
    assert machine.cloudchat("admin", "verify-backup", path)


# --- the sandbox ------------------------------------------------------------------------------------------------------


def test_only_the_service_can_read_its_secrets(machine: Machine) -> None:
    for secret in ("/etc/cloudchat/credentials/cloudchat_redis_url", f"/run/credentials/{SERVICE}/cloudchat_redis_url"):
        assert machine.run("cat", secret).startswith("unix://cloudchat:")
        for user in ("www-data", "nobody"):
            as_user = ("setpriv", f"--reuid={user}", "--clear-groups", "cat")
            assert machine.run(*as_user, "/etc/hostname")
            assert "Permission denied" in machine.try_(*as_user, secret).stderr


def run_probe(machine: Machine, unit: str) -> dict[str, int]:
    machine.write("/etc/systemd/system/probe.service", unit)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "probe.service")
    line = [line for line in machine.journal("probe.service").splitlines() if line.startswith("errors")][-1]
    errors: dict[str, int] = json.loads(line.removeprefix("errors"))
    return errors


def test_sandbox_denies_what_the_server_does_not_need(machine: Machine) -> None:
    machine.write("/usr/lib/probe.py", PROBE)
    command = "ExecStart=/opt/cloudchat/current/bin/python /usr/lib/probe.py"
    unrestricted = run_probe(machine, f"[Service]\nType=oneshot\n{command}\n")
    # The control: without a sandbox, root can do all of it.
    assert {name: error for name, error in unrestricted.items() if error} == {}

    unit = (UNITS / SERVICE).read_text()
    for name, value in {"Type": "Type=oneshot", "ExecStart": command, "Requires": "", "Restart": ""}.items():
        unit, changes = re.subn(rf"(?m)^{name}=.*$", value, unit)
        assert changes == 1
    sandboxed = run_probe(machine, unit)
    assert {name: sandboxed[name] for name in ALLOWED} == dict.fromkeys(ALLOWED, 0)
    assert {name: sandboxed[name] for name in DENIED} == DENIED


def test_commands_know_the_running_service_and_its_settings(machine: Machine) -> None:
    """The service runs in a user namespace of its own, so that its descriptors in /proc cannot be read."""
    shown = machine.try_("cloudchat", "doctor").stdout
    assert "# The settings of the running server" in shown
    assert "CLOUDCHAT_REDIS_URL=(secret)  (set)" in shown
    assert "which this command does not" not in shown
    listed = machine.try_("/opt/cloudchat/current/bin/cloudchat", "admin", "list-users")
    assert "/var/lib/cloudchat belongs to cloudchat" in listed.stderr  # run by root without the settings of the unit
    assert machine.cloudchat("admin", "list-users").startswith("name\trole")


@pytest.mark.parametrize("unit", [SERVICE, "cloudchat-backup.service"])
def test_exposure_rated_by_systemd_is_at_most_1_5(unit: str) -> None:
    rating = analyze("security", "--offline=true", "--threshold=15", UNITS / unit)
    assert rating.returncode == 0, rating.stdout


def analyze(*arguments: Any) -> "subprocess.CompletedProcess[str]":
    command = ["systemd-analyze", "--no-pager", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_accepts_every_line_of_the_units(machine: Machine) -> None:
    units = [path for path in sorted(UNITS.iterdir()) if path.suffix in (".service", ".socket", ".timer")]
    machine.write("/opt/certbot/bin/certbot", "#!/bin/sh\n", 0o755)
    for path in units:
        machine.write(f"/etc/systemd/system/{path.name}", path.read_text())
    checked = machine.try_("systemd-analyze", "verify", "--man=no", *(path.name for path in units))
    assert checked.stderr == ""
    assert checked.returncode == 0


# --- the certificate --------------------------------------------------------------------------------------------------


@contextmanager
def https(machine: Machine, certificate: Path) -> Iterator[None]:
    """Run a web server with this certificate."""
    for name in ("fullchain", "privkey"):
        machine.write(f"/etc/web/{name}.pem", (certificate / f"{name}.pem").read_text())
    serve = "openssl s_server -www -accept 443 -cert /etc/web/fullchain.pem -key /etc/web/privkey.pem"
    machine.run("systemd-run", "--quiet", "--collect", "--unit=web", *serve.split())
    try:
        wait_until(
            lambda: machine.try_("bash", "-c", "</dev/tcp/127.0.0.1/443").returncode == 0, "the web server listens"
        )
        yield
    finally:
        machine.run("systemctl", "stop", "web.service")


def test_renewal_unit_and_doctor_fail_if_the_renewed_certificate_is_not_served(
    machine: Machine, tmp_path: Path
) -> None:
    """certbot exits with 0 if a deploy hook fails. Its directory belongs to root; `doctor` runs as another user."""
    authority = Authority(tmp_path)
    for name in ("old", "renewed"):
        authority.issue(tmp_path / name, DOMAIN)
    live = f"/etc/letsencrypt/live/{DOMAIN}"
    machine.run("install", "-d", "-m", "700", "/etc/letsencrypt/live")
    machine.write(f"{live}/fullchain.pem", (tmp_path / "renewed" / "fullchain.pem").read_text())
    machine.write("/etc/nginx/sites-enabled/cloudchat.conf", f"ssl_certificate {live}/fullchain.pem;\n")
    machine.write("/etc/hosts", f"127.0.0.1 localhost {DOMAIN}\n")
    machine.write("/opt/certbot/bin/certbot", "#!/bin/sh\n", 0o755)
    machine.write("/etc/systemd/system/certbot-renew.service", (UNITS / "certbot-renew.service").read_text())
    machine.run("systemctl", "daemon-reload")

    def doctor() -> dict[str, str | None]:
        output = machine.try_("cloudchat", "doctor", "--json", "--url", f"https://{DOMAIN}").stdout
        return {check["what"]: check["wrong"] for check in json.loads(output)}

    with https(machine, tmp_path / "old"):
        assert "the deploy hook failed" in str(doctor()[f"certificate of {DOMAIN}"])
        assert machine.try_("systemctl", "start", "certbot-renew.service").returncode != 0
        assert "the deploy hook failed" in machine.journal("certbot-renew.service")
    with https(machine, tmp_path / "renewed"):
        machine.run("systemctl", "start", "certbot-renew.service")
        checks = doctor()
    assert checks[f"certificate of {DOMAIN}"] is None
    assert any(" in /var/lib/redis-cloudchat, " in what for what in checks)


# --- the last test, because it changes the unit -----------------------------------------------------------------------


def test_killed_worker_is_replaced_while_the_service_keeps_running(machine: Machine) -> None:
    change_unit(machine, "Environment=CLOUDCHAT_WORKERS=2")
    machine.run("systemctl", "restart", SERVICE)
    parent = machine.main_pid

    def workers() -> set[str]:
        fork_server = machine.run("pgrep", "-P", str(parent), "-f", "forkserver")
        return set(machine.try_("pgrep", "-P", fork_server).stdout.split())

    first = workers()
    assert len(first) == 2
    assert is_ready(machine)
    machine.run("kill", "-KILL", min(first))
    wait_until(lambda: len(workers() - first) == 1, "a new worker starts")
    assert is_ready(machine)
    assert machine.main_pid == parent
