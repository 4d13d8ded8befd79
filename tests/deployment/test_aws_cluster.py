"""config/aws/cloudchat-cluster.yaml in an emulated AWS: network access, TLS, scaling, store and database."""

import base64
import json
import subprocess

import pytest

from cloudchat.settings import Settings
from support.aws import EmulatedAws
from support.cloudformation import Stack, load

REQUIRED = {
    "Domain": "chat.example.com",
    "ReleaseUrl": "https://releases.example.com/cloudchat-1.0.tar.gz",
    "ReleaseSha256": "0" * 64,
}
ANYWHERE = "0.0.0.0/0"


@pytest.fixture(scope="module")
def stack(aws: EmulatedAws) -> Stack:
    return Stack(aws, "cloudchat-cluster.yaml", {**REQUIRED, "Certificate": certificate(aws)})


def certificate(aws: EmulatedAws) -> str:
    arn: str = aws.client("acm").request_certificate(DomainName="chat.example.com")["CertificateArn"]
    return arn


def allowed_sources(stack: Stack, firewall: str) -> dict[int, list[str]]:
    """Return the sources that a security group allows, by port. A name stands for another security group."""
    names = {group: name for name, group in stack.ids.items()}
    (group,) = stack.aws.client("ec2").describe_security_groups(GroupIds=[stack.ids[firewall]])["SecurityGroups"]
    for rule in group["IpPermissions"]:
        assert (rule["IpProtocol"], rule["FromPort"]) == ("tcp", rule["ToPort"])
    return {
        rule["FromPort"]: [network["CidrIp"] for network in rule["IpRanges"]]
        + [names[pair["GroupId"]] for pair in rule["UserIdGroupPairs"]]
        for rule in group["IpPermissions"]
    }


def test_balancer_is_public_and_the_other_tiers_accept_only_the_tier_before(stack: Stack) -> None:
    assert allowed_sources(stack, "BalancerFirewall") == {80: [ANYWHERE], 443: [ANYWHERE]}
    assert allowed_sources(stack, "MachineFirewall") == {8080: ["BalancerFirewall"]}
    assert allowed_sources(stack, "DataFirewall") == {6379: ["MachineFirewall"], 5432: ["MachineFirewall"]}


def test_store_and_database_have_no_route_to_the_internet(stack: Stack) -> None:
    resources = stack.template["Resources"]
    kind = "AWS::EC2::SubnetRouteTableAssociation"
    routed = {stack.properties(name)["SubnetId"] for name, one in resources.items() if one["Type"] == kind}
    assert routed == {stack.ids[name] for name in ("BalancerOne", "BalancerTwo", "MachinesOne", "MachinesTwo")}
    for name in ("DataOne", "DataTwo"):
        (subnet,) = stack.aws.client("ec2").describe_subnets(SubnetIds=[stack.ids[name]])["Subnets"]
        assert subnet["MapPublicIpOnLaunch"] is False


def by_key(attributes: list[dict[str, str]]) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in attributes}


def test_idle_timeout_of_the_balancer_is_longer_than_the_ping_interval(stack: Stack) -> None:
    # moto does not set the attributes when it creates a stack. Its API refuses unknown ones.
    balancer = by_key(
        stack.aws.client("elbv2").modify_load_balancer_attributes(
            LoadBalancerArn=stack.ids["Balancer"], Attributes=stack.properties("Balancer")["LoadBalancerAttributes"]
        )["Attributes"]
    )
    assert int(balancer["idle_timeout.timeout_seconds"]) > 2 * Settings.model_fields["ping_seconds"].default
    assert balancer["routing.http.drop_invalid_header_fields.enabled"] == "true"


def test_targets_are_sticky_and_checked_with_readyz(stack: Stack) -> None:
    balancers, group = stack.aws.client("elbv2"), stack.ids["Targets"]
    attributes = stack.properties("Targets")["TargetGroupAttributes"]
    targets = by_key(
        balancers.modify_target_group_attributes(TargetGroupArn=group, Attributes=attributes)["Attributes"]
    )
    assert (targets["stickiness.enabled"], targets["stickiness.type"]) == ("true", "lb_cookie")
    (created,) = balancers.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
    assert (created["HealthCheckPath"], created["Matcher"]["HttpCode"], created["Port"]) == ("/readyz", "200", 8080)


def test_http_is_redirected_to_https_with_tls_1_2_or_newer(stack: Stack) -> None:
    listeners = stack.aws.client("elbv2").describe_listeners(LoadBalancerArn=stack.ids["Balancer"])["Listeners"]
    by_port = {one["Port"]: one for one in listeners}
    assert by_port[80]["DefaultActions"][0]["RedirectConfig"]["Protocol"] == "HTTPS"
    assert by_port[443]["DefaultActions"][0]["TargetGroupArn"] == stack.ids["Targets"]
    assert by_port[443]["Certificates"][0]["CertificateArn"] == stack.parameters["Certificate"]
    assert "TLS13-1-2" in by_port[443]["SslPolicy"]


def test_outage_of_the_store_does_not_replace_machines(stack: Stack) -> None:
    (group,) = stack.aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[stack.ids["Group"]])[
        "AutoScalingGroups"
    ]
    assert group["HealthCheckType"] == "EC2"  # only the balancer uses /readyz
    assert group["MinSize"] == 2
    assert group["TargetGroupARNs"] == [stack.ids["Targets"]]
    assert set(group["VPCZoneIdentifier"].split(",")) == {stack.ids["MachinesOne"], stack.ids["MachinesTwo"]}
    update = stack.template["Resources"]["Group"]["UpdatePolicy"]["AutoScalingRollingUpdate"]
    assert update["WaitOnResourceSignals"] is True


def test_rolling_update_can_add_a_machine() -> None:
    """A rolling update keeps the minimum number of machines and must not exceed the maximum."""
    parameters = load("cloudchat-cluster.yaml")["Parameters"]
    for value in ("MinValue", "Default"):
        assert parameters["MostMachines"][value] > parameters["Machines"][value]


def test_machines_are_hardened_and_user_data_has_no_secret(stack: Stack) -> None:
    (version,) = stack.aws.client("ec2").describe_launch_template_versions(LaunchTemplateId=stack.ids["Kind"])[
        "LaunchTemplateVersions"
    ]
    machine = version["LaunchTemplateData"]
    assert machine["MetadataOptions"]["HttpTokens"] == "required"
    assert machine["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    script = base64.b64decode(machine["UserData"]).decode()
    assert script.startswith("#!/bin/bash\n")
    assert len(script) < 16384  # the limit of EC2
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    template = stack.template["Resources"]["Kind"]["Properties"]["LaunchTemplateData"]
    assert "resolve:secretsmanager" not in json.dumps(template)


def test_database_is_private_and_encrypted_and_requires_tls(stack: Stack) -> None:
    (database,) = stack.aws.client("rds").describe_db_instances(DBInstanceIdentifier=stack.ids["Database"])[
        "DBInstances"
    ]
    assert (database["Engine"], database["PubliclyAccessible"]) == ("postgres", False)
    properties = stack.properties("Database")
    assert properties["StorageEncrypted"] is True
    assert properties["DeletionProtection"] is True
    assert properties["BackupRetentionPeriod"] >= 7
    assert properties["MasterUserPassword"].startswith("{{resolve:secretsmanager:")
    assert stack.properties("DatabaseParameters")["Parameters"]["rds.force_ssl"] == "1"
    assert stack.template["Resources"]["Database"]["DeletionPolicy"] == "Snapshot"


def test_memorydb_is_the_default_store(stack: Stack) -> None:
    assert stack.exists("MemoryDb")
    assert not stack.exists("ElastiCache")
    assert not stack.exists("SecondNodeFills")
    properties = stack.properties("MemoryDb")
    assert stack.properties("MemoryDbParameters")["Parameters"] == {"maxmemory-policy": "noeviction"}
    # One node: cloudchat does not follow redirections.
    assert (properties["NumShards"], properties["NumReplicasPerShard"], properties["TLSEnabled"]) == (1, 0, True)


def test_elasticache_is_encrypted_evicts_nothing_and_fails_over(aws: EmulatedAws) -> None:
    options = {"Certificate": certificate(aws), "Store": "elasticache", "PageOrigins": "https://www.example.com"}
    stack = Stack(aws, "cloudchat-cluster.yaml", {**REQUIRED, **options})
    assert stack.exists("ElastiCache")
    assert not stack.exists("MemoryDb")
    properties = stack.properties("ElastiCache")
    assert properties["TransitEncryptionEnabled"] is properties["AtRestEncryptionEnabled"] is True
    assert properties["MultiAZEnabled"] is properties["AutomaticFailoverEnabled"] is True
    assert stack.properties("ElastiCacheParameters")["Properties"] == {"maxmemory-policy": "noeviction"}
    # ElastiCache reports the memory of each node, not of the group.
    group = stack.properties("StoreFills")["Dimensions"][0]["Value"].removesuffix("-001")
    alarms = [stack.properties(alarm) for alarm in ("StoreFills", "SecondNodeFills")]
    assert [(alarm["Namespace"], alarm["Dimensions"]) for alarm in alarms] == [
        ("AWS/ElastiCache", [{"Name": "CacheClusterId", "Value": f"{group}-{node}"}]) for node in ("001", "002")
    ]


@pytest.mark.parametrize("user", ["MemoryDbUser", "ElastiCacheUser"])
def test_user_of_the_store_cannot_run_dangerous_commands(user: str) -> None:
    properties = load("cloudchat-cluster.yaml")["Resources"][user]["Properties"]
    assert "-@dangerous" in properties["AccessString"]
    assert "nopass" not in properties["AccessString"]
    assert properties["AuthenticationMode"]["Type"] == "password"


def test_role_of_the_machines_is_limited_to_the_resources_of_the_stack(stack: Stack) -> None:
    for policy in stack.properties("Role")["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert "*" not in json.dumps(statement["Resource"])
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert set(actions) <= {
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "cloudformation:SignalResource",
            }


@pytest.mark.parametrize("resource", ["KeysSecret", "DatabaseSecret", "MemoryDb"])
def test_deleting_the_stack_retains_keys_passwords_and_messages(resource: str) -> None:
    assert load("cloudchat-cluster.yaml")["Resources"][resource]["DeletionPolicy"] == "Retain"
