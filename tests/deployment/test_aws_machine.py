"""config/aws/cloudchat.yaml, created in an emulated AWS: what is open, what is private, what the machine may do."""

import asyncio
import base64
import json
import re
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloudchat.http.security_headers import SecurityHeaders
from support.aws import EmulatedAws
from support.cloudformation import TEMPLATES, Stack, load

NEEDED = {
    "Domain": "chat.example.com",
    "Email": "ops@example.com",
    "ReleaseUrl": "s3://our-releases/cloudchat.tar.gz",
    "ReleaseSha256": "0" * 64,
}

NOBODY = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAws]:
    with EmulatedAws() as running:
        yield running


@pytest.fixture(scope="module")
def stack(aws: EmulatedAws) -> Stack:
    """With SSH from one network, the page behind CloudFront, and the name in Route 53."""
    zone = aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="one")["HostedZone"]["Id"]
    more = {"SshFrom": "203.0.113.0/28", "FrontendHosting": "cloudfront", "HostedZone": zone.rpartition("/")[2]}
    return Stack(aws, "cloudchat.yaml", {**NEEDED, **more})


@pytest.fixture(scope="module")
def website(aws: EmulatedAws) -> Stack:
    """With the page as a public website, and somebody who hears of alarms."""
    topic = aws.client("sns").create_topic(Name="operators")["TopicArn"]
    return Stack(aws, "cloudchat.yaml", {**NEEDED, "FrontendHosting": "website", "AlarmTopic": topic})


@pytest.fixture(scope="module")
def smallest(aws: EmulatedAws) -> Stack:
    """With nothing but what must be said."""
    return Stack(aws, "cloudchat.yaml", NEEDED)


def doors(stack: Stack) -> set[tuple[int, int, str]]:
    """What the firewall lets in: first port, last port, from where."""
    (group,) = stack.aws.client("ec2").describe_security_groups(GroupIds=[stack.ids["Firewall"]])["SecurityGroups"]
    assert all(rule["IpProtocol"] == "tcp" for rule in group["IpPermissions"])
    assert not any(rule["UserIdGroupPairs"] or rule["PrefixListIds"] for rule in group["IpPermissions"])
    return {
        (rule["FromPort"], rule["ToPort"], network["CidrIp"])
        for rule in group["IpPermissions"]
        for network in rule["IpRanges"]
    }


def test_cfn_lint_finds_nothing_in_any_template() -> None:
    command = [
        Path(sysconfig.get_path("scripts")) / "cfn-lint",
        "--non-zero-exit-code",
        "informational",
        *TEMPLATES.glob("*.yaml"),
    ]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


WEB = {(80, 80, "0.0.0.0/0"), (443, 443, "0.0.0.0/0")}


def test_only_nginx_is_open_and_ssh_to_one_network(stack: Stack) -> None:
    assert doors(stack) == {*WEB, (22, 22, "203.0.113.0/28")}


def test_by_default_ssh_is_open_to_nobody(smallest: Stack) -> None:
    assert doors(smallest) == WEB


@pytest.mark.parametrize("network", ["0.0.0.0/0", "10.0.0.0/4", "203.0.113.7", "::/0", "anywhere"])
def test_ssh_from_everywhere_can_not_be_asked_for(aws: EmulatedAws, network: str) -> None:
    pattern = load("cloudchat.yaml")["Parameters"]["SshFrom"]["AllowedPattern"]
    assert re.fullmatch(pattern, network) is None
    assert re.fullmatch(pattern, "203.0.113.7/32")


def test_the_machine_has_a_fixed_address_and_its_name_leads_there(stack: Stack) -> None:
    (address,) = stack.aws.client("ec2").describe_addresses(PublicIps=[stack.outputs["Address"]])["Addresses"]
    assert address["InstanceId"] == stack.ids["Machine"]
    records = stack.aws.client("route53").list_resource_record_sets(HostedZoneId=stack.parameters["HostedZone"])
    (record,) = [one for one in records["ResourceRecordSets"] if one["Type"] == "A"]
    assert record["Name"].rstrip(".") == "chat.example.com"
    assert record["ResourceRecords"] == [{"Value": address["PublicIp"]}]


def made_of(stack: Stack) -> Any:
    """What the machine's launch template says."""
    (version,) = stack.aws.client("ec2").describe_launch_template_versions(LaunchTemplateId=stack.ids["Image"])[
        "LaunchTemplateVersions"
    ]
    return version["LaunchTemplateData"]


def test_the_disk_is_encrypted_and_outlives_the_machine(stack: Stack) -> None:
    (device,) = made_of(stack)["BlockDeviceMappings"]
    assert device["DeviceName"] == "/dev/sda1"
    assert device["Ebs"] == {"DeleteOnTermination": False, "Encrypted": True, "VolumeSize": 20, "VolumeType": "gp3"}


def test_credentials_take_two_steps(stack: Stack) -> None:
    told = made_of(stack)["MetadataOptions"]
    assert (told["HttpTokens"], told["HttpPutResponseHopLimit"]) == ("required", 1)


# Of AWS::EC2::Instance, what CloudFormation can't change without another machine, and what it looks up anew each time.
REPLACES = {"AvailabilityZone", "BlockDeviceMappings", "ImageId", "KeyName", "NetworkInterfaces", "PrivateIpAddress"}


def test_no_change_of_a_parameter_replaces_the_machine_and_its_data(stack: Stack) -> None:
    assert made_of(stack)["ImageId"].startswith("resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/")
    machine = stack.template["Resources"]["Machine"]["Properties"]
    assert machine["LaunchTemplate"] == {"LaunchTemplateId": {"Ref": "Image"}, "Version": "1"}
    assert not REPLACES & set(machine)


def test_the_machine_may_add_backups_and_read_one_release_and_little_else(stack: Stack) -> None:
    role = stack.properties("Role")
    assert role["ManagedPolicyArns"] == ["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"]
    made = stack.aws.client("iam").list_role_policies(RoleName=stack.ids["Role"])["PolicyNames"]
    policies = [*role["Policies"], stack.properties("ReadRelease")]
    assert sorted(made) == sorted(policy["PolicyName"] for policy in policies)
    allowed: dict[str, Any] = {}
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            allowed.update(dict.fromkeys([actions] if isinstance(actions, str) else actions, statement["Resource"]))
    assert not any("*" in action or "Delete" in action for action in allowed)
    assert allowed.pop("cloudwatch:PutMetricData") == "*"  # which has nothing narrower
    assert allowed.pop("s3:PutObject") == f"arn:aws:s3:::{stack.ids['Backups']}/*"
    assert allowed.pop("s3:GetObject") == "arn:aws:s3:::our-releases/cloudchat.tar.gz"
    assert all(resource.startswith("arn:aws:logs:") for resource in allowed.values())


def test_the_backups_are_private_versioned_and_kept_for_a_while(stack: Stack) -> None:
    s3, bucket = stack.aws.client("s3"), stack.ids["Backups"]
    (encryption,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    asked = stack.properties("Backups")
    assert asked["VersioningConfiguration"] == {"Status": "Enabled"}
    assert asked["PublicAccessBlockConfiguration"] == NOBODY
    (rule,) = asked["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled"
    assert rule["ExpirationInDays"] == rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == "35"


@pytest.mark.parametrize("policy", ["BackupsOverTls", "PageOverTlsForCloudFront"])
def test_a_private_bucket_is_spoken_to_over_tls_alone(stack: Stack, policy: str) -> None:
    resource = stack.template["Resources"][policy]["Properties"]
    (denied,) = [one for one in resource["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
    assert (denied["Principal"], denied["Action"]) == ("*", "s3:*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    bucket = f"arn:aws:s3:::{stack.ids[resource['Bucket']['Ref']]}"
    assert stack.resolved(denied["Resource"]) == [bucket, f"{bucket}/*"]


@pytest.mark.parametrize("kept", ["Backups", "Page"])
def test_no_data_go_with_the_stack(kept: str) -> None:
    resource = load("cloudchat.yaml")["Resources"][kept]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_behind_cloudfront_the_bucket_opens_to_the_distribution_alone(stack: Stack) -> None:
    s3, bucket = stack.aws.client("s3"), stack.ids["Page"]
    assert stack.properties("Page")["PublicAccessBlockConfiguration"] == NOBODY
    assert "WebsiteConfiguration" not in stack.properties("Page")
    s3.put_object(Bucket=bucket, Key="index.html", Body=b"a page")
    stack.put_bucket_policy("PageOverTlsForCloudFront")
    assert httpx.get(f"{stack.aws.url}/{bucket}/index.html", verify=False).status_code == 403
    statements = stack.template["Resources"]["PageOverTlsForCloudFront"]["Properties"]["PolicyDocument"]["Statement"]
    (allowed,) = [one for one in statements if one["Effect"] == "Allow"]
    assert "Distribution" in json.dumps(allowed["Condition"]["StringEquals"]["AWS:SourceArn"])
    config = stack.template["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    assert config["Origins"][0]["OriginAccessControlId"] == {"Ref": "CloudFrontAlone"}
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"


def test_cloudfront_sends_the_headers_that_the_server_sends(stack: Stack) -> None:
    sent: dict[str, str] = {}

    async def send(message: Any) -> None:
        sent.update({name.decode(): value.decode() for name, value in message["headers"]})

    async def page(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    app = SecurityHeaders(page, lambda: ["https://chat.example.com"])
    asyncio.run(app({"type": "http", "path": "/", "scheme": "https"}, None, send))  # type: ignore[arg-type]

    policy = stack.template["Resources"]["Headers"]["Properties"]["ResponseHeadersPolicyConfig"]
    fixed = policy["SecurityHeadersConfig"]
    given = {item["Header"].lower(): item["Value"] for item in policy["CustomHeadersConfig"]["Items"]}
    given["x-content-type-options"] = "nosniff" if "ContentTypeOptions" in fixed else ""
    given["x-frame-options"] = fixed["FrameOptions"]["FrameOption"]
    given["referrer-policy"] = fixed["ReferrerPolicy"]["ReferrerPolicy"]
    given["strict-transport-security"] = f"max-age={fixed['StrictTransportSecurity']['AccessControlMaxAgeSec']}"
    content = stack.resolved(fixed["ContentSecurityPolicy"]["ContentSecurityPolicy"])
    # From there the server is another origin, so it has to be named for requests, too.
    given["content-security-policy"] = content.replace(" https://chat.example.com", "")
    assert given == sent
    assert "connect-src 'self' https://chat.example.com wss://chat.example.com;" in content


def test_a_website_is_open_to_everybody_and_to_reading_alone(aws: EmulatedAws, website: Stack) -> None:
    s3, bucket = aws.client("s3"), website.ids["Page"]
    asked = website.properties("Page")
    assert asked["WebsiteConfiguration"] == {"IndexDocument": "index.html"}
    assert not asked["PublicAccessBlockConfiguration"]["BlockPublicPolicy"]
    assert asked["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
    s3.put_object(Bucket=bucket, Key="index.html", Body=b"a page")
    website.put_bucket_policy("PageForEverybody")
    assert httpx.get(f"{aws.url}/{bucket}/index.html", verify=False).text == "a page"
    assert httpx.put(f"{aws.url}/{bucket}/index.html", content=b"mine", verify=False).status_code == 403


def test_without_a_host_of_its_own_the_page_has_no_bucket(smallest: Stack) -> None:
    assert "Page" not in smallest.ids


def test_alarms_reach_the_topic_that_was_named(website: Stack, smallest: Stack) -> None:
    topic = website.parameters["AlarmTopic"]
    alarms = [name for name, one in website.template["Resources"].items() if one["Type"] == "AWS::CloudWatch::Alarm"]
    watched = {website.properties(name)["MetricName"] for name in alarms}
    assert watched >= {"StatusCheckFailed_System", "StatusCheckFailed_Instance", "CPUUtilization", "disk_used_percent"}
    for name in alarms:
        assert topic in website.properties(name)["AlarmActions"]
        assert topic not in smallest.properties(name).get("AlarmActions", ())
        assert website.properties(name)["Dimensions"] == [{"Name": "InstanceId", "Value": website.ids["Machine"]}]


def test_the_agent_is_given_settings_that_it_can_read(stack: Stack) -> None:
    told = stack.aws.client("ssm").get_parameter(Name=stack.ids["AgentSettings"])["Parameter"]["Value"]
    settings = json.loads(told)
    assert settings["metrics"]["append_dimensions"] == {"InstanceId": "${aws:InstanceId}"}
    (log,) = settings["logs"]["logs_collected"]["files"]["collect_list"]
    groups = stack.aws.client("logs").describe_log_groups(logGroupNamePrefix=log["log_group_name"])["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [30]


def user_data(stack: Stack) -> str:
    told = stack.aws.client("ec2").describe_instance_attribute(InstanceId=stack.ids["Machine"], Attribute="userData")
    return base64.b64decode(told["UserData"]["Value"]).decode()


def test_the_first_boot_is_told_what_the_operator_said(stack: Stack) -> None:
    script = user_data(stack)
    assert script.startswith("#!/bin/bash\n")
    for value in (*NEEDED.values(), stack.ids["Backups"]):
        assert f"'{value}'\n" in script
    assert len(script) < 16384  # EC2 takes no more
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
