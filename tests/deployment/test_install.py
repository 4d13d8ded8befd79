"""`config/install.sh` on a bare machine: from nothing to https, to a newer version, back from a broken one, away."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory

from support.certificates import Authority
from support.processes import wait_until
from support.systemd import CHECKOUT, DOMAIN, SOURCE, BareMachine, needs_systemd

INSTALLER = CHECKOUT / "config" / "install.sh"
ACME_PORT = 14000
ACME = ("--acme-server", f"https://127.0.0.1:{ACME_PORT}/dir")
OTHER_ACME = ("--acme-server", f"https://localhost:{ACME_PORT}/dir")
OPTIONS = ("--domain", DOMAIN, "--email", "ops@example.test", *ACME)

_ASK = """
import json, ssl, sys
import httpx

url, method, sent = sys.argv[1:4]
trust = ssl.create_default_context(cafile="/etc/pebble/issuer.pem")
answer = httpx.request(method, url, json=json.loads(sent), verify=trust, timeout=30)
print(json.dumps([answer.status_code, answer.text]))
"""

_KNOCK = """
import collections, json, os, socket
ends = collections.Counter()
while not os.path.exists("/run/enough"):
    try:
        with socket.create_connection(("127.0.0.1", 8080), 30) as asking:
            asking.sendall(b"GET /healthz HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
            ends[asking.recv(100)[:15].decode()] += 1
    except OSError as problem:
        ends[repr(problem)] += 1
print(json.dumps(ends))
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareMachine]:
    """With a certificate authority that knows it by its domain."""
    with BareMachine() as bare:
        folder = tmp_path_factory.mktemp("pebble")
        authority = Authority(folder)
        authority.issue(folder, "127.0.0.1", "localhost")
        for name, path in {
            "ca": authority.path,
            "cert": folder / "fullchain.pem",
            "key": folder / "privkey.pem",
        }.items():
            bare.write(f"/etc/pebble/{name}.pem", path.read_text())
        settings = {
            "listenAddress": f"127.0.0.1:{ACME_PORT}",
            "managementListenAddress": "127.0.0.1:15000",
            "certificate": "/etc/pebble/cert.pem",
            "privateKey": "/etc/pebble/key.pem",
            "httpPort": 80,
            "tlsPort": 443,
            "certificateValidityPeriod": 90 * 86400,
        }
        bare.write("/etc/pebble/config.json", json.dumps({"pebble": settings}))
        bare.write("/etc/hosts", f"127.0.0.1 localhost {DOMAIN}\n")
        quick = ("--setenv=PEBBLE_VA_NOSLEEP=1", "--setenv=PEBBLE_WFE_NONCEREJECT=0")
        bare.run("systemd-run", "--quiet", "--unit=pebble", *quick, "pebble", "-config", "/etc/pebble/config.json")
        bare.write("/usr/lib/ask.py", _ASK)
        yield bare


def ask(machine: BareMachine, url: str, method: str = "GET", sent: object = None) -> tuple[int, str]:
    """What a client on the machine is answered; trusts what pebble issues, and nothing else."""
    asked = machine.run("/opt/cloudchat/current/bin/python", "/usr/lib/ask.py", url, method, json.dumps(sent))
    status, text = json.loads(asked)
    return status, text


def sign_in(machine: BareMachine, url: str, password: str) -> int:
    return ask(machine, f"{url}/api/auth/login", "POST", {"username": "admin", "password": password})[0]


def installed(machine: BareMachine) -> str:
    return machine.run("/opt/cloudchat/current/bin/cloudchat", "--version")


def serial(machine: BareMachine) -> str:
    """Of the certificate that is kept."""
    return machine.run("openssl", "x509", "-noout", "-serial", "-in", f"/etc/letsencrypt/live/{DOMAIN}/cert.pem")


def backups(machine: BareMachine) -> list[str]:
    return machine.run("find", "/var/backups/cloudchat", "-type", "f").split()


def newer_source(machine: BareMachine, version: str) -> str:
    """Another checkout, with this version."""
    source = f"/usr/src/cloudchat-{version}"
    machine.copy_source(source)
    machine.run("sed", "-i", f's/^version = .*/version = "{version}"/', f"{source}/pyproject.toml")
    return source


@needs_systemd
class TestOneMachine:
    """Its story, in this order."""

    password = ""

    def test_a_dry_run_changes_nothing(self, machine: BareMachine) -> None:
        # As after an upgrade of the distribution, whose Python is another one.
        machine.run("mv", "/opt/certbot/bin/certbot", "/opt/certbot/bin/kept")
        shown = machine.install(*OPTIONS, "--dry-run")
        machine.run("mv", "/opt/certbot/bin/kept", "/opt/certbot/bin/certbot")
        assert shown.returncode == 0, shown.stderr
        assert "-m venv --clear /opt/certbot" in shown.stdout
        for path in ("/etc/cloudchat", "/var/lib/cloudchat", "/opt/cloudchat/current", "/etc/redis/cloudchat.conf"):
            assert machine.try_("test", "-e", path).returncode != 0
        assert machine.try_("id", "cloudchat").returncode != 0

    def test_a_first_install_that_fails_leaves_nothing_half_done(self, machine: BareMachine) -> None:
        """Here by a setting that the administrator's making stumbles over; then the operator mends it."""
        machine.run("sh", "-c", "mkdir /etc/cloudchat && echo CLOUDCHAT_PORT=none >/etc/cloudchat/cloudchat.env")
        assert machine.install(*OPTIONS).returncode != 0
        machine.run("rm", "/etc/cloudchat/cloudchat.env")

    def test_one_command_makes_it_all(self, machine: BareMachine) -> None:
        done = machine.install(*OPTIONS)
        assert done.returncode == 0, done.stdout + done.stderr
        issuer = "import ssl,urllib.request as r; c=ssl.create_default_context(cafile='/etc/pebble/ca.pem'); "
        fetch = issuer + "print(r.urlopen('https://127.0.0.1:15000/roots/0', context=c).read().decode())"
        machine.write("/etc/pebble/issuer.pem", machine.run("/opt/cloudchat/current/bin/python", "-c", fetch))
        assert ask(machine, f"https://{DOMAIN}/readyz")[0] == 200
        assert ask(machine, f"https://{DOMAIN}/")[1] == (CHECKOUT / "frontend" / "index.html").read_text()
        assert ask(machine, f"https://{DOMAIN}/metrics")[0] == 404
        type(self).password = machine.cloudchat("admin", "reset-password", "admin")
        assert sign_in(machine, f"https://{DOMAIN}", self.password) == 200
        assert sign_in(machine, f"https://{DOMAIN}", "not " + self.password) == 401
        assert "one-time password" not in machine.journal()

    def test_the_next_step_of_the_readme_finds_nothing_wrong(self, machine: BareMachine) -> None:
        """As it stands there, for the machine's domain and an authority that the machine trusts."""
        machine.run("sh", "-c", "cat /etc/pebble/issuer.pem >>/etc/ssl/certs/ca-certificates.crt")
        # A container may grant the server fewer files than its unit asks for.
        machine.run("sh", "-c", "echo CLOUDCHAT_SOCKETS_IN_TOTAL=100 >>/etc/cloudchat/cloudchat.env")
        [step] = re.findall(r"^ +sudo (cloudchat doctor --url .*)$", (CHECKOUT / "README.md").read_text(), re.M)
        looked = machine.try_("sh", "-c", step.replace("chat.example.com", DOMAIN))
        assert looked.returncode == 0, looked.stdout + looked.stderr
        assert "CLOUDCHAT_HOST=/run/cloudchat/cloudchat.sock" in looked.stdout  # the server's, not one of loopback

    def test_it_comes_again_with_the_machine(self, machine: BareMachine) -> None:
        for unit in ("cloudchat.socket", "cloudchat.service", "redis-server@cloudchat.service", "nginx.service"):
            assert machine.run("systemctl", "is-enabled", unit) == "enabled"
        for timer in ("cloudchat-backup.timer", "certbot-renew.timer"):
            assert machine.unit(timer, "ActiveState", "UnitFileState") == {
                "ActiveState": "active",
                "UnitFileState": "enabled",
            }

    def test_the_renewal_may_do_what_it_has_to(self, machine: BareMachine) -> None:
        """certbot, and the hook that reloads nginx, in the sandbox of their unit."""
        before = machine.run("sha256sum", f"/etc/letsencrypt/live/{DOMAIN}/fullchain.pem")
        always = "ExecStart=\nExecStart=/opt/certbot/bin/certbot -q renew --no-random-sleep-on-renew --force-renewal"
        trust = "Environment=REQUESTS_CA_BUNDLE=/etc/pebble/ca.pem"
        drop_in = "/run/systemd/system/certbot-renew.service.d/test.conf"
        machine.write(drop_in, f"[Service]\n{trust}\n{always}\n")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", "certbot-renew.service")
        assert "error" not in machine.journal("certbot-renew.service").lower()
        assert machine.run("sha256sum", f"/etc/letsencrypt/live/{DOMAIN}/fullchain.pem") != before
        shown = ("openssl", "s_client", "-connect", "127.0.0.1:443", "-servername", DOMAIN, "-showcerts")
        kept = serial(machine)

        def served() -> str:
            seen = machine.try_(*shown).stdout
            return machine.try_("openssl", "x509", "-noout", "-serial", given=seen).stdout.strip()

        wait_until(lambda: served() == kept, "the new certificate is served")

    def test_again_it_changes_nothing_that_runs_and_nothing_of_the_operators(self, machine: BareMachine) -> None:
        machine.run(
            "sed", "-i", "s/^CLOUDCHAT_REGISTRATION=.*/CLOUDCHAT_REGISTRATION=closed/", "/etc/cloudchat/cloudchat.env"
        )
        own = "/etc/nginx/cloudchat/instances.conf"
        machine.run("sed", "-i", "s/^}/    server 127.0.0.1:8001 max_fails=0;\\n}/", own)
        machine.write("/etc/redis/cloudchat.d/own.conf", "maxmemory 123mb\n")
        machine.run("systemctl", "restart", "redis-server@cloudchat.service")
        running = {
            unit: machine.unit(unit, "MainPID") for unit in ("cloudchat.service", "redis-server@cloudchat.service")
        }
        again = machine.install(*OPTIONS)
        assert again.returncode == 0, again.stdout + again.stderr
        for unit, before in running.items():
            assert machine.unit(unit, "MainPID") == before
        assert "CLOUDCHAT_REGISTRATION=closed" in machine.run("cat", "/etc/cloudchat/cloudchat.env")
        assert "server 127.0.0.1:8001" in machine.run("nginx", "-T")
        assert "129 MB (maxmemory)" in machine.try_("cloudchat", "doctor").stdout
        machine.run("sed", "-i", "/8001/d", own)

    def test_a_newer_checkout_is_an_upgrade(self, machine: BareMachine) -> None:
        source = newer_source(machine, "0.2.0")
        machine.add_release(source)
        before, certificate = backups(machine), serial(machine)
        # And a certificate of another authority, as after a trial with --staging.
        done = machine.install(*OPTIONS, *OTHER_ACME, source=source)
        assert done.returncode == 0, done.stdout + done.stderr
        assert installed(machine) == "cloudchat 0.2.0"
        assert sign_in(machine, f"https://{DOMAIN}", self.password) == 200
        assert len(backups(machine)) == len(before) + 1
        assert serial(machine) != certificate

    def test_a_version_that_does_not_become_ready_goes_again_with_what_it_did(self, machine: BareMachine) -> None:
        source = newer_source(machine, "0.3.0")
        head = ScriptDirectory(str(CHECKOUT / "alembic")).get_current_head()
        migration = f"revision = 'broken'\ndown_revision = {head!r}\n"
        migration += "import os, time\nfrom alembic import op\ndef upgrade():\n"
        migration += "    while os.path.exists('/var/lib/cloudchat/slow'): time.sleep(0.05)\n"
        migration += "    op.execute('drop table users')\n"  # the server needs it
        machine.write(f"{source}/alembic/versions/broken.py", migration)
        machine.run("sed", "-i", "s/^TasksMax=.*/TasksMax=511/", f"{source}/systemd/cloudchat.service")
        machine.add_release(source)
        # The first try is interrupted, as by a closed terminal; the second one still knows what was there before.
        machine.run("touch", "/var/lib/cloudchat/slow")
        machine.run("systemd-run", "--unit=try", f"{source}/config/install.sh", *OPTIONS)
        wait_until(
            lambda: machine.try_("test", "-e", "/var/lib/cloudchat/before-upgrade.db").returncode == 0,
            "it is about to change the database",
            seconds=60,
        )
        machine.run("systemctl", "kill", "--signal=KILL", "try.service")
        machine.run("rm", "/var/lib/cloudchat/slow")
        done = machine.install(*OPTIONS, *OTHER_ACME, source=source)
        assert done.returncode != 0
        assert installed(machine) == "cloudchat 0.2.0"
        assert machine.unit("cloudchat.service", "TasksMax") == {"TasksMax": "512"}
        assert ask(machine, f"https://{DOMAIN}/readyz")[0] == 200
        assert sign_in(machine, f"https://{DOMAIN}", self.password) == 200

    def test_uninstalled_it_leaves_the_data_and_another_way_finds_them(self, machine: BareMachine) -> None:
        gone = machine.install("--uninstall")
        assert gone.returncode == 0, gone.stdout + gone.stderr
        units = machine.try_("systemctl", "list-unit-files", "--no-legend", "--plain", "cloudchat*", "certbot*").stdout
        assert units == ""
        assert machine.try_("test", "-e", "/opt/cloudchat").returncode != 0
        before = backups(machine)
        machine.add_release(SOURCE)
        done = machine.install("--domain", DOMAIN, "--behind-proxy", "127.0.0.0/8")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "CLOUDCHAT_TRUSTED_PROXIES=127.0.0.0/8" in done.stdout  # the file of before says another one
        assert len(backups(machine)) == len(before) + 1
        assert ask(machine, "http://127.0.0.1:8080/readyz")[0] == 200
        assert sign_in(machine, "http://127.0.0.1:8080", self.password) == 200

    def test_over_tcp_a_restart_refuses_nobody_either(self, machine: BareMachine) -> None:
        machine.write("/usr/lib/knock.py", _KNOCK)
        knocking = machine.start("/opt/cloudchat/current/bin/python", "/usr/lib/knock.py")
        machine.run("systemctl", "restart", "cloudchat.service")
        assert ask(machine, "http://127.0.0.1:8080/readyz")[0] == 200
        machine.write("/run/enough", "")
        ends = json.loads(knocking.communicate(timeout=60)[0])
        assert set(ends) == {"HTTP/1.1 200 OK"}, ends

    def test_without_the_proxy_it_is_behind_nginx_again(self, machine: BareMachine) -> None:
        done = machine.install(*OPTIONS, *OTHER_ACME)
        assert done.returncode == 0, done.stdout + done.stderr
        assert ask(machine, f"https://{DOMAIN}/readyz")[0] == 200
        assert machine.try_("curl", "-s", "http://127.0.0.1:8080/readyz").returncode == 7  # nobody listens


# --- what it says without a machine -----------------------------------------------------------------------------------


def try_installer(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([INSTALLER, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--dry-run"], "--domain"),
        (["--dry-run", "--domain", "localhost", "--email", "a@b.c"], "--domain"),
        (["--dry-run", "--domain", "x.example;reboot", "--email", "a@b.c"], "--domain"),
        (["--dry-run", "--domain", DOMAIN], "--email"),
        (["--dry-run", "--domain", "--email", "a@b.c"], "--domain"),
        (["--dry-run", "--domain", DOMAIN, "--behind-proxy", "everybody"], "--behind-proxy"),
        (["--frobnicate"], "--frobnicate"),
    ],
)
def test_a_mistake_is_named_in_one_line(arguments: list[str], named: str) -> None:
    refused = try_installer(*arguments)
    assert refused.returncode == 1
    assert named in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_help_needs_no_root_and_names_every_option() -> None:
    told = try_installer("--help").stdout
    for option in re.findall(r"^    (--[a-z-]+)", INSTALLER.read_text(), re.MULTILINE):
        assert option in told


def test_the_lock_has_what_a_setting_can_ask_for() -> None:
    """CLOUDCHAT_DATABASE_URL and CLOUDCHAT_TRACE_RATIO: a machine takes no second step for them, nor for an upgrade."""
    pinned = set(re.findall(r"^([\w-]+)==", (CHECKOUT / "config/requirements.lock").read_text(), re.MULTILINE))
    extras = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for wanted in (*extras["postgres"], *extras["otel"]):
        assert re.split(r"[\[>=]", wanted)[0] in pinned
    loaded = "import sys; from cloudchat.app import create_app; from cloudchat.cli.serve import *; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert not {"psycopg", "google.protobuf", "requests"} & set(modules)


def test_the_scripts_are_clean() -> None:
    scripts: list[Any] = [
        INSTALLER,
        CHECKOUT / "config/install/cloudchat",
        Path(__file__).parents[1] / "support/systemd_box",
    ]
    checked = subprocess.run(["shellcheck", "-x", *scripts], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert checked.returncode == 0, checked.stdout
