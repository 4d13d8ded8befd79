"""The AsyncAPI document: valid by the official schema, and complete."""

import json
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from cloudchat.protocol import commands, events, replies
from cloudchat.protocol.asyncapi import asyncapi_document

SPECS = Path(__file__).parents[3] / "config/javascript/node_modules/@asyncapi/specs/schemas"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi_document("1.2.3")


def test_the_document_is_valid_by_the_official_schema(document: dict[str, Any]) -> None:
    schema = json.loads((SPECS / "3.0.0.json").read_text())
    jsonschema.Draft7Validator(schema).validate(document)


def test_every_command_and_every_event_is_a_message(document: dict[str, Any]) -> None:
    messages = document["components"]["messages"]
    assert {name for name in messages if name.startswith("command.")} == {
        f"command.{command.__name__}" for command in get_args(commands.AnyCommand)
    }
    types = [value for module in (events, replies) for value in vars(module).values() if isinstance(value, type)]
    known = {f"event.{type_.__name__}" for type_ in types if issubclass(type_, events.Event)} - {"event.Event"}
    assert known <= set(messages)


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for part in value.values() for found in references(part)]
        if isinstance(value, list):
            return [found for part in value for found in references(part)]
        return []

    for reference in references(document):
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_patterns_are_those_of_ecmascript(document: dict[str, Any]) -> None:
    assert "\\\\Z" not in json.dumps(document)
