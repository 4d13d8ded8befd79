from typing import Any

import pytest
from prompt_toolkit.utils import get_cwidth

from cloudchat.client.protocol.room_events import Notice, room_event
from cloudchat.client.protocol.updates import ephemeral_event
from cloudchat.terminal.render import (
    notice_text,
    plain_text,
    room_list,
    row_fragments,
    title,
    typing_text,
    unread_text,
)
from unit.client.frames import ANN, AT, message, room_state
from unit.terminal.test_conversation import BOB, change, lobby, of_ann, said


def shown(*updates: Any, seq: int = 1) -> str:
    room = lobby(*updates)
    return plain_text(row_fragments(room, room.rows[seq], "ann"))


def test_a_message_shows_number_author_text_and_what_happened_to_it() -> None:
    line = shown(said(1, "hi"), change(2, "edited", 1, text="hello"), change(3, "reaction", 1, emoji="👍", on=True))
    assert line.startswith("    1 ")
    assert line.endswith(" bob hello (edited)  👍 1")
    assert shown(said(1, "hi"), change(2, "deleted", 1)).endswith(" bob (deleted)")


def test_a_reply_quotes_its_message() -> None:
    assert shown(said(1, "question\n?"), said(2, "answer", reply_to=1), seq=2).endswith("> 1 bob: question ? answer")


def test_the_own_name_is_highlighted_only_in_a_message_that_mentions_the_user() -> None:
    room = lobby(said(1, "@ann, @room: ask @bob", mentions=["u", "b"]), said(2, "`@ann`"))
    mention = {text: style for style, text in row_fragments(room, room.rows[1], "ann")}
    assert (mention["@ann"], mention["@room"]) == ("class:mention", "class:mention")
    assert mention["@bob"] == "class:mention.other"
    code = {text: style for style, text in row_fragments(room, room.rows[2], "ann")}
    assert code["@ann"] == "class:mention.other"


def test_no_text_controls_the_terminal_or_looks_like_another_message() -> None:
    evil = {"id": "e", "name": "e\x1b[1mve"}
    line = shown(said(1, "a\n    2 12:00 ann fake\x1b]0;x\x07", user=evil))
    assert "\x1b" not in line
    assert "\x07" not in line
    assert all(later.startswith(" " * 12) for later in line.split("\n")[1:])


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": "created"}, "ann created the room"),
        ({"kind": "topic", "value": "tea"}, "ann set the topic: tea"),
        ({"kind": "topic", "value": ""}, "ann removed the topic"),
        ({"kind": "added", "target": BOB, "value": "member"}, "ann added bob"),
        ({"kind": "role", "target": BOB, "value": "owner"}, "ann made bob owner"),
        ({"kind": "painted", "value": "red"}, "ann: painted  red"),
    ],
)
def test_a_notice_is_a_sentence(fields: dict[str, Any], sentence: str) -> None:
    notice = room_event({"type": "notice", "room": "lobby", "epoch": "e1", "seq": 1, "user": ANN, "at": AT, **fields})
    assert isinstance(notice, Notice)
    assert notice_text(notice) == sentence


def test_the_list_of_rooms_marks_what_is_unread_within_its_width() -> None:
    conversation = of_ann(said(1, mentions=["u"]))
    long = room_state("r" * 40)
    conversation.apply(ephemeral_event({"type": "room_added", "room": long}), 0)
    lines = [plain_text(line) for line in room_list(conversation, None, 12, len)]
    assert lines == ["#lobby    @1", "#" + "r" * 10 + " "]


def test_a_name_of_wide_characters_leaves_the_columns_for_what_is_unread() -> None:
    conversation = of_ann()
    for name in ("会議室についての話", "a" * 20):
        conversation.apply(ephemeral_event({"type": "room_added", "room": room_state(name)}), 0)
        conversation.apply(room_event(message(1, room=name) | {"user": BOB}), 0)
    lines = [plain_text(line) for line in room_list(conversation, None, 12, get_cwidth)]
    assert lines == ["#lobby      ", "#会議室に  1", "#aaaaaaaaa 1"]


def test_what_is_unread_elsewhere_is_listed_with_mentions_first() -> None:
    conversation = of_ann(said(1))
    conversation.apply(ephemeral_event({"type": "room_added", "room": room_state("tea")}), 0)
    conversation.apply(room_event(message(1, room="tea") | {"user": BOB, "mentions": ["u"]}), 0)
    assert unread_text(conversation, None) == "#tea @1, #lobby 1"
    assert unread_text(conversation, conversation.rooms["tea"]) == "#lobby 1"


def test_the_title_shows_topic_and_state() -> None:
    conversation = of_ann()
    conversation.apply(ephemeral_event({"type": "room_added", "room": room_state("tea", topic="oolong")}), 0)
    assert title(conversation.rooms["tea"]) == "tea – oolong"
    assert title(None) == ""


@pytest.mark.parametrize(("names", "text"), [([], ""), (["a"], "a is typing …"), (["a", "b"], "a, b are typing …")])
def test_who_types(names: list[str], text: str) -> None:
    assert typing_text(names) == text
