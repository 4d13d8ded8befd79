"""The AsyncAPI document: valid by the official schema, and complete."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from cloudchat.core.stream_position import JoinStatus
from cloudchat.protocol import commands, events, replies
from cloudchat.protocol.asyncapi import asyncapi_document
from cloudchat.rooms.permissions import MEMBER_ROLES, Kind

PROJECT = Path(__file__).parents[3]
SPECS = PROJECT / "config/javascript/node_modules/@asyncapi/specs/schemas"


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


def words_of_table(heading: str) -> set[str]:
    """Return the words in code style, and the numbers, in the first column of a table of docs/protocol.md."""
    section = (PROJECT / "docs/protocol.md").read_text().partition(f"\n## {heading}\n")[2].partition("\n##")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")]
    return {word for cell in first_cells for word in re.findall(r"`(\w+)`|\b(\d{4})\b", cell) for word in word if word}


def test_the_document_has_every_command_of_the_protocols_page(document: dict[str, Any]) -> None:
    messages = document["components"]["messages"]
    assert {messages[name]["name"] for name in messages if name.startswith("command.")} == words_of_table("Commands")


def test_the_document_has_every_error_and_close_code_of_the_protocols_page(document: dict[str, Any]) -> None:
    assert set(document["components"]["schemas"]["event.ErrorCode"]["enum"]) == words_of_table("Errors")
    codes = {str(code["code"]) for code in document["channels"]["socket"]["x-close-codes"]}
    assert codes == words_of_table("Close codes") - {"1001"}  # which only clients send


def test_the_listed_values_are_those_of_the_server(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    room = schemas["event.RoomState"]["properties"]
    assert set(room["kind"]["enum"]) == set(Kind)
    assert set(room["role"]["enum"]) == set(MEMBER_ROLES)
    assert set(schemas["event.Joined"]["properties"]["status"]["enum"]) == {status.value for status in JoinStatus}


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
