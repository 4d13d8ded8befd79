"""`config/install.sh` on a bare machine: installation, upgrade, rollback and uninstallation."""

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

from cloudchat.page.build import build_page, read_directory
from support.certificates import Authority
from support.processes import wait_until
from support.systemd import CHECKOUT, DOMAIN, SOURCE, BareMachine, needs_systemd

INSTALLER = CHECKOUT / "config" / "install.sh"
ACME_PORT = 14000
ACME = ("--acme-server", f"https://127.0.0.1:{ACME_PORT}/dir")
OTHER_ACME = ("--acme-server", f"https://localhost:{ACME_PORT}/dir")
OPTIONS = ("--domain", DOMAIN, "--email", "ops@example.test", *ACME)

_REQUEST_SCRIPT = """
import json, ssl, sys
import httpx

url, method, body = sys.argv[1:4]
trust = ssl.create_default_context(cafile="/etc/pebble/issuer.pem")
response = httpx.request(method, url, json=json.loads(body), verify=trust, timeout=30)
print(json.dumps([response.status_code, response.text]))
"""

_LOAD_SCRIPT = """
import collections, json, os, socket
results = collections.Counter()
while not os.path.exists("/run/stop-load"):
    try:
        with socket.create_connection(("127.0.0.1", 8080), 30) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
            results[connection.recv(100)[:15].decode()] += 1
    except OSError as error:
        results[repr(error)] += 1
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareMachine]:
    """A machine with an ACME server that resolves the machine's domain."""
    with BareMachine() as bare:
        directory = tmp_path_factory.mktemp("pebble")
        authority = Authority(directory)
        authority.issue(directory, "127.0.0.1", "localhost")
        for name, path in {
            "ca": authority.path,
            "cert": directory / "fullchain.pem",
            "key": directory / "privkey.pem",
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
        bare.write("/usr/lib/request.py", _REQUEST_SCRIPT)
        yield bare


def request(machine: BareMachine, url: str, method: str = "GET", body: object = None) -> tuple[int, str]:
    """Send a request from the machine, trusting only pebble's certificates; return the status and the text."""
    output = machine.run("/opt/cloudchat/current/bin/python", "/usr/lib/request.py", url, method, json.dumps(body))
    status, text = json.loads(output)
    return status, text


def sign_in(machine: BareMachine, url: str, password: str) -> int:
    return request(machine, f"{url}/api/auth/login", "POST", {"username": "admin", "password": password})[0]


def installed_version(machine: BareMachine) -> str:
    return machine.run("/opt/cloudchat/current/bin/cloudchat", "--version")


def certificate_serial(machine: BareMachine) -> str:
    """Return the serial number of the certificate in certbot's directory."""
    return machine.run("openssl", "x509", "-noout", "-serial", "-in", f"/etc/letsencrypt/live/{DOMAIN}/cert.pem")


def backups(machine: BareMachine) -> list[str]:
    return machine.run("find", "/var/backups/cloudchat", "-type", "f").split()


def newer_source(machine: BareMachine, version: str) -> str:
    """Create another checkout with this version; return its directory."""
    source = f"/usr/src/cloudchat-{version}"
    machine.copy_source(source)
    machine.run("sed", "-i", f's/^version = .*/version = "{version}"/', f"{source}/pyproject.toml")
    return source


@needs_systemd
class TestLifeOfAMachine:
    """These tests run in this order: each one continues with the machine that the previous one left."""

    password = ""

    def test_a_dry_run_changes_nothing(self, machine: BareMachine) -> None:
        # As after an upgrade of the distribution, which removes the Python that certbot was installed for.
        machine.run("mv", "/opt/certbot/bin/certbot", "/opt/certbot/bin/certbot.moved")
        result = machine.install(*OPTIONS, "--dry-run")
        machine.run("mv", "/opt/certbot/bin/certbot.moved", "/opt/certbot/bin/certbot")
        assert result.returncode == 0, result.stderr
        assert "-m venv --clear /opt/certbot" in result.stdout
        for path in ("/etc/cloudchat", "/var/lib/cloudchat", "/opt/cloudchat/current", "/etc/redis/cloudchat.conf"):
            assert machine.try_("test", "-e", path).returncode != 0
        assert machine.try_("id", "cloudchat").returncode != 0

    def test_install_can_be_repeated_after_the_first_one_failed(self, machine: BareMachine) -> None:
        """An invalid setting makes the creation of the administrator fail; then the operator removes it."""
        machine.run("sh", "-c", "mkdir /etc/cloudchat && echo CLOUDCHAT_PORT=none >/etc/cloudchat/cloudchat.env")
        assert machine.install(*OPTIONS).returncode != 0
        machine.run("rm", "/etc/cloudchat/cloudchat.env")

    def test_install_serves_the_chat_over_https_and_creates_an_administrator(self, machine: BareMachine) -> None:
        result = machine.install(*OPTIONS)
        assert result.returncode == 0, result.stdout + result.stderr
        trust = "import ssl,urllib.request as r; c=ssl.create_default_context(cafile='/etc/pebble/ca.pem'); "
        fetch = trust + "print(r.urlopen('https://127.0.0.1:15000/roots/0', context=c).read().decode())"
        machine.write("/etc/pebble/issuer.pem", machine.run("/opt/cloudchat/current/bin/python", "-c", fetch))
        assert request(machine, f"https://{DOMAIN}/readyz")[0] == 200
        assert (
            request(machine, f"https://{DOMAIN}/")[1]
            == build_page(read_directory(CHECKOUT / "frontend"))["index.html"].content.decode()
        )
        assert request(machine, f"https://{DOMAIN}/metrics")[0] == 404
        type(self).password = machine.cloudchat("admin", "reset-password", "admin")
        assert sign_in(machine, f"https://{DOMAIN}", self.password) == 200
        assert sign_in(machine, f"https://{DOMAIN}", "not " + self.password) == 401
        assert "one-time password" not in machine.journal()

    def test_doctor_command_of_the_readme_reports_no_problem(self, machine: BareMachine) -> None:
        """Only the domain in the README's command is replaced. The machine trusts pebble's certificates."""
        machine.run("sh", "-c", "cat /etc/pebble/issuer.pem >>/etc/ssl/certs/ca-certificates.crt")
        # A container may allow the server fewer open files than its unit requests.
        machine.run("sh", "-c", "echo CLOUDCHAT_SOCKETS_IN_TOTAL=100 >>/etc/cloudchat/cloudchat.env")
        [step] = re.findall(r"^ +sudo (cloudchat doctor --url .*)$", (CHECKOUT / "README.md").read_text(), re.M)
        result = machine.try_("sh", "-c", step.replace("chat.example.com", DOMAIN))
        assert result.returncode == 0, result.stdout + result.stderr
        assert "CLOUDCHAT_HOST=/run/cloudchat/cloudchat.sock" in result.stdout  # the server's socket, not loopback

    def test_units_and_timers_start_at_boot(self, machine: BareMachine) -> None:
        for unit in ("cloudchat.socket", "cloudchat.service", "redis-server@cloudchat.service", "nginx.service"):
            assert machine.run("systemctl", "is-enabled", unit) == "enabled"
        for timer in ("cloudchat-backup.timer", "certbot-renew.timer"):
            assert machine.unit(timer, "ActiveState", "UnitFileState") == {
                "ActiveState": "active",
                "UnitFileState": "enabled",
            }

    def test_renewal_and_deploy_hook_work_inside_the_sandbox_of_their_unit(self, machine: BareMachine) -> None:
        """certbot renews the certificate, and the hook reloads nginx."""
        before = machine.run("sha256sum", f"/etc/letsencrypt/live/{DOMAIN}/fullchain.pem")
        forced = "ExecStart=\nExecStart=/opt/certbot/bin/certbot -q renew --no-random-sleep-on-renew --force-renewal"
        trust = "Environment=REQUESTS_CA_BUNDLE=/etc/pebble/ca.pem"
        drop_in = "/run/systemd/system/certbot-renew.service.d/test.conf"
        machine.write(drop_in, f"[Service]\n{trust}\n{forced}\n")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", "certbot-renew.service")
        assert "error" not in machine.journal("certbot-renew.service").lower()
        assert machine.run("sha256sum", f"/etc/letsencrypt/live/{DOMAIN}/fullchain.pem") != before
        show = ("openssl", "s_client", "-connect", "127.0.0.1:443", "-servername", DOMAIN, "-showcerts")
        renewed = certificate_serial(machine)

        def served() -> str:
            chain = machine.try_(*show).stdout
            return machine.try_("openssl", "x509", "-noout", "-serial", given=chain).stdout.strip()

        wait_until(lambda: served() == renewed, "nginx serves the new certificate")

    def test_second_install_restarts_nothing_and_keeps_the_operators_changes(self, machine: BareMachine) -> None:
        machine.run(
            "sed", "-i", "s/^CLOUDCHAT_REGISTRATION=.*/CLOUDCHAT_REGISTRATION=closed/", "/etc/cloudchat/cloudchat.env"
        )
        instances = "/etc/nginx/cloudchat/instances.conf"
        machine.run("sed", "-i", "s/^}/    server 127.0.0.1:8001 max_fails=0;\\n}/", instances)
        machine.write("/etc/redis/cloudchat.d/own.conf", "maxmemory 123mb\n")
        machine.run("systemctl", "restart", "redis-server@cloudchat.service")
        pids = {unit: machine.unit(unit, "MainPID") for unit in ("cloudchat.service", "redis-server@cloudchat.service")}
        result = machine.install(*OPTIONS)
        assert result.returncode == 0, result.stdout + result.stderr
        for unit, pid in pids.items():
            assert machine.unit(unit, "MainPID") == pid
        assert "CLOUDCHAT_REGISTRATION=closed" in machine.run("cat", "/etc/cloudchat/cloudchat.env")
        assert "server 127.0.0.1:8001" in machine.run("nginx", "-T")
        assert "129 MB (maxmemory)" in machine.try_("cloudchat", "doctor").stdout
        machine.run("sed", "-i", "/8001/d", instances)

    def test_install_from_a_newer_checkout_upgrades(self, machine: BareMachine) -> None:
        source = newer_source(machine, "0.2.0")
        machine.add_release(source)
        before, certificate = backups(machine), certificate_serial(machine)
        # The certificate authority changes, too, as after a test with --staging.
        result = machine.install(*OPTIONS, *OTHER_ACME, source=source)
        assert result.returncode == 0, result.stdout + result.stderr
        assert installed_version(machine) == "cloudchat 0.2.0"
        assert sign_in(machine, f"https://{DOMAIN}", self.password) == 200
        assert len(backups(machine)) == len(before) + 1
        assert certificate_serial(machine) != certificate

    def test_install_goes_back_when_the_new_version_is_not_ready(self, machine: BareMachine) -> None:
        source = newer_source(machine, "0.3.0")
        head = ScriptDirectory(str(CHECKOUT / "alembic")).get_current_head()
        migration = f"revision = 'broken'\ndown_revision = {head!r}\n"
        migration += "import os, time\nfrom alembic import op\ndef upgrade():\n"
        migration += "    while os.path.exists('/var/lib/cloudchat/slow'): time.sleep(0.05)\n"
        migration += "    op.execute('drop table users')\n"  # the server does not start without it
        machine.write(f"{source}/alembic/versions/broken.py", migration)
        machine.run("sed", "-i", "s/^TasksMax=.*/TasksMax=511/", f"{source}/systemd/cloudchat.service")
        machine.add_release(source)
        # The first run is interrupted, as by a closed terminal. The second one must still know the previous release.
        machine.run("touch", "/var/lib/cloudchat/slow")
        machine.run("systemd-run", "--unit=interrupted-install", f"{source}/config/install.sh", *OPTIONS)
        wait_until(
            lambda: machine.try_("test", "-e", "/var/lib/cloudchat/before-upgrade.db").returncode == 0,
            "the new version is about to change the database",
            seconds=60,
        )
        machine.run("systemctl", "kill", "--signal=KILL", "interrupted-install.service")
        machine.run("rm", "/var/lib/cloudchat/slow")
        result = machine.install(*OPTIONS, *OTHER_ACME, source=source)
        assert result.returncode != 0
        assert installed_version(machine) == "cloudchat 0.2.0"
        assert machine.unit("cloudchat.service", "TasksMax") == {"TasksMax": "512"}
        assert request(machine, f"https://{DOMAIN}/readyz")[0] == 200
        assert sign_in(machine, f"https://{DOMAIN}", self.password) == 200

    def test_uninstall_keeps_the_data_for_an_install_behind_a_proxy(self, machine: BareMachine) -> None:
        result = machine.install("--uninstall")
        assert result.returncode == 0, result.stdout + result.stderr
        units = machine.try_("systemctl", "list-unit-files", "--no-legend", "--plain", "cloudchat*", "certbot*").stdout
        assert units == ""
        assert machine.try_("test", "-e", "/opt/cloudchat").returncode != 0
        before = backups(machine)
        machine.add_release(SOURCE)
        result = machine.install("--domain", DOMAIN, "--behind-proxy", "127.0.0.0/8")
        assert result.returncode == 0, result.stdout + result.stderr
        # The installer warns that the existing file has another value.
        assert "CLOUDCHAT_TRUSTED_PROXIES=127.0.0.0/8" in result.stdout
        assert len(backups(machine)) == len(before) + 1
        assert request(machine, "http://127.0.0.1:8080/readyz")[0] == 200
        assert sign_in(machine, "http://127.0.0.1:8080", self.password) == 200

    def test_restart_refuses_no_connection_to_the_tcp_socket(self, machine: BareMachine) -> None:
        machine.write("/usr/lib/load.py", _LOAD_SCRIPT)
        load = machine.start("/opt/cloudchat/current/bin/python", "/usr/lib/load.py")
        machine.run("systemctl", "restart", "cloudchat.service")
        assert request(machine, "http://127.0.0.1:8080/readyz")[0] == 200
        machine.write("/run/stop-load", "")
        results = json.loads(load.communicate(timeout=60)[0])
        assert set(results) == {"HTTP/1.1 200 OK"}, results

    def test_install_without_the_proxy_option_returns_to_nginx(self, machine: BareMachine) -> None:
        result = machine.install(*OPTIONS, *OTHER_ACME)
        assert result.returncode == 0, result.stdout + result.stderr
        assert request(machine, f"https://{DOMAIN}/readyz")[0] == 200
        assert machine.try_("curl", "-s", "http://127.0.0.1:8080/readyz").returncode == 7  # could not connect


# --- options, without a machine ---------------------------------------------------------------------------------------


def run_installer(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([INSTALLER, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "option"),
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
def test_invalid_option_is_named_in_an_error_of_one_line(arguments: list[str], option: str) -> None:
    result = run_installer(*arguments)
    assert result.returncode == 1
    assert option in result.stderr
    assert result.stderr.count("\n") == 1


def test_help_needs_no_root_and_names_every_option() -> None:
    text = run_installer("--help").stdout
    for option in re.findall(r"^    (--[a-z-]+)", INSTALLER.read_text(), re.MULTILINE):
        assert option in text


def test_lock_file_includes_the_extras_that_settings_can_enable() -> None:
    """CLOUDCHAT_DATABASE_URL and CLOUDCHAT_TRACE_RATIO need no further installation, also after an upgrade."""
    pinned = set(re.findall(r"^([\w-]+)==", (CHECKOUT / "config/requirements.lock").read_text(), re.MULTILINE))
    extras = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for requirement in (*extras["postgres"], *extras["otel"]):
        assert re.split(r"[\[>=]", requirement)[0] in pinned
    imports = "from cloudchat.app.application import create_app; from cloudchat.cli.serving.serve import *"
    program = f"import sys; {imports}; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"psycopg", "google.protobuf", "requests"} & set(modules)


def test_shellcheck_finds_nothing_in_the_scripts() -> None:
    scripts: list[Any] = [
        INSTALLER,
        CHECKOUT / "config/install/cloudchat",
        CHECKOUT / "config/certbot/deploy-hook",
        CHECKOUT / "config/aws/backups_to_s3",
        CHECKOUT / "config/aws/cluster_machine",
        Path(__file__).parents[1] / "support/systemd_box",
    ]
    checked = subprocess.run(["shellcheck", "-x", *scripts], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert checked.returncode == 0, checked.stdout
