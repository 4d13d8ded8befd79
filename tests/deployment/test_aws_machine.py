"""config/aws/cloudchat.yaml in an emulated AWS: open ports, private buckets, permissions of the machine."""

import asyncio
import base64
import json
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloudchat.http.middleware.security_headers import SecurityHeaders
from support.aws import EmulatedAws
from support.cloudformation import TEMPLATES, Stack, load

REQUIRED = {
    "Domain": "chat.example.com",
    "Email": "ops@example.com",
    "ReleaseUrl": "s3://our-releases/cloudchat.tar.gz",
    "ReleaseSha256": "0" * 64,
}

NO_PUBLIC_ACCESS = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


@pytest.fixture(scope="module")
def stack(aws: EmulatedAws) -> Stack:
    """A stack with SSH from one network, the page behind CloudFront, and the domain in Route 53."""
    zone = aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="one")["HostedZone"]["Id"]
    options = {"SshFrom": "203.0.113.0/28", "FrontendHosting": "cloudfront", "HostedZone": zone.rpartition("/")[2]}
    return Stack(aws, "cloudchat.yaml", {**REQUIRED, **options})


@pytest.fixture(scope="module")
def website(aws: EmulatedAws) -> Stack:
    """A stack with the page as a public website, and a topic for alarms."""
    topic = aws.client("sns").create_topic(Name="operators")["TopicArn"]
    return Stack(aws, "cloudchat.yaml", {**REQUIRED, "FrontendHosting": "website", "AlarmTopic": topic})


@pytest.fixture(scope="module")
def minimal(aws: EmulatedAws) -> Stack:
    """A stack with the required parameters only."""
    return Stack(aws, "cloudchat.yaml", REQUIRED)


def allowed_sources(stack: Stack) -> set[tuple[int, int, str]]:
    """Return what the security group allows: first port, last port, source."""
    (group,) = stack.aws.client("ec2").describe_security_groups(GroupIds=[stack.ids["Firewall"]])["SecurityGroups"]
    assert all(rule["IpProtocol"] == "tcp" for rule in group["IpPermissions"])
    assert not any(rule["UserIdGroupPairs"] or rule["PrefixListIds"] for rule in group["IpPermissions"])
    return {
        (rule["FromPort"], rule["ToPort"], network["CidrIp"])
        for rule in group["IpPermissions"]
        for network in rule["IpRanges"]
    }


def test_cfn_lint_finds_nothing_in_the_templates() -> None:
    command = [
        str(Path(sysconfig.get_path("scripts")) / "cfn-lint"),
        "--non-zero-exit-code",
        "informational",
        *map(str, TEMPLATES.glob("*.yaml")),
    ]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


WEB = {(80, 80, "0.0.0.0/0"), (443, 443, "0.0.0.0/0")}


def test_only_web_ports_are_public_and_ssh_is_limited_to_one_network(stack: Stack) -> None:
    assert allowed_sources(stack) == {*WEB, (22, 22, "203.0.113.0/28")}


def test_ssh_is_closed_by_default(minimal: Stack) -> None:
    assert allowed_sources(minimal) == WEB


@pytest.mark.parametrize("network", ["0.0.0.0/0", "10.0.0.0/4", "203.0.113.7", "::/0", "anywhere"])
def test_parameter_refuses_ssh_from_everywhere(network: str) -> None:
    pattern = load("cloudchat.yaml")["Parameters"]["SshFrom"]["AllowedPattern"]
    assert re.fullmatch(pattern, network) is None
    assert re.fullmatch(pattern, "203.0.113.7/32")


def test_domain_points_to_the_fixed_address_of_the_machine(stack: Stack) -> None:
    (address,) = stack.aws.client("ec2").describe_addresses(PublicIps=[stack.outputs["Address"]])["Addresses"]
    assert address["InstanceId"] == stack.ids["Machine"]
    records = stack.aws.client("route53").list_resource_record_sets(HostedZoneId=stack.parameters["HostedZone"])
    (record,) = [one for one in records["ResourceRecordSets"] if one["Type"] == "A"]
    assert record["Name"].rstrip(".") == "chat.example.com"
    assert record["ResourceRecords"] == [{"Value": address["PublicIp"]}]


def launch_template_data(stack: Stack) -> Any:
    """Return the data of the machine's launch template."""
    (version,) = stack.aws.client("ec2").describe_launch_template_versions(LaunchTemplateId=stack.ids["Image"])[
        "LaunchTemplateVersions"
    ]
    return version["LaunchTemplateData"]


def test_disk_is_encrypted_and_kept_after_termination(stack: Stack) -> None:
    (device,) = launch_template_data(stack)["BlockDeviceMappings"]
    assert device["DeviceName"] == "/dev/sda1"
    assert device["Ebs"] == {"DeleteOnTermination": False, "Encrypted": True, "VolumeSize": 20, "VolumeType": "gp3"}


def test_metadata_service_requires_a_token(stack: Stack) -> None:
    options = launch_template_data(stack)["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 1)


# Properties of AWS::EC2::Instance whose change makes CloudFormation replace the machine.
REPLACING_PROPERTIES = {
    "AvailabilityZone",
    "BlockDeviceMappings",
    "ImageId",
    "KeyName",
    "NetworkInterfaces",
    "PrivateIpAddress",
}


def test_no_parameter_can_replace_the_machine_and_its_data(stack: Stack) -> None:
    assert launch_template_data(stack)["ImageId"].startswith("resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/")
    machine = stack.template["Resources"]["Machine"]["Properties"]
    assert machine["LaunchTemplate"] == {"LaunchTemplateId": {"Ref": "Image"}, "Version": "1"}
    assert not REPLACING_PROPERTIES & set(machine)


def test_role_allows_to_add_backups_and_to_read_one_release_and_little_else(stack: Stack) -> None:
    role = stack.properties("Role")
    assert role["ManagedPolicyArns"] == ["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"]
    created = stack.aws.client("iam").list_role_policies(RoleName=stack.ids["Role"])["PolicyNames"]
    policies = [*role["Policies"], stack.properties("ReadRelease")]
    assert sorted(created) == sorted(policy["PolicyName"] for policy in policies)
    allowed: dict[str, Any] = {}
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            allowed.update(dict.fromkeys([actions] if isinstance(actions, str) else actions, statement["Resource"]))
    assert not any("*" in action or "Delete" in action for action in allowed)
    assert allowed.pop("cloudwatch:PutMetricData") == "*"  # AWS has no narrower resource for it
    assert allowed.pop("s3:PutObject") == f"arn:aws:s3:::{stack.ids['Backups']}/*"
    assert allowed.pop("s3:GetObject") == "arn:aws:s3:::our-releases/cloudchat.tar.gz"
    assert all(resource.startswith("arn:aws:logs:") for resource in allowed.values())


def test_backups_are_private_and_versioned_and_expire(stack: Stack) -> None:
    s3, bucket = stack.aws.client("s3"), stack.ids["Backups"]
    (encryption,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    properties = stack.properties("Backups")
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert properties["PublicAccessBlockConfiguration"] == NO_PUBLIC_ACCESS
    (rule,) = properties["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled"
    assert rule["ExpirationInDays"] == rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == "35"


@pytest.mark.parametrize("policy", ["BackupsOverTls", "PageOverTlsForCloudFront"])
def test_private_bucket_refuses_requests_without_tls(stack: Stack, policy: str) -> None:
    resource = stack.template["Resources"][policy]["Properties"]
    (denied,) = [one for one in resource["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
    assert (denied["Principal"], denied["Action"]) == ("*", "s3:*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    bucket = f"arn:aws:s3:::{stack.ids[resource['Bucket']['Ref']]}"
    assert stack.resolved(denied["Resource"]) == [bucket, f"{bucket}/*"]


@pytest.mark.parametrize("bucket", ["Backups", "Page"])
def test_deleting_the_stack_retains_the_buckets(bucket: str) -> None:
    resource = load("cloudchat.yaml")["Resources"][bucket]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_only_the_distribution_can_read_the_bucket_behind_cloudfront(stack: Stack) -> None:
    s3, bucket = stack.aws.client("s3"), stack.ids["Page"]
    assert stack.properties("Page")["PublicAccessBlockConfiguration"] == NO_PUBLIC_ACCESS
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


def test_cloudfront_sends_the_security_headers_of_the_server(stack: Stack) -> None:
    sent: dict[str, str] = {}

    async def send(message: Any) -> None:
        sent.update({name.decode(): value.decode() for name, value in message["headers"]})

    async def page(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    app = SecurityHeaders(page, lambda: ["https://chat.example.com"])
    asyncio.run(app({"type": "http", "path": "/", "scheme": "https"}, None, send))  # type: ignore[arg-type]

    policy = stack.template["Resources"]["Headers"]["Properties"]["ResponseHeadersPolicyConfig"]
    fixed = policy["SecurityHeadersConfig"]
    configured = {item["Header"].lower(): item["Value"] for item in policy["CustomHeadersConfig"]["Items"]}
    configured["x-content-type-options"] = "nosniff" if "ContentTypeOptions" in fixed else ""
    configured["x-frame-options"] = fixed["FrameOptions"]["FrameOption"]
    configured["referrer-policy"] = fixed["ReferrerPolicy"]["ReferrerPolicy"]
    configured["strict-transport-security"] = f"max-age={fixed['StrictTransportSecurity']['AccessControlMaxAgeSec']}"
    content = stack.resolved(fixed["ContentSecurityPolicy"]["ContentSecurityPolicy"])
    # On CloudFront the server is another origin, so its policy must also allow requests to it.
    configured["content-security-policy"] = content.replace(" https://chat.example.com", "")
    assert configured == sent
    assert "connect-src 'self' https://chat.example.com wss://chat.example.com;" in content


def test_website_bucket_is_public_and_read_only(aws: EmulatedAws, website: Stack) -> None:
    s3, bucket = aws.client("s3"), website.ids["Page"]
    properties = website.properties("Page")
    assert properties["WebsiteConfiguration"] == {"IndexDocument": "index.html"}
    assert not properties["PublicAccessBlockConfiguration"]["BlockPublicPolicy"]
    assert properties["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
    s3.put_object(Bucket=bucket, Key="index.html", Body=b"a page")
    website.put_bucket_policy("PageForEverybody")
    assert httpx.get(f"{aws.url}/{bucket}/index.html", verify=False).text == "a page"
    assert httpx.put(f"{aws.url}/{bucket}/index.html", content=b"mine", verify=False).status_code == 403


def test_there_is_no_page_bucket_by_default(minimal: Stack) -> None:
    assert "Page" not in minimal.ids


def test_alarms_notify_the_topic(website: Stack, minimal: Stack) -> None:
    topic = website.parameters["AlarmTopic"]
    alarms = [name for name, one in website.template["Resources"].items() if one["Type"] == "AWS::CloudWatch::Alarm"]
    metrics = {website.properties(name)["MetricName"] for name in alarms}
    assert metrics >= {"StatusCheckFailed_System", "StatusCheckFailed_Instance", "CPUUtilization", "disk_used_percent"}
    for name in alarms:
        assert topic in website.properties(name)["AlarmActions"]
        assert topic not in minimal.properties(name).get("AlarmActions", ())
        assert website.properties(name)["Dimensions"] == [{"Name": "InstanceId", "Value": website.ids["Machine"]}]


def test_agent_settings_are_valid_json_and_name_an_existing_log_group(stack: Stack) -> None:
    parameter = stack.aws.client("ssm").get_parameter(Name=stack.ids["AgentSettings"])["Parameter"]
    settings = json.loads(parameter["Value"])
    assert settings["metrics"]["append_dimensions"] == {"InstanceId": "${aws:InstanceId}"}
    (log,) = settings["logs"]["logs_collected"]["files"]["collect_list"]
    groups = stack.aws.client("logs").describe_log_groups(logGroupNamePrefix=log["log_group_name"])["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [30]


def user_data(stack: Stack) -> str:
    ec2 = stack.aws.client("ec2")
    attribute = ec2.describe_instance_attribute(InstanceId=stack.ids["Machine"], Attribute="userData")
    return base64.b64decode(attribute["UserData"]["Value"]).decode()


def test_user_data_contains_the_parameters(stack: Stack) -> None:
    script = user_data(stack)
    assert script.startswith("#!/bin/bash\n")
    for value in (*REQUIRED.values(), stack.ids["Backups"]):
        assert f"'{value}'\n" in script
    assert len(script) < 16384  # the limit of EC2
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
