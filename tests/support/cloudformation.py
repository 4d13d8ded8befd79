"""A stack of a CloudFormation template, created in an emulated AWS, as far as moto supports its resources."""

import json
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.aws import REGION, EmulatedAws

TEMPLATES = Path(__file__).parents[2] / "config" / "aws"
_UNSUPPORTED_BY_MOTO = ("AWS::CloudFront::", "AWS::ElastiCache::", "AWS::MemoryDB::")
ACCOUNT = "123456789012"  # the account id of moto


class Stack:
    """A created stack. `template` is the content of the file, with its functions unresolved."""

    def __init__(self, aws: EmulatedAws, name: str, parameters: Mapping[str, str]) -> None:
        self.aws = aws
        self.name = name
        self.template = load(name)
        self.parameters = {
            **{key: str(one["Default"]) for key, one in self.template["Parameters"].items() if "Default" in one},
            **parameters,
        }
        cloudformation = aws.client("cloudformation")
        stack = f"test-{secrets.token_hex(4)}"
        cloudformation.create_stack(
            StackName=stack,
            TemplateBody=json.dumps(_for_moto(self.template)),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        (description,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        assert description["StackStatus"] == "CREATE_COMPLETE"
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in description.get("Outputs", ())}
        self.ids: dict[str, str] = {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for one in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
            if "LogicalResourceId" in one and "PhysicalResourceId" in one  # moto leaves out what it does not support
        }

    def properties(self, name: str) -> Any:
        """Return the resolved properties of a resource that moto creates in part or not at all."""
        return self.resolved(self.template["Resources"][name]["Properties"])

    def resolved(self, node: Any) -> Any:
        """Return a part of the template with its functions replaced by their values in this stack."""
        match node:
            case {"Ref": "AWS::NoValue"}:
                return None
            case {"Ref": name}:
                return self._value(name)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([^!}]+)\}", lambda found: self._value(found[1]), text).replace("${!", "${")
            case {"Fn::Sub": [text, dict(names)]}:
                values = {name: self.resolved(value) for name, value in names.items()}
                return re.sub(r"\$\{([^!}]+)\}", lambda found: values.get(found[1]) or self._value(found[1]), text)
            case {"Fn::Select": [int(index), items]}:
                return self.resolved(items)[index]
            case {"Fn::Split": [separator, text]}:
                return self.resolved(text).split(separator)
            case {"Fn::GetAtt": [name, attribute]}:
                return self._value(f"{name}.{attribute}")
            case {"Fn::If": [condition, then, otherwise]}:
                return self.resolved(then if self._holds({"Condition": condition}) else otherwise)
            case dict():
                resolved = {key: self.resolved(value) for key, value in node.items()}
                return {key: value for key, value in resolved.items() if value is not None}
            case list():
                return [value for item in node if (value := self.resolved(item)) is not None]
            case _:
                return node

    def _holds(self, condition: Any) -> bool:
        match condition:
            case {"Condition": name}:
                return self._holds(self.template["Conditions"][name])
            case {"Fn::Equals": [one, other]}:
                return bool(self.resolved(one) == self.resolved(other))
            case {"Fn::Not": [one]}:
                return not self._holds(one)
            case {"Fn::And": conditions}:
                return all(self._holds(one) for one in conditions)
            case _:
                raise AssertionError(f"unsupported condition: {condition}")

    def exists(self, name: str) -> bool:
        """Return whether the conditions of this stack create the resource."""
        condition = self.template["Resources"][name].get("Condition")
        return condition is None or self._holds({"Condition": condition})

    def put_bucket_policy(self, name: str) -> None:
        """Create the bucket policy with that name, because moto's CloudFormation does not."""
        properties = self.properties(name)
        policy = json.dumps(properties["PolicyDocument"])
        self.aws.client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=policy)

    def _value(self, name: str) -> str:
        pseudo = {"AWS::Region": REGION, "AWS::Partition": "aws", "AWS::AccountId": ACCOUNT, "AWS::StackName": "test"}
        known = {**pseudo, **self.parameters, **self.ids}
        resource, _, attribute = name.partition(".")
        if attribute == "Arn" and self.template["Resources"][resource]["Type"] == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{known[resource]}"
        return known.get(name, f"unknown-{name}")


def load(name: str) -> dict[str, Any]:
    """Return a template of config/aws with its short functions (`!Ref`) in the long form."""
    from cfnlint.decode import cfn_yaml  # takes 0.6 s, and every test process collects these tests

    template: dict[str, Any] = cfn_yaml.load(str(TEMPLATES / name))
    return template


def _for_moto(template: dict[str, Any]) -> Any:
    """Return a template that moto can create: it ignores launch templates and fails on unknown values."""

    def resolvable(node: Any) -> Any:
        match node:
            case {"Fn::GetAtt": [name, _]} if template["Resources"][name]["Type"].startswith(_UNSUPPORTED_BY_MOTO):
                return f"{name.lower()}.example"
            case dict():
                return {key: resolvable(value) for key, value in node.items()}
            case list():
                return [resolvable(value) for value in node]
            case _:
                return node

    copy = resolvable(json.loads(json.dumps(template)))
    for resource in copy["Resources"].values():
        if resource["Type"] == "AWS::EC2::Instance":
            resource["Properties"]["ImageId"] = "ami-12345678"
        elif resource["Type"] == "AWS::RDS::DBInstance":
            del resource["Properties"]["DBParameterGroupName"]
    return copy
