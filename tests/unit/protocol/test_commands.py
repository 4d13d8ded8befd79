import json
import uuid

import pytest

from cloudchat.protocol.command_parser import BadCommand, parse
from cloudchat.protocol.commands import Join, LoggedCommand, Ping, Position, Send

CID = str(uuid.UUID(int=7))


def test_parse_returns_a_send() -> None:
    assert parse(json.dumps({"type": "send", "id": "1", "room": "lobby", "cid": CID, "text": "hé"})) == Send(
        id="1", room="lobby", cid=CID, text="hé"
    )


def test_parse_returns_a_join_with_the_default_limit() -> None:
    assert parse('{"type":"join","room":"lobby"}') == Join(room="lobby", limit=50)


def test_parse_returns_a_join_with_a_position() -> None:
    command = parse('{"type":"join","room":"lobby","after":{"epoch":"e","seq":0}}')
    assert command == Join(room="lobby", after=Position("e", 0))


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ('{"type":"zap"}', "type"),
        ("{}", "type"),
        ('{"type":"ping","extra":1}', "extra"),
        ('{"type":"ping","id":7}', "id"),
        ('{"type":"join"}', "room"),
        ('{"type":"join","room":"lobby","limit":501}', "limit"),
        ('{"type":"join","room":"lobby","limit":-1}', "limit"),
        ('{"type":"join","room":"lobby","limit":true}', "limit"),
        ('{"type":"join","room":"lobby","after":{"epoch":"e"}}', "after"),
        ('{"type":"join","room":"lobby","after":{"epoch":"e","seq":-1}}', "after"),
        ('{"type":"history","room":"lobby","before":0,"limit":1}', "before"),
        ('{"type":"history","room":"lobby"}', "before"),
        ('{"type":"history","room":"lobby","before":1,"around":1}', "before"),
        ('{"type":"react","room":"lobby","cid":"' + CID + '","seq":1,"emoji":"no","on":true}', "emoji"),
        ('{"type":"send","room":"lobby","cid":"no uuid","text":"a"}', "cid"),
        ('{"type":"ping","id":"' + "x" * 65 + '"}', "id"),
    ],
)
def test_an_invalid_command_names_the_field_at_fault(frame: str, field: str) -> None:
    with pytest.raises(BadCommand) as raised:
        parse(frame)
    assert (raised.value.is_object, raised.value.field) == (True, field)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            '{"type":"react","room":"lobby","cid":"' + CID + '","seq":1,"emoji":"no","on":true}',
            "an emoji is needed, of at most 32 bytes",
        ),
        ('{"type":"history","room":"lobby"}', "exactly one of before, after and around is needed"),
        ('{"type":"join","room":"lobby","after":{"epoch":"e","seq":-1}}', "Expected `int` >= 0 - at `$.after.seq`"),
    ],
)
def test_the_message_has_a_path_only_where_the_field_does_not_say_it(frame: str, message: str) -> None:
    with pytest.raises(BadCommand) as raised:
        parse(frame)
    assert str(raised.value) == message


def test_an_invalid_command_repeats_the_id() -> None:
    with pytest.raises(BadCommand) as raised:
        parse('{"type":"join","id":"mine"}')
    assert raised.value.id == "mine"


HOSTILE_OBJECTS = {
    "lone surrogate": '{"type":"send","room":"lobby","cid":"' + CID + '","text":"\\ud800"}',
    "huge float": '{"type":"join","room":"lobby","limit":1e999}',
    "5000 digits": '{"type":"join","room":"lobby","limit":%s}' % ("9" * 5000),
    "deep value": '{"type":"join","room":%s}' % ("[" * 500 + "]" * 500),
    "too deep": '{"type":"ping","deep":%s}' % ('{"a":' * 9000 + "1" + "}" * 9000),
    "surrogate as id": '{"type":"nope","id":"\\udc00"}',
}


@pytest.mark.parametrize("frame", HOSTILE_OBJECTS.values(), ids=HOSTILE_OBJECTS.keys())
def test_a_hostile_value_is_a_bad_command_that_can_be_reported(frame: str) -> None:
    with pytest.raises(BadCommand) as raised:
        parse(frame)
    assert raised.value.is_object
    str(raised.value).encode()  # the error event can be encoded
    (raised.value.id or "").encode()


@pytest.mark.parametrize(
    "frame",
    ["", "nope", "[]", "1", '"send"', "null", '{"type":"ping"', '{"type":"ping"}{}', "[" * 100_000, '{"a":' * 50_000],
)
def test_a_frame_that_is_not_a_json_object_is_reported_as_such(frame: str) -> None:
    with pytest.raises(BadCommand) as raised:
        parse(frame)
    assert not raised.value.is_object


def test_the_last_one_of_a_repeated_key_counts() -> None:
    assert parse('{"type":"ping","id":"a","id":"b"}') == Ping(id="b")


CANONICAL = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    "command",
    [
        {"type": "send", "text": "a"},
        {"type": "edit", "seq": 1, "text": "a"},
        {"type": "delete", "seq": 1},
        {"type": "react", "seq": 1, "emoji": "👍", "on": True},
    ],
)
def test_every_logged_command_has_a_canonical_cid(command: dict[str, object]) -> None:
    parsed = parse(json.dumps({**command, "room": "lobby", "cid": CANONICAL.upper()}))
    assert isinstance(parsed, LoggedCommand)
    assert parsed.cid == CANONICAL


@pytest.mark.parametrize(
    "cid",
    [
        CANONICAL,
        CANONICAL.upper(),
        CANONICAL.title(),
        CANONICAL.replace("-", ""),
        CANONICAL.replace("-", "").upper(),
        CANONICAL.replace("-", "", 1),
        CANONICAL[::-1].replace("-", "", 2)[::-1],
    ],
)
def test_all_spellings_of_a_cid_are_one(cid: str) -> None:
    """The same cid in lower case, in upper case and without hyphens was three messages."""
    command = parse(json.dumps({"type": "send", "room": "lobby", "cid": cid, "text": "a"}))
    assert isinstance(command, Send)
    assert command.cid == CANONICAL


@pytest.mark.parametrize(
    "cid", [f"{{{CANONICAL}}}", f"urn:uuid:{CANONICAL}", f" {CANONICAL}", f"{CANONICAL}\n", CANONICAL[:-1], "０" * 32]
)
def test_other_forms_of_a_uuid_are_refused(cid: str) -> None:
    with pytest.raises(BadCommand) as raised:
        parse(json.dumps({"type": "send", "room": "lobby", "cid": cid, "text": "a"}))
    assert raised.value.field == "cid"
