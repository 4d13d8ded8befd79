"""The units, in a real systemd: what an operator, and a client, notices of starts, ends, deaths, and the sandbox."""

import json
import re
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, unix_connect
from websockets.typing import Subprotocol

from support.accounts import PASSWORD
from support.alerts import metrics_told, metrics_used
from support.certificates import Authority
from support.processes import wait_until
from support.sandbox_probe import ALLOWED, PROBE, REFUSED
from support.systemd import CHECKOUT, DOMAIN, Machine, needs_systemd

pytestmark = needs_systemd

SERVICE = "cloudchat.service"
UNITS = CHECKOUT / "systemd"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    # Not the watchdog's half minute; as little patience as a busy machine allows.
    with Machine({f"{SERVICE}.d/quick.conf": "[Service]\nWatchdogSec=8\nTimeoutAbortSec=1\n"}) as running:
        yield running


@pytest.fixture(scope="module")
def token(machine: Machine) -> str:
    machine.cloudchat("admin", "create-user", "ann", "--password-stdin", given=f"{PASSWORD}\n")
    with client(machine) as http:
        answer = http.post("/api/auth/login", json={"username": "ann", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def client(machine: Machine) -> httpx.Client:
    """As nginx comes: through the unix socket, with the domain's name."""
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


def told_at_the_end(chat: ClientConnection) -> tuple[list[str], int | None]:
    """The types of the frames until the socket was closed, and its close code."""
    told = []
    while True:
        try:
            told.append(json.loads(chat.recv(timeout=20))["type"])
        except ConnectionClosed as end:
            return told, end.rcvd.code if end.rcvd else None


def change_unit(machine: Machine, text: str) -> None:
    """A drop-in, which counts from the next start on; without a text, none."""
    machine.write(f"/run/systemd/system/{SERVICE}.d/test.conf", f"[Service]\n{text}\n")
    machine.run("systemctl", "daemon-reload")


# --- its life ---------------------------------------------------------------------------------------------------------


def test_started_means_that_clients_are_answered(machine: Machine) -> None:
    assert machine.unit(SERVICE, "ActiveState")["ActiveState"] == "active"
    assert is_ready(machine)


def test_a_start_that_does_not_come_to_that_is_a_failed_one(machine: Machine) -> None:
    change_unit(machine, "LoadCredential=cloudchat_redis_url:/etc/hostname")
    assert machine.try_("systemctl", "restart", SERVICE).returncode != 0
    assert "CLOUDCHAT_REDIS_URL is not the URL of a store" in machine.journal()
    change_unit(machine, "")
    assert is_ready(machine)  # it goes on trying


def test_killed_it_comes_back_and_whoever_asks_meanwhile_waits(machine: Machine) -> None:
    before = machine.main_pid
    machine.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", SERVICE)
    assert is_ready(machine)
    assert machine.main_pid not in (0, before)


def test_a_blocked_event_loop_is_noticed_and_replaced(machine: Machine) -> None:
    before = machine.main_pid
    machine.run("kill", "-STOP", str(before))
    assert is_ready(machine)  # the next one
    assert machine.main_pid != before
    assert machine.run("journalctl", "--output=cat", "--no-pager", "UNIT_RESULT=watchdog", f"UNIT={SERVICE}")


def test_a_restart_of_the_store_is_none_of_the_server(machine: Machine) -> None:
    before = machine.main_pid
    machine.run("systemctl", "restart", "redis-server@cloudchat.service")
    wait_until(lambda: is_ready(machine), "ready with the new store")
    assert machine.main_pid == before


def test_a_restart_under_load_refuses_nobody(machine: Machine, token: str) -> None:
    ends: Counter[str] = Counter()
    enough = threading.Event()

    def ask() -> None:
        request = f"GET /healthz HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n\r\n".encode()
        while not enough.is_set():
            try:
                with socket.socket(socket.AF_UNIX) as asking:
                    asking.settimeout(30)
                    asking.connect(str(machine.socket))
                    asking.sendall(request)
                    ends[asking.recv(100)[:15].decode()] += 1
            except OSError as problem:
                ends[repr(problem)] += 1
            enough.wait(0.002)

    crowd = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for one in crowd:
        one.start()
    try:
        for _ in range(2):
            with open_chat(machine, token) as chat:
                served = ends.total()
                restarting = machine.start("systemctl", "restart", SERVICE)
                told, code = told_at_the_end(chat)
                assert "drain" in told
                assert code == 1012
                assert restarting.wait(60) == 0, restarting.communicate()
                wait_until(lambda served=served: ends.total() > served + 20, "answers of the next one")
    finally:
        enough.set()
        for one in crowd:
            one.join(40)
    print(f"restarts under load: {dict(ends)}")
    assert set(ends) == {"HTTP/1.1 200 OK"}


def test_a_stop_drains_and_ends_by_itself(machine: Machine, token: str) -> None:
    with open_chat(machine, token) as chat:
        stopping = machine.start("systemctl", "stop", SERVICE)
        told, code = told_at_the_end(chat)
        assert (told[-1], code) == ("drain", 1012)
        assert stopping.wait(60) == 0
    ended = machine.unit(SERVICE, "Result", "ExecMainStatus", "ActiveState")
    assert ended == {"Result": "success", "ExecMainStatus": "0", "ActiveState": "inactive"}
    assert is_ready(machine)  # the socket starts it again


def test_everything_is_there_again_after_a_boot(machine: Machine) -> None:
    for unit in ("cloudchat.socket", SERVICE, "cloudchat-backup.timer", "redis-server@cloudchat.service"):
        assert machine.run("systemctl", "is-enabled", unit) == "enabled"


# --- what it writes ---------------------------------------------------------------------------------------------------


def test_the_journal_has_an_object_a_line_and_no_secret(machine: Machine) -> None:
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
    assert "password:" not in journal  # the first administrator's was the installer's to tell


def test_the_journal_knows_what_is_a_warning(machine: Machine) -> None:
    with client(machine) as http:
        http.post("/api/auth/login", json={"username": "nobody", "password": PASSWORD})
    machine.run("journalctl", "--sync")
    of_warnings = ("journalctl", "--output=cat", "--no-pager", "--priority=warning")
    written = [json.loads(line) for line in machine.run(*of_warnings, f"_SYSTEMD_UNIT={SERVICE}").splitlines()]
    assert {line["level"] for line in written} & {"INFO", "DEBUG"} == set()
    assert written[-1]["event"] == "login refused"


def test_prometheus_is_told_all_that_its_rules_ask_for(machine: Machine) -> None:
    """From inside the sandbox, which hides much of /proc."""
    assert metrics_used() <= metrics_told(machine.run("curl", "-fsS", "http://127.0.0.1:9464/metrics"))


def test_the_nightly_backup_can_be_restored_and_is_nobody_elses(machine: Machine) -> None:
    machine.run("systemctl", "start", "cloudchat-backup.service")
    listed = machine.run("find", "/var/backups/cloudchat", "-type", "f", "-printf", "%u %m %p\n").splitlines()
    owner, mode, path = listed[-1].split()
    assert (owner, mode) == ("cloudchat", "600")
    assert machine.cloudchat("admin", "verify-backup", path)


# --- the sandbox ------------------------------------------------------------------------------------------------------


def test_secrets_are_shown_to_the_service_and_to_nobody_else(machine: Machine) -> None:
    for secret in ("/etc/cloudchat/credentials/cloudchat_redis_url", f"/run/credentials/{SERVICE}/cloudchat_redis_url"):
        assert machine.run("cat", secret).startswith("unix://cloudchat:")
        for user in ("www-data", "nobody"):
            as_user = ("setpriv", f"--reuid={user}", "--clear-groups", "cat")
            assert machine.run(*as_user, "/etc/hostname")
            assert "Permission denied" in machine.try_(*as_user, secret).stderr


def found_by_probe(machine: Machine, unit: str) -> dict[str, int]:
    machine.write("/etc/systemd/system/probe.service", unit)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "probe.service")
    line = [line for line in machine.journal("probe.service").splitlines() if line.startswith("found")][-1]
    found: dict[str, int] = json.loads(line.removeprefix("found"))
    return found


def test_the_sandbox_refuses_what_the_server_has_no_use_for(machine: Machine) -> None:
    machine.write("/usr/lib/probe.py", PROBE)
    command = "ExecStart=/opt/cloudchat/current/bin/python /usr/lib/probe.py"
    free = found_by_probe(machine, f"[Service]\nType=oneshot\n{command}\n")
    assert {name: problem for name, problem in free.items() if problem} == {}  # the control: all of it works as root

    unit = (UNITS / SERVICE).read_text()
    for name, value in {"Type": "Type=oneshot", "ExecStart": command, "Requires": "", "Restart": ""}.items():
        unit, changes = re.subn(rf"(?m)^{name}=.*$", value, unit)
        assert changes == 1
    held = found_by_probe(machine, unit)
    assert {name: held[name] for name in ALLOWED} == dict.fromkeys(ALLOWED, 0)
    assert {name: held[name] for name in REFUSED} == REFUSED


@pytest.mark.parametrize("unit", [SERVICE, "cloudchat-backup.service"])
def test_exposure(unit: str) -> None:
    rated = analyze("security", "--offline=true", "--threshold=15", UNITS / unit)
    assert rated.returncode == 0, rated.stdout


def analyze(*arguments: Any) -> "subprocess.CompletedProcess[str]":
    command = ["systemd-analyze", "--no-pager", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_understands_every_line(machine: Machine) -> None:
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
    """A web server that shows this certificate."""
    for name in ("fullchain", "privkey"):
        machine.write(f"/etc/web/{name}.pem", (certificate / f"{name}.pem").read_text())
    serve = "openssl s_server -www -accept 443 -cert /etc/web/fullchain.pem -key /etc/web/privkey.pem"
    machine.run("systemd-run", "--quiet", "--collect", "--unit=web", *serve.split())
    try:
        wait_until(lambda: machine.try_("bash", "-c", "</dev/tcp/127.0.0.1/443").returncode == 0, "https")
        yield
    finally:
        machine.run("systemctl", "stop", "web.service")


def test_a_renewed_certificate_that_is_not_served_fails_the_renewal_and_the_checkup(
    machine: Machine, tmp_path: Path
) -> None:
    """certbot says nothing of a deploy hook that fails. Its folder is root's, the checkup's user another one."""
    authority = Authority(tmp_path)
    for name in ("older", "kept"):
        authority.issue(tmp_path / name, DOMAIN)
    live = f"/etc/letsencrypt/live/{DOMAIN}"
    machine.run("install", "-d", "-m", "700", "/etc/letsencrypt/live")
    machine.write(f"{live}/fullchain.pem", (tmp_path / "kept" / "fullchain.pem").read_text())
    machine.write("/etc/nginx/sites-enabled/cloudchat.conf", f"ssl_certificate {live}/fullchain.pem;\n")
    machine.write("/etc/hosts", f"127.0.0.1 localhost {DOMAIN}\n")
    machine.write("/opt/certbot/bin/certbot", "#!/bin/sh\n", 0o755)
    machine.write("/etc/systemd/system/certbot-renew.service", (UNITS / "certbot-renew.service").read_text())
    machine.run("systemctl", "daemon-reload")

    def checkup() -> dict[str, str | None]:
        told = machine.try_("cloudchat", "doctor", "--json", "--url", f"https://{DOMAIN}").stdout
        return {finding["what"]: finding["wrong"] for finding in json.loads(told)}

    with https(machine, tmp_path / "older"):
        assert "the deploy hook failed" in str(checkup()[f"certificate of {DOMAIN}"])
        assert machine.try_("systemctl", "start", "certbot-renew.service").returncode != 0
        assert "the deploy hook failed" in machine.journal("certbot-renew.service")
    with https(machine, tmp_path / "kept"):
        machine.run("systemctl", "start", "certbot-renew.service")
        found = checkup()
    assert found[f"certificate of {DOMAIN}"] is None
    assert any(" in /var/lib/redis-cloudchat, " in what for what in found)


# --- last, because it changes the unit --------------------------------------------------------------------------------


def test_with_workers_a_killed_one_is_replaced_while_the_service_goes_on(machine: Machine) -> None:
    change_unit(machine, "Environment=CLOUDCHAT_WORKERS=2")
    machine.run("systemctl", "restart", SERVICE)
    parent = machine.main_pid

    def workers() -> set[str]:
        return set(machine.try_("pgrep", "-P", str(parent), "-f", "spawn_main").stdout.split())

    first = workers()
    assert len(first) == 2
    assert is_ready(machine)
    machine.run("kill", "-KILL", min(first))
    wait_until(lambda: len(workers() - first) == 1, "another worker")
    assert is_ready(machine)
    assert machine.main_pid == parent
