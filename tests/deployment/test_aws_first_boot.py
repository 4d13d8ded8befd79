"""The scripts of a machine on AWS: download of the release, first boot, copies of backups, shared keys.

They are taken from the user data of a stack, and run against an emulated AWS that checks signatures and permissions.
"""

import base64
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudchat.auth.keys.key_rotation import rotate
from cloudchat.auth.keys.signing_keys import load_or_create
from cloudchat.auth.keys.vault import open_vault
from support import processes
from support.aws import REGION, EmulatedAws
from support.cloudformation import TEMPLATES, Stack, load
from support.instance_metadata import InstanceMetadata
from support.systemd import SystemdBox, needs_systemd

RELEASES = "our-releases"


class Machine:
    """A directory with the scripts of the user data, and the environment in which they reach the emulated AWS."""

    def __init__(
        self, directory: Path, scripts: dict[str, str], aws: EmulatedAws, metadata: str, credentials: dict[str, str]
    ) -> None:
        self.directory = directory
        self.credentials = credentials
        for name, script in scripts.items():
            (directory / name).write_text(script)
            (directory / name).chmod(0o755)
        self.environment = {
            "PATH": f"{directory}:{os.environ['PATH']}",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata,
            "AWS_ENDPOINT_URL": aws.url,
            "CLOUDCHAT_AWS_SETTINGS": str(directory / "settings"),
            "STATE_DIRECTORY": str(directory),
        }

    def run(self, *command: str | Path, given: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            env={**self.environment, **more},
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def scripts_in(text: str) -> dict[str, str]:
    """Return the commands that a user data script installs."""
    return dict(re.findall(r"cat >/usr/local/sbin/(\S+) <<'END'\n(.*?\n)END\n", text, re.DOTALL))


@pytest.fixture(scope="module")
def release(aws: EmulatedAws, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A release archive that is stored in S3."""
    directory = tmp_path_factory.mktemp("release")
    (directory / "config").mkdir()
    # Programs that print their arguments, in place of the real ones.
    for name in ("install.sh", "aws/backups_to_s3"):
        program = directory / "config" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho {name} "$@"\n')
        program.chmod(0o755)
    with tarfile.open(directory / "release.tar.gz", "w:gz") as archive:
        archive.add(directory / "config", "cloudchat-1.0/config")
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=RELEASES, CreateBucketConfiguration={"LocationConstraint": REGION})
    content = (directory / "release.tar.gz").read_bytes()
    s3.put_object(Bucket=RELEASES, Key="cloudchat-1.0.tar.gz", Body=content)
    return content


@pytest.fixture(scope="module")
def stack(aws: EmulatedAws, release: bytes) -> Stack:
    return Stack(
        aws,
        "cloudchat.yaml",
        {
            "Domain": "chat.example.com",
            "Email": "ops@example.com",
            "ReleaseUrl": f"s3://{RELEASES}/cloudchat-1.0.tar.gz",
            "ReleaseSha256": hashlib.sha256(release).hexdigest(),
        },
    )


@pytest.fixture(scope="module")
def machine(aws: EmulatedAws, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with exactly the permissions of the stack's role."""
    iam, role = aws.client("iam"), stack.ids["Role"]
    # moto cannot evaluate policies in the form in which it stores those of a stack, so create them again.
    for policy in [*stack.properties("Role")["Policies"], stack.properties("ReadRelease")]:
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=role, PolicyName=policy["PolicyName"], PolicyDocument=document)
    arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    credentials = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="machine")["Credentials"]
    attribute = aws.client("ec2").describe_instance_attribute(InstanceId=stack.ids["Machine"], Attribute="userData")
    script = base64.b64decode(attribute["UserData"]["Value"]).decode()
    aws.enforce_permissions()
    with InstanceMetadata(REGION, credentials) as metadata:
        created = Machine(tmp_path_factory.mktemp("machine"), scripts_in(script), aws, metadata.url, credentials)
        settings = re.search(r"/etc/cloudchat-aws/settings <<'END'\n(.*?)END\n", script, re.DOTALL)
        assert settings is not None
        (created.directory / "settings").write_text(settings[1])
        yield created


def test_release_is_downloaded_with_the_permissions_of_the_role(machine: Machine, stack: Stack, tmp_path: Path) -> None:
    url, digest = stack.parameters["ReleaseUrl"], stack.parameters["ReleaseSha256"]
    result = machine.run("cloudchat-fetch", url, digest, tmp_path / "release")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "release" / "config" / "install.sh").is_file()


def test_archive_with_another_checksum_is_not_unpacked(machine: Machine, stack: Stack, tmp_path: Path) -> None:
    result = machine.run("cloudchat-fetch", stack.parameters["ReleaseUrl"], "0" * 64, tmp_path / "release")
    assert result.returncode != 0
    assert not (tmp_path / "release").exists()


def test_first_boot_waits_for_dns_and_then_installs(machine: Machine, tmp_path: Path) -> None:
    script = (machine.directory / "cloudchat-first-boot").read_text()
    adapted = script.replace("/etc/cloudchat-aws", str(machine.directory)).replace(
        "/var/lib/cloudchat-aws", str(tmp_path)
    )
    (tmp_path / "first-boot").write_text(adapted)

    def boot(address: str) -> "subprocess.CompletedProcess[str]":
        (machine.directory / "getent").write_text(f"#!/bin/sh\necho '{address}  STREAM chat.example.com'\n")
        (machine.directory / "getent").chmod(0o755)
        return machine.run("bash", tmp_path / "first-boot")

    waiting = boot("198.51.100.1")
    assert waiting.returncode != 0  # so that systemd tries again
    assert "203.0.113.9" in waiting.stderr
    assert waiting.stdout == ""
    assert not (tmp_path / "done").exists()

    result = boot("203.0.113.9")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "install.sh --domain chat.example.com --email ops@example.com",
        "aws/backups_to_s3 install",
    ]
    assert (tmp_path / "done").exists()


# Replaces curl in a box without a network: it returns metadata, and the release for every other URL.
CURL = """#!/bin/sh
for part; do
  case $part in
    */api/token) echo token; exit ;;
    */placement/region) echo eu-central-1; exit ;;
    */public-ipv4) echo 203.0.113.9; exit ;;
    */security-credentials/) echo role; exit ;;
    */security-credentials/role) echo '{"AccessKeyId": "a", "SecretAccessKey": "b", "Token": "c"}'; exit ;;
  esac
done
cat >/dev/null
while [ "$1" != --output ]; do shift; done
cp /opt/test/release.tar.gz "$2"
"""


@needs_systemd
def test_user_data_returns_immediately_and_installs_once(stack: Stack, release: bytes) -> None:
    """A real systemd runs the user data like cloud-init. The installation continues in the background."""
    user_data = stack.properties("Machine")["UserData"]["Fn::Base64"]["Fn::Join"][1]
    with SystemdBox() as box:
        box.write("/opt/test/curl", CURL, 0o755)
        box.write("/opt/test/getent", "#!/bin/sh\necho '203.0.113.9  STREAM chat.example.com'\n", 0o755)
        box.run("sh", "-c", "base64 -d >/opt/test/release.tar.gz", given=base64.b64encode(release).decode())
        path = "[Service]\nEnvironment=PATH=/opt/test:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\n"
        box.write("/etc/systemd/system/cloudchat-first-boot.service.d/test.conf", path)
        box.run("bash", given="".join(user_data))
        done = "/var/lib/cloudchat-aws/done"
        processes.wait_until(lambda: box.try_("test", "-e", done).returncode == 0, "the installation completes")

        def log() -> str:
            box.run("journalctl", "--sync")
            return box.run("journalctl", "-u", "cloudchat-first-boot", "-o", "cat", "--no-pager")

        assert log().count("install.sh --domain chat.example.com --email ops@example.com") == 1
        assert box.run("stat", "-c", "%a", "/var/lib/cloudchat-aws") == "700"
        box.run("systemctl", "start", "cloudchat-first-boot")  # as the next boot does
        assert log().count("install.sh --domain") == 1


def test_each_new_backup_is_copied_once(machine: Machine, stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "cloudchat-2026-11-22T03-00-00Z.tar").write_bytes(b"yesterday's")
    copy = [TEMPLATES / "backups_to_s3"]
    assert machine.run(*copy, CLOUDCHAT_BACKUPS=str(tmp_path)).stdout.count("copied") == 1
    assert machine.run(*copy, CLOUDCHAT_BACKUPS=str(tmp_path)).stdout == ""
    (tmp_path / "cloudchat-2026-11-23T03-00-00Z.tar").write_bytes(b"today's")
    assert machine.run(*copy, CLOUDCHAT_BACKUPS=str(tmp_path)).stdout.count("copied") == 1


def test_failed_copy_of_a_backup_is_retried(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "cloudchat-2026-11-24T03-00-00Z.tar").write_bytes(b"tomorrow's")
    copy = [TEMPLATES / "backups_to_s3"]
    failed = machine.run(*copy, CLOUDCHAT_BACKUPS=str(tmp_path), AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert failed.returncode != 0
    assert machine.run(*copy, CLOUDCHAT_BACKUPS=str(tmp_path)).stdout.count("copied") == 1


def test_machine_cannot_read_a_backup_or_write_elsewhere(machine: Machine, stack: Stack, tmp_path: Path) -> None:
    target = f"s3://{stack.ids['Backups']}/backup.tar"
    (tmp_path / "backup.tar").write_bytes(b"a backup")
    assert machine.run("cloudchat-aws", "put", tmp_path / "backup.tar", target).returncode == 0
    read = machine.run("cloudchat-aws", "get", target, tmp_path / "stolen.tar")
    assert read.returncode != 0
    assert "AccessDenied" in (tmp_path / "stolen.tar").read_text()
    elsewhere = machine.run("cloudchat-aws", "put", tmp_path / "backup.tar", f"s3://{RELEASES}/cloudchat-1.0.tar.gz")
    assert elsewhere.returncode != 0


def test_forged_signature_is_refused(machine: Machine, stack: Stack, tmp_path: Path) -> None:
    # The same key id and token, which are not secret, with another secret key. This shows that signatures are checked.
    with InstanceMetadata(REGION, {**machine.credentials, "SecretAccessKey": "x" * 40}) as metadata:
        command = ("cloudchat-aws", "get", stack.parameters["ReleaseUrl"], tmp_path / "release")
        result = machine.run(*command, AWS_EC2_METADATA_SERVICE_ENDPOINT=metadata.url)
    assert result.returncode != 0
    assert "SignatureDoesNotMatch" in (tmp_path / "release").read_text()


def test_both_templates_install_the_same_commands() -> None:
    single, many = (load(name)["Resources"] for name in ("cloudchat.yaml", "cloudchat-cluster.yaml"))
    machine = single["Machine"]["Properties"]["UserData"]["Fn::Base64"]["Fn::Join"][1]
    cluster = many["Kind"]["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Join"][1]
    assert machine[1] == cluster[1]
    assert set(scripts_in(machine[1])) == {"cloudchat-aws", "cloudchat-fetch"}


# Replaces cloudchat-aws on a machine of a cluster: it returns secrets, and records signals to the stack.
AWS = """#!/usr/bin/python3
import json, sys
body = sys.stdin.read()
if sys.argv[1] == "form":
    with open("/opt/test/signals", "a") as log:
        log.write(" ".join(sys.argv[1:]) + " " + body + chr(10))
if sys.argv[1] == "call":
    secret = json.loads(body)["SecretId"]
    keys = {"SecretString": open("/opt/test/keys").read(), "VersionId": "one"}
    print(json.dumps(keys if secret == "keys" else {"SecretString": json.dumps({"password": f"{secret}word"})}))
"""
CLUSTER = """domain='chat.example.com'
origins='https://chat.example.com,https://www.example.com'
balancer='10.21.0.0/24,10.21.1.0/24'
data='10.21.4.0/23'
store_host='store.example'
store_user='test-cloudchat'
store_secret='store'
database_host='database.example'
database_secret='database'
keys_secret='keys'
stack='test'
"""


@needs_systemd
def test_machine_joins_its_cluster(tmp_path: Path) -> None:
    signing = load_or_create(tmp_path / "keys").signing_kid
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for key in (tmp_path / "keys").iterdir():
            archive.add(key, key.name)
    with SystemdBox() as box:
        box.write("/etc/cloudchat-aws/settings", CLUSTER)
        box.write("/opt/test/keys", base64.b64encode(packed.getvalue()).decode())
        box.write("/usr/local/sbin/cloudchat-aws", AWS, 0o755)
        box.write("/usr/local/sbin/curl", '#!/bin/sh\necho "$@" | grep -q instance-id && echo i-0123\n:\n', 0o755)
        for name in ("cluster_machine", "cluster_keys"):
            box.write(f"/opt/release/config/aws/{name}", (TEMPLATES / name).read_text(), 0o755)
        box.write("/opt/release/config/install.sh", "#!/bin/sh\necho installed with $@\n", 0o755)
        box.write("/etc/systemd/system/cloudchat-backup.timer", "[Timer]\nOnCalendar=daily\n")
        output = box.run("/opt/release/config/aws/cluster_machine")
        assert "installed with --domain chat.example.com --behind-proxy 10.21.0.0/24,10.21.1.0/24" in output

        secrets = "/etc/cloudchat/credentials"
        assert box.run("cat", f"{secrets}/cloudchat_redis_url") == (
            "rediss://test-cloudchat:storeword@store.example:6379/0"
        )
        database = box.run("cat", f"{secrets}/cloudchat_database_url")
        assert database.startswith("postgresql://cloudchat:databaseword@database.example:5432/cloudchat?")
        assert "sslmode=verify-full" in database
        assert box.run("stat", "-c", "%a %U", secrets, f"{secrets}/cloudchat_redis_url") == "700 root\n400 root"

        state = "/var/lib/cloudchat"
        assert box.run("stat", "-c", "%a %U", state, f"{state}/keys") == "700 cloudchat\n700 cloudchat"
        assert box.run("find", f"{state}/keys", "-name", f"{signing}.pem", "-user", "cloudchat", "-perm", "400") != ""
        assert box.run("systemctl", "is-active", "cloudchat-cluster-keys.timer") == "active"
        box.run("systemctl", "start", "cloudchat-cluster-keys.service")  # in its sandbox
        assert "IPAddressAllow=10.21.4.0/23" in box.run("cat", "/etc/systemd/system/cloudchat.service.d/cluster.conf")
        signalled = box.run("cat", "/opt/test/signals")
        assert signalled.startswith("form cloudformation Action=SignalResource&LogicalResourceId=Group&StackName=test")
        assert "UniqueId=i-0123" in signalled


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    """Two machines that share a secret that has no value yet."""
    common = load("cloudchat-cluster.yaml")["Resources"]["Kind"]["Properties"]["LaunchTemplateData"]["UserData"]
    scripts = scripts_in(common["Fn::Base64"]["Fn::Join"][1][1])
    with EmulatedAws() as aws:
        arn = aws.client("secretsmanager").create_secret(Name="keys")["ARN"]
        role = "arn:aws:iam::123456789012:role/machine"
        credentials = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="machine")["Credentials"]
        with InstanceMetadata(REGION, credentials) as metadata:
            machines = []
            for name in ("one", "two"):
                (tmp_path / name).mkdir()
                (tmp_path / name / "settings").write_text(f"stack='test'\nkeys_secret='{arn}'\n")
                machines.append(Machine(tmp_path / name, scripts, aws, metadata.url, credentials))
            yield machines[0], machines[1]


def cluster_keys(machine: Machine, command: str) -> None:
    result = machine.run(TEMPLATES / "cluster_keys", command, CLOUDCHAT_STATE_DIR=str(machine.directory / "state"))
    assert result.returncode == 0, result.stderr


def test_machines_of_a_cluster_share_their_keys(cluster: tuple[Machine, Machine]) -> None:
    one, two = cluster
    for machine in cluster:
        (machine.directory / "state").mkdir(mode=0o700)
        cluster_keys(machine, "join")
    directories = [machine.directory / "state" / "keys" for machine in cluster]
    rings = [load_or_create(directory) for directory in directories]
    assert rings[0].signing_kid == rings[1].signing_kid
    text = open_vault(directories[0]).encrypt("a secret", purpose="test")
    assert open_vault(directories[1]).decrypt(text, purpose="test") == "a secret"
    assert all(path.stat().st_mode & 0o777 == 0o400 for directory in directories for path in directory.glob("[a-z]*"))

    # After a rotation on one machine, the other one signs with the new key and still accepts the old one.
    rotated = rotate(directories[0], 1.0)
    cluster_keys(one, "push")
    cluster_keys(two, "pull")
    ring = load_or_create(directories[1])
    assert ring.signing_kid == rotated.signing_kid
    assert rings[0].signing_kid in ring.keys

    # After a theft, the old keys are deleted on all machines.
    rotated = rotate(directories[0], 1.0, forget_old=True)
    cluster_keys(one, "push")
    cluster_keys(two, "pull")
    assert set(load_or_create(directories[1]).keys) == {rotated.signing_kid}
