"""config/aws/cloudchat-cluster.yaml, created in an emulated AWS: who reaches whom, and what the promise rests on."""

import base64
import json
import subprocess
from collections.abc import Iterator

import pytest

from cloudchat.settings import Settings
from support.aws import EmulatedAws
from support.cloudformation import Stack, load

NEEDED = {
    "Domain": "chat.example.com",
    "ReleaseUrl": "https://releases.example.com/cloudchat-1.0.tar.gz",
    "ReleaseSha256": "0" * 64,
}
EVERYBODY = "0.0.0.0/0"


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAws]:
    with EmulatedAws() as running:
        yield running


@pytest.fixture(scope="module")
def stack(aws: EmulatedAws) -> Stack:
    return Stack(aws, "cloudchat-cluster.yaml", {**NEEDED, "Certificate": certificate(aws)})


def certificate(aws: EmulatedAws) -> str:
    arn: str = aws.client("acm").request_certificate(DomainName="chat.example.com")["CertificateArn"]
    return arn


def doors(stack: Stack, firewall: str) -> dict[int, list[str]]:
    """What a firewall lets in: from whom, by port. A name stands for the machines behind that firewall."""
    names = {group: name for name, group in stack.ids.items()}
    (group,) = stack.aws.client("ec2").describe_security_groups(GroupIds=[stack.ids[firewall]])["SecurityGroups"]
    for rule in group["IpPermissions"]:
        assert (rule["IpProtocol"], rule["FromPort"]) == ("tcp", rule["ToPort"])
    return {
        rule["FromPort"]: [network["CidrIp"] for network in rule["IpRanges"]]
        + [names[pair["GroupId"]] for pair in rule["UserIdGroupPairs"]]
        for rule in group["IpPermissions"]
    }


def test_each_is_open_only_to_the_one_before_it(stack: Stack) -> None:
    assert doors(stack, "BalancerFirewall") == {80: [EVERYBODY], 443: [EVERYBODY]}
    assert doors(stack, "MachineFirewall") == {8080: ["BalancerFirewall"]}
    assert doors(stack, "DataFirewall") == {6379: ["MachineFirewall"], 5432: ["MachineFirewall"]}


def test_store_and_database_have_no_way_to_the_internet(stack: Stack) -> None:
    resources = stack.template["Resources"]
    kind = "AWS::EC2::SubnetRouteTableAssociation"
    routed = {stack.properties(name)["SubnetId"] for name, one in resources.items() if one["Type"] == kind}
    assert routed == {stack.ids[name] for name in ("BalancerOne", "BalancerTwo", "MachinesOne", "MachinesTwo")}
    for name in ("DataOne", "DataTwo"):
        (subnet,) = stack.aws.client("ec2").describe_subnets(SubnetIds=[stack.ids[name]])["Subnets"]
        assert subnet["MapPublicIpOnLaunch"] is False


def told(attributes: list[dict[str, str]]) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in attributes}


def test_the_balancer_is_more_patient_than_a_silent_socket(stack: Stack) -> None:
    # moto's stacks leave the attributes out; its interface takes known ones alone.
    balancer = told(
        stack.aws.client("elbv2").modify_load_balancer_attributes(
            LoadBalancerArn=stack.ids["Balancer"], Attributes=stack.properties("Balancer")["LoadBalancerAttributes"]
        )["Attributes"]
    )
    assert int(balancer["idle_timeout.timeout_seconds"]) > 2 * Settings.model_fields["ping_seconds"].default
    assert balancer["routing.http.drop_invalid_header_fields.enabled"] == "true"


def test_clients_stay_at_their_machine_while_it_is_ready(stack: Stack) -> None:
    balancers, group = stack.aws.client("elbv2"), stack.ids["Targets"]
    asked = stack.properties("Targets")["TargetGroupAttributes"]
    targets = told(balancers.modify_target_group_attributes(TargetGroupArn=group, Attributes=asked)["Attributes"])
    assert (targets["stickiness.enabled"], targets["stickiness.type"]) == ("true", "lb_cookie")
    (made,) = balancers.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
    assert (made["HealthCheckPath"], made["Matcher"]["HttpCode"], made["Port"]) == ("/readyz", "200", 8080)


def test_everything_is_told_to_come_by_tls(stack: Stack) -> None:
    listeners = stack.aws.client("elbv2").describe_listeners(LoadBalancerArn=stack.ids["Balancer"])["Listeners"]
    by_port = {one["Port"]: one for one in listeners}
    assert by_port[80]["DefaultActions"][0]["RedirectConfig"]["Protocol"] == "HTTPS"
    assert by_port[443]["DefaultActions"][0]["TargetGroupArn"] == stack.ids["Targets"]
    assert by_port[443]["Certificates"][0]["CertificateArn"] == stack.parameters["Certificate"]
    assert "TLS13-1-2" in by_port[443]["SslPolicy"]


def test_a_fault_of_the_store_replaces_no_machine(stack: Stack) -> None:
    (group,) = stack.aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[stack.ids["Group"]])[
        "AutoScalingGroups"
    ]
    assert group["HealthCheckType"] == "EC2"  # /readyz is the balancer's affair
    assert group["MinSize"] == 2
    assert group["TargetGroupARNs"] == [stack.ids["Targets"]]
    assert set(group["VPCZoneIdentifier"].split(",")) == {stack.ids["MachinesOne"], stack.ids["MachinesTwo"]}
    update = stack.template["Resources"]["Group"]["UpdatePolicy"]["AutoScalingRollingUpdate"]
    assert update["WaitOnResourceSignals"] is True


def test_there_is_room_for_a_new_machine_beside_the_old_ones() -> None:
    """A rolling update must keep all that there are at least, and stay below the most."""
    parameters = load("cloudchat-cluster.yaml")["Parameters"]
    for said in ("MinValue", "Default"):
        assert parameters["MostMachines"][said] > parameters["Machines"][said]


def test_machines_are_hardened_and_told_no_secret(stack: Stack) -> None:
    (version,) = stack.aws.client("ec2").describe_launch_template_versions(LaunchTemplateId=stack.ids["Kind"])[
        "LaunchTemplateVersions"
    ]
    machine = version["LaunchTemplateData"]
    assert machine["MetadataOptions"]["HttpTokens"] == "required"
    assert machine["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    script = base64.b64decode(machine["UserData"]).decode()
    assert script.startswith("#!/bin/bash\n")
    assert len(script) < 16384  # EC2 takes no more
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    template = stack.template["Resources"]["Kind"]["Properties"]["LaunchTemplateData"]
    assert "resolve:secretsmanager" not in json.dumps(template)


def test_the_database_is_private_encrypted_and_spoken_to_by_tls(stack: Stack) -> None:
    (database,) = stack.aws.client("rds").describe_db_instances(DBInstanceIdentifier=stack.ids["Database"])[
        "DBInstances"
    ]
    assert (database["Engine"], database["PubliclyAccessible"]) == ("postgres", False)
    asked = stack.properties("Database")
    assert asked["StorageEncrypted"] is True
    assert asked["DeletionProtection"] is True
    assert asked["BackupRetentionPeriod"] >= 7
    assert asked["MasterUserPassword"].startswith("{{resolve:secretsmanager:")
    assert stack.properties("DatabaseParameters")["Parameters"]["rds.force_ssl"] == "1"
    assert stack.template["Resources"]["Database"]["DeletionPolicy"] == "Snapshot"


def test_by_default_the_store_is_the_one_that_loses_nothing(stack: Stack) -> None:
    assert stack.exists("MemoryDb")
    assert not stack.exists("ElastiCache")
    assert not stack.exists("SecondNodeFills")
    asked = stack.properties("MemoryDb")
    assert stack.properties("MemoryDbParameters")["Parameters"] == {"maxmemory-policy": "noeviction"}
    # One node: cloudchat follows no redirections.
    assert (asked["NumShards"], asked["NumReplicasPerShard"], asked["TLSEnabled"]) == (1, 0, True)


def test_elasticache_refuses_when_it_is_full_and_fails_over(aws: EmulatedAws) -> None:
    more = {"Certificate": certificate(aws), "Store": "elasticache", "PageOrigins": "https://www.example.com"}
    stack = Stack(aws, "cloudchat-cluster.yaml", {**NEEDED, **more})
    assert stack.exists("ElastiCache")
    assert not stack.exists("MemoryDb")
    asked = stack.properties("ElastiCache")
    assert asked["TransitEncryptionEnabled"] is asked["AtRestEncryptionEnabled"] is True
    assert asked["MultiAZEnabled"] is asked["AutomaticFailoverEnabled"] is True
    assert stack.properties("ElastiCacheParameters")["Properties"] == {"maxmemory-policy": "noeviction"}
    # Its memory is told of each node, and of nothing that comprises them.
    group = stack.properties("StoreFills")["Dimensions"][0]["Value"].removesuffix("-001")
    watched = [stack.properties(alarm) for alarm in ("StoreFills", "SecondNodeFills")]
    assert [(alarm["Namespace"], alarm["Dimensions"]) for alarm in watched] == [
        ("AWS/ElastiCache", [{"Name": "CacheClusterId", "Value": f"{group}-{node}"}]) for node in ("001", "002")
    ]


@pytest.mark.parametrize("user", ["MemoryDbUser", "ElastiCacheUser"])
def test_the_stores_user_may_do_nothing_dangerous(user: str) -> None:
    rights = load("cloudchat-cluster.yaml")["Resources"][user]["Properties"]
    assert "-@dangerous" in rights["AccessString"]
    assert "nopass" not in rights["AccessString"]
    assert rights["AuthenticationMode"]["Type"] == "password"


def test_a_machine_reads_the_secrets_of_its_stack_and_no_others(stack: Stack) -> None:
    for policy in stack.properties("Role")["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert "*" not in json.dumps(statement["Resource"])
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert set(actions) <= {
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "cloudformation:SignalResource",
            }


@pytest.mark.parametrize("kept", ["KeysSecret", "DatabaseSecret", "MemoryDb"])
def test_what_cannot_be_made_again_outlives_the_stack(kept: str) -> None:
    assert load("cloudchat-cluster.yaml")["Resources"][kept]["DeletionPolicy"] == "Retain"
