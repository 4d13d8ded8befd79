"""A CloudFormation template, created for real in an emulated AWS, as far as moto knows its resources."""

import json
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml

from support.aws import REGION, EmulatedAws

TEMPLATES = Path(__file__).parents[2] / "config" / "aws"
_UNKNOWN_TO_MOTO = ("AWS::CloudFront::", "AWS::ElastiCache::", "AWS::MemoryDB::")
ACCOUNT = "123456789012"  # moto's


class Stack:
    """What was created. `template` is the file's, with its functions unresolved."""

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
        (told,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        assert told["StackStatus"] == "CREATE_COMPLETE"
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in told.get("Outputs", ())}
        self.ids: dict[str, str] = {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for one in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
            if "LogicalResourceId" in one and "PhysicalResourceId" in one  # not if moto left it out
        }

    def properties(self, name: str) -> Any:
        """What the template asks for, of a resource that moto makes in part or not at all."""
        return self.resolved(self.template["Resources"][name]["Properties"])

    def resolved(self, node: Any) -> Any:
        """A part of the template with its functions replaced by what they stand for in this stack."""
        match node:
            case {"Ref": "AWS::NoValue"}:
                return None
            case {"Ref": name}:
                return self._named(name)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([^!}]+)\}", lambda found: self._named(found[1]), text).replace("${!", "${")
            case {"Fn::Sub": [text, dict(names)]}:
                told = {name: self.resolved(value) for name, value in names.items()}
                return re.sub(r"\$\{([^!}]+)\}", lambda found: told.get(found[1]) or self._named(found[1]), text)
            case {"Fn::Select": [int(number), values]}:
                return self.resolved(values)[number]
            case {"Fn::Split": [separator, text]}:
                return self.resolved(text).split(separator)
            case {"Fn::GetAtt": [name, attribute]}:
                return self._named(f"{name}.{attribute}")
            case {"Fn::If": [condition, then, otherwise]}:
                return self.resolved(then if self._holds({"Condition": condition}) else otherwise)
            case dict():
                whole = {key: self.resolved(value) for key, value in node.items()}
                return {key: value for key, value in whole.items() if value is not None}
            case list():
                return [value for one in node if (value := self.resolved(one)) is not None]
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
            case {"Fn::And": several}:
                return all(self._holds(one) for one in several)
            case _:
                raise AssertionError(f"not known here: {condition}")

    def exists(self, name: str) -> bool:
        """Whether the conditions of this stack let the resource be."""
        condition = self.template["Resources"][name].get("Condition")
        return condition is None or self._holds({"Condition": condition})

    def put_bucket_policy(self, name: str) -> None:
        """Do what moto's CloudFormation leaves out: the bucket policy of that name."""
        properties = self.properties(name)
        policy = json.dumps(properties["PolicyDocument"])
        self.aws.client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=policy)

    def _named(self, name: str) -> str:
        pseudo = {"AWS::Region": REGION, "AWS::Partition": "aws", "AWS::AccountId": ACCOUNT, "AWS::StackName": "test"}
        known = {**pseudo, **self.parameters, **self.ids}
        resource, _, attribute = name.partition(".")
        if attribute == "Arn" and self.template["Resources"][resource]["Type"] == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{known[resource]}"
        return known.get(name, f"no-{name}-here")


def load(name: str) -> dict[str, Any]:
    """A template of config/aws, its short functions (`!Ref`) written out."""
    template: dict[str, Any] = cfn_yaml.load(str(TEMPLATES / name))
    return template


def _for_moto(template: dict[str, Any]) -> Any:
    """Round holes in moto: it looks into no launch template for a machine, and fails on what it can't resolve."""

    def resolvable(node: Any) -> Any:
        match node:
            case {"Fn::GetAtt": [name, _]} if template["Resources"][name]["Type"].startswith(_UNKNOWN_TO_MOTO):
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
