import json
import uuid

import pytest

from cloudchat.protocol.commands import BadCommand, Join, Ping, Position, Send, parse

CID = str(uuid.UUID(int=7))


def test_parses_a_send():
    assert parse(json.dumps({"type": "send", "id": "1", "room": "lobby", "cid": CID, "text": "hé"})) == Send(
        id="1", room="lobby", cid=CID, text="hé"
    )


def test_join_takes_50_events_unless_told():
    assert parse('{"type":"join","room":"lobby"}') == Join(room="lobby", limit=50)
    assert parse('{"type":"join","room":"lobby","after":{"epoch":"e","seq":0}}').after == Position("e", 0)


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ('{"type":"zap"}', "type"),
        ("{}", "type"),
        ('{"type":"ping","extra":1}', "extra"),
        ('{"type":"ping","id":7}', "id"),
        ('{"type":"join"}', "room"),
        ('{"type":"join","room":"lobby","limit":501}', "limit"),
        ('{"type":"join","room":"lobby","limit":0}', "limit"),
        ('{"type":"join","room":"lobby","limit":true}', "limit"),
        ('{"type":"join","room":"lobby","after":{"epoch":"e"}}', "after"),
        ('{"type":"join","room":"lobby","after":{"epoch":"e","seq":-1}}', "after"),
        ('{"type":"history","room":"lobby","before":0,"limit":1}', "before"),
        ('{"type":"send","room":"lobby","cid":"no uuid","text":"a"}', "cid"),
        ('{"type":"ping","id":"' + "x" * 65 + '"}', "id"),
    ],
)
def test_names_the_field_that_is_wrong(frame, field):
    with pytest.raises(BadCommand) as refused:
        parse(frame)
    assert (refused.value.is_object, refused.value.field) == (True, field)


def test_a_refusal_repeats_the_id():
    with pytest.raises(BadCommand) as refused:
        parse('{"type":"join","id":"mine"}')
    assert refused.value.id == "mine"


HOSTILE_OBJECTS = {
    "lone surrogate": '{"type":"send","room":"lobby","cid":"' + CID + '","text":"\\ud800"}',
    "huge float": '{"type":"join","room":"lobby","limit":1e999}',
    "5000 digits": '{"type":"join","room":"lobby","limit":%s}' % ("9" * 5000),
    "deep value": '{"type":"join","room":%s}' % ("[" * 500 + "]" * 500),
    "surrogate as id": '{"type":"nope","id":"\\udc00"}',
}


@pytest.mark.parametrize("frame", HOSTILE_OBJECTS.values(), ids=HOSTILE_OBJECTS.keys())
def test_a_hostile_value_is_an_error_of_its_command(frame):
    with pytest.raises(BadCommand) as refused:
        parse(frame)
    assert refused.value.is_object
    str(refused.value).encode()  # the refusal can be sent
    (refused.value.id or "").encode()


@pytest.mark.parametrize(
    "frame",
    ["", "nope", "[]", "1", '"send"', "null", '{"type":"ping"', '{"type":"ping"}{}', "[" * 100_000, '{"a":' * 50_000],
)
def test_what_is_no_json_object_is_told_apart(frame):
    with pytest.raises(BadCommand) as refused:
        parse(frame)
    assert not refused.value.is_object


def test_a_repeated_key_cannot_smuggle_another_type():
    assert parse('{"type":"ping","id":"a","id":"b"}') == Ping(id="b")
