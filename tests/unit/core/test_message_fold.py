"""The cases are also run against the page's fold (tests/frontend/chat/message_reducer.test.js)."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cloudchat.core.message_fold import MessageFold, current_form, without_text

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "fixtures" / "message_fold.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_events_are_folded_into_rows(case: dict[str, Any]) -> None:
    before = json.dumps(case["events"])
    fold = MessageFold(case["events"])
    assert fold.rows() == case["rows"]
    assert json.dumps(case["events"]) == before, "an event was changed"


def test_a_message_without_changes_keeps_its_bytes() -> None:
    assert current_form(b'{ "any": "bytes" }', b"", b"") == b'{ "any": "bytes" }'


@pytest.mark.parametrize(
    "text", ["", "plain", 'a "quote" \\', '\\"', '"text":"', 'x","text":"y', "ü\n\u2028🙂", "x" * 65_000]
)
def test_without_text_empties_the_text_only(text: str) -> None:
    event = {"type": "message", "user": {"name": '"text":"'}, "text": text, "at": '"text":"z"'}
    assert json.loads(without_text(msgspec.json.encode(event))) == {**event, "text": ""}


def test_without_text_keeps_an_event_that_has_none() -> None:
    event = msgspec.json.encode({"type": "deleted", "user": {"name": '"text":"'}})
    assert without_text(event) == event
