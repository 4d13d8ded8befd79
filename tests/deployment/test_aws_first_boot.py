"""What a machine on AWS does by itself, run for real: fetching its release, keeping backups, sharing keys.

The scripts are taken from the user data of a stack, and speak to an emulated AWS that checks signatures and rights.
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

from cloudchat.auth.tokens.key_rotation import rotate
from cloudchat.auth.tokens.keys import load_or_create
from cloudchat.auth.vault import open_vault
from support import processes
from support.aws import REGION, EmulatedAws
from support.cloudformation import TEMPLATES, Stack, load
from support.instance_metadata import InstanceMetadata
from support.systemd import Box, needs_systemd

RELEASES = "our-releases"


class Machine:
    """The scripts of the user data in a folder of their own, and an environment in which they find AWS."""

    def __init__(
        self, folder: Path, scripts: dict[str, str], aws: EmulatedAws, metadata: str, credentials: dict[str, str]
    ) -> None:
        self.folder = folder
        self.credentials = credentials
        for name, script in scripts.items():
            (folder / name).write_text(script)
            (folder / name).chmod(0o755)
        self.environment = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata,
            "AWS_ENDPOINT_URL": aws.url,
            "CLOUDCHAT_AWS_SETTINGS": str(folder / "settings"),
            "STATE_DIRECTORY": str(folder),
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
    """The commands that a user data script installs."""
    return dict(re.findall(r"cat >/usr/local/sbin/(\S+) <<'END'\n(.*?\n)END\n", text, re.DOTALL))


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAws]:
    with EmulatedAws() as running:
        yield running


@pytest.fixture(scope="module")
def release(aws: EmulatedAws, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A release archive, which is in S3."""
    folder = tmp_path_factory.mktemp("release")
    (folder / "config").mkdir()
    # What is run in their place says how.
    for name in ("install.sh", "aws/backups_to_s3"):
        program = folder / "config" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho {name} "$@"\n')
        program.chmod(0o755)
    with tarfile.open(folder / "release.tar.gz", "w:gz") as archive:
        archive.add(folder / "config", "cloudchat-1.0/config")
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=RELEASES, CreateBucketConfiguration={"LocationConstraint": REGION})
    content = (folder / "release.tar.gz").read_bytes()
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
    """A machine with the rights of the stack's role, and no other."""
    iam, role = aws.client("iam"), stack.ids["Role"]
    # moto keeps policies that a stack brings in a form that it can't read again.
    for policy in [*stack.properties("Role")["Policies"], stack.properties("ReadRelease")]:
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=role, PolicyName=policy["PolicyName"], PolicyDocument=document)
    arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    credentials = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="machine")["Credentials"]
    told = aws.client("ec2").describe_instance_attribute(InstanceId=stack.ids["Machine"], Attribute="userData")
    script = base64.b64decode(told["UserData"]["Value"]).decode()
    aws.check_signatures_and_rights()
    with InstanceMetadata(REGION, credentials) as metadata:
        made = Machine(tmp_path_factory.mktemp("machine"), scripts_in(script), aws, metadata.url, credentials)
        settings = re.search(r"/etc/cloudchat-aws/settings <<'END'\n(.*?)END\n", script, re.DOTALL)
        assert settings is not None
        (made.folder / "settings").write_text(settings[1])
        yield made


def test_the_release_is_fetched_as_the_role_may(machine: Machine, stack: Stack, tmp_path: Path) -> None:
    url, digest = stack.parameters["ReleaseUrl"], stack.parameters["ReleaseSha256"]
    done = machine.run("cloudchat-fetch", url, digest, tmp_path / "release")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "release" / "config" / "install.sh").is_file()


def test_another_archive_than_the_one_that_was_meant_is_not_unpacked(
    machine: Machine, stack: Stack, tmp_path: Path
) -> None:
    done = machine.run("cloudchat-fetch", stack.parameters["ReleaseUrl"], "0" * 64, tmp_path / "release")
    assert done.returncode != 0
    assert not (tmp_path / "release").exists()


def test_the_machine_installs_itself_once_its_name_leads_to_it(machine: Machine, tmp_path: Path) -> None:
    script = (machine.folder / "cloudchat-first-boot").read_text()
    here = script.replace("/etc/cloudchat-aws", str(machine.folder)).replace("/var/lib/cloudchat-aws", str(tmp_path))
    (tmp_path / "first-boot").write_text(here)

    def boot(address: str) -> "subprocess.CompletedProcess[str]":
        (machine.folder / "getent").write_text(f"#!/bin/sh\necho '{address}  STREAM chat.example.com'\n")
        (machine.folder / "getent").chmod(0o755)
        return machine.run("bash", tmp_path / "first-boot")

    waiting = boot("198.51.100.1")
    assert waiting.returncode != 0  # so systemd tries again
    assert "203.0.113.9" in waiting.stderr
    assert waiting.stdout == ""
    assert not (tmp_path / "done").exists()

    done = boot("203.0.113.9")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "install.sh --domain chat.example.com --email ops@example.com",
        "aws/backups_to_s3 install",
    ]
    assert (tmp_path / "done").exists()


# In a box without a network: who asks for metadata hears them, who asks for anything else gets the release.
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
cp /opt/here/release.tar.gz "$2"
"""


@needs_systemd
def test_user_data_runs_under_a_real_systemd(stack: Stack, release: bytes) -> None:
    """As cloud-init does it: it must return at once, and the installation goes on by itself, once."""
    told = stack.properties("Machine")["UserData"]["Fn::Base64"]["Fn::Join"][1]
    with Box() as box:
        box.write("/opt/here/curl", CURL, 0o755)
        box.write("/opt/here/getent", "#!/bin/sh\necho '203.0.113.9  STREAM chat.example.com'\n", 0o755)
        box.run("sh", "-c", "base64 -d >/opt/here/release.tar.gz", given=base64.b64encode(release).decode())
        path = "[Service]\nEnvironment=PATH=/opt/here:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\n"
        box.write("/etc/systemd/system/cloudchat-first-boot.service.d/here.conf", path)
        box.run("bash", given="".join(told))
        done = "/var/lib/cloudchat-aws/done"
        processes.wait_until(lambda: box.try_("test", "-e", done).returncode == 0, "the installation")

        def log() -> str:
            box.run("journalctl", "--sync")
            return box.run("journalctl", "-u", "cloudchat-first-boot", "-o", "cat", "--no-pager")

        assert log().count("install.sh --domain chat.example.com --email ops@example.com") == 1
        assert box.run("stat", "-c", "%a", "/var/lib/cloudchat-aws") == "700"
        box.run("systemctl", "start", "cloudchat-first-boot")  # as the next boot does
        assert log().count("install.sh --domain") == 1


def test_new_backups_are_copied_once(machine: Machine, stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "cloudchat-2026-11-22T03-00-00Z.tar").write_bytes(b"yesterday's")
    copy = [TEMPLATES / "backups_to_s3"]
    assert machine.run(*copy, CLOUDCHAT_BACKUPS=str(tmp_path)).stdout.count("copied") == 1
    assert machine.run(*copy, CLOUDCHAT_BACKUPS=str(tmp_path)).stdout == ""
    (tmp_path / "cloudchat-2026-11-23T03-00-00Z.tar").write_bytes(b"today's")
    assert machine.run(*copy, CLOUDCHAT_BACKUPS=str(tmp_path)).stdout.count("copied") == 1


def test_a_backup_that_s3_refused_is_tried_again(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "cloudchat-2026-11-24T03-00-00Z.tar").write_bytes(b"tomorrow's")
    copy = [TEMPLATES / "backups_to_s3"]
    failed = machine.run(*copy, CLOUDCHAT_BACKUPS=str(tmp_path), AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert failed.returncode != 0
    assert machine.run(*copy, CLOUDCHAT_BACKUPS=str(tmp_path)).stdout.count("copied") == 1


def test_the_machine_can_not_read_or_remove_a_backup(machine: Machine, stack: Stack, tmp_path: Path) -> None:
    kept = f"s3://{stack.ids['Backups']}/kept.tar"
    (tmp_path / "kept.tar").write_bytes(b"a backup")
    assert machine.run("cloudchat-aws", "put", tmp_path / "kept.tar", kept).returncode == 0
    read = machine.run("cloudchat-aws", "get", kept, tmp_path / "stolen.tar")
    assert read.returncode != 0
    assert "AccessDenied" in (tmp_path / "stolen.tar").read_text()
    elsewhere = machine.run("cloudchat-aws", "put", tmp_path / "kept.tar", f"s3://{RELEASES}/cloudchat-1.0.tar.gz")
    assert elsewhere.returncode != 0


def test_a_forged_signature_opens_nothing(machine: Machine, stack: Stack, tmp_path: Path) -> None:
    # The same key's id and token, which are no secrets, with another secret: the emulated AWS does look.
    with InstanceMetadata(REGION, {**machine.credentials, "SecretAccessKey": "x" * 40}) as metadata:
        command = ("cloudchat-aws", "get", stack.parameters["ReleaseUrl"], tmp_path / "release")
        done = machine.run(*command, AWS_EC2_METADATA_SERVICE_ENDPOINT=metadata.url)
    assert done.returncode != 0
    assert "SignatureDoesNotMatch" in (tmp_path / "release").read_text()


def test_both_templates_install_the_same_commands() -> None:
    one, many = (load(name)["Resources"] for name in ("cloudchat.yaml", "cloudchat-cluster.yaml"))
    alone = one["Machine"]["Properties"]["UserData"]["Fn::Base64"]["Fn::Join"][1]
    cluster = many["Kind"]["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Join"][1]
    assert alone[1] == cluster[1]
    assert set(scripts_in(alone[1])) == {"cloudchat-aws", "cloudchat-fetch"}


# What a machine of a cluster asks AWS for, with its answers; it keeps what the stack is told.
AWS = """#!/usr/bin/python3
import json, sys
said = sys.stdin.read()
if sys.argv[1] == "form":
    with open("/opt/here/said", "a") as log:
        log.write(" ".join(sys.argv[1:]) + " " + said + chr(10))
if sys.argv[1] == "call":
    secret = json.loads(said)["SecretId"]
    keys = {"SecretString": open("/opt/here/keys").read(), "VersionId": "one"}
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
def test_a_machine_joins_its_cluster(tmp_path: Path) -> None:
    signing = load_or_create(tmp_path / "keys").signing_kid
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for key in (tmp_path / "keys").iterdir():
            archive.add(key, key.name)
    with Box() as box:
        box.write("/etc/cloudchat-aws/settings", CLUSTER)
        box.write("/opt/here/keys", base64.b64encode(packed.getvalue()).decode())
        box.write("/usr/local/sbin/cloudchat-aws", AWS, 0o755)
        box.write("/usr/local/sbin/curl", '#!/bin/sh\necho "$@" | grep -q instance-id && echo i-0123\n:\n', 0o755)
        for name in ("cluster_machine", "cluster_keys"):
            box.write(f"/opt/release/config/aws/{name}", (TEMPLATES / name).read_text(), 0o755)
        box.write("/opt/release/config/install.sh", "#!/bin/sh\necho installed with $@\n", 0o755)
        box.write("/etc/systemd/system/cloudchat-backup.timer", "[Timer]\nOnCalendar=daily\n")
        told = box.run("/opt/release/config/aws/cluster_machine")
        assert "installed with --domain chat.example.com --behind-proxy 10.21.0.0/24,10.21.1.0/24" in told

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
        signalled = box.run("cat", "/opt/here/said")
        assert signalled.startswith("form cloudformation Action=SignalResource&LogicalResourceId=Group&StackName=test")
        assert "UniqueId=i-0123" in signalled


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    """Two machines that share a secret without a value."""
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


def keys(machine: Machine, what: str) -> None:
    done = machine.run(TEMPLATES / "cluster_keys", what, CLOUDCHAT_STATE_DIR=str(machine.folder / "state"))
    assert done.returncode == 0, done.stderr


def test_all_machines_of_a_cluster_sign_with_the_same_key(cluster: tuple[Machine, Machine]) -> None:
    one, two = cluster
    for machine in cluster:
        (machine.folder / "state").mkdir(mode=0o700)
        keys(machine, "join")
    folders = [machine.folder / "state" / "keys" for machine in cluster]
    rings = [load_or_create(folder) for folder in folders]
    assert rings[0].signing_kid == rings[1].signing_kid
    text = open_vault(folders[0]).encrypt("a secret", purpose="test")
    assert open_vault(folders[1]).decrypt(text, purpose="test") == "a secret"
    assert all(path.stat().st_mode & 0o777 == 0o400 for folder in folders for path in folder.glob("[a-z]*"))

    # A new key on one of them: the other takes it, as the one that signs, and the old one still verifies.
    rotated = rotate(folders[0], 1.0)
    keys(one, "push")
    keys(two, "pull")
    ring = load_or_create(folders[1])
    assert ring.signing_kid == rotated.signing_kid
    assert rings[0].signing_kid in ring.keys

    # After a theft the old ones go, everywhere.
    rotated = rotate(folders[0], 1.0, forget_old=True)
    keys(one, "push")
    keys(two, "pull")
    assert set(load_or_create(folders[1]).keys) == {rotated.signing_kid}
