from typing import Any

import pytest

from cloudchat.client import Gap, HistoryPage, Message, RoomEvent, StreamPosition, Update, User
from cloudchat.client.protocol.room_events import room_event
from cloudchat.client.protocol.updates import connected, ephemeral_event
from cloudchat.terminal.conversation import MAX_ROWS, TYPING_SECONDS, Conversation, RoomView
from unit.client.frames import ANN, AT, Frame, message, room_state, welcome

BOB = {"id": "b", "name": "bob"}


def change(seq: int, type_: str, target: int, **fields: Any) -> RoomEvent:
    frame = {"type": type_, "room": "lobby", "epoch": "e1", "seq": seq, "user": BOB, "at": AT, "target": target}
    return room_event({**frame, **fields})


def said(seq: int, text: str = "", user: Frame = BOB, **fields: Any) -> RoomEvent:
    return room_event({**message(seq, text=text), "user": user, **fields})


def of_ann(*updates: Update, read: int = 0, seq: int = 0) -> Conversation:
    """Return the conversation of ann, in the lobby."""
    conversation = Conversation()
    conversation.apply(connected(welcome(room_state("lobby", read=read, seq=seq))), 0)
    for update in updates:
        conversation.apply(update, 0)
    return conversation


def lobby(*updates: Update, read: int = 0) -> RoomView:
    return of_ann(*updates, read=read).rooms["lobby"]


def test_changes_are_applied_to_their_message() -> None:
    row = lobby(
        said(1, "hello @ann", mentions=["u"]),
        change(2, "reaction", 1, emoji="👍", on=True),
        change(3, "reaction", 1, emoji="👍", on=True, user=ANN),
        change(4, "reaction", 1, emoji="🎉", on=True),
        change(5, "reaction", 1, emoji="🎉", on=False),
        change(6, "edited", 1, text="hello"),
    ).rows[1]
    assert (row.text, row.is_edited, row.mentions_user, row.reactions) == ("hello", True, False, {"👍": 2})


def test_a_deleted_message_has_no_text_and_is_not_unread() -> None:
    room = lobby(said(1, "x"), change(2, "deleted", 1))
    assert (room.rows[1].text, room.rows[1].is_deleted, room.unread_label) == ("", True, "")


def test_a_change_that_history_has_folded_in_is_ignored() -> None:
    room = lobby(said(9))
    old = Message(room="lobby", epoch="e1", seq=3, cid="c", user=User(id="b", name="bob"), at=AT, text="new")
    room.add_page(HistoryPage(room="lobby", epoch="e1", as_of=8, events=(old,), more_before=False, more_after=True))
    room.apply(change(7, "edited", 3, text="older text"), 0)
    assert room.rows[3].text == "new"
    room.apply(change(10, "edited", 3, text="newer text"), 0)
    assert room.rows[3].text == "newer text"
    assert list(room.rows) == [3, 9]
    assert not room.more_before


def test_messages_of_others_after_the_marker_are_unread() -> None:
    room = lobby(said(1), said(2, user=ANN), said(3), said(4, mentions_room=True), read=1)
    assert room.unread_label == "2"
    assert room.has_unread_mention
    room.read_up_to(4)
    assert room.unread_label == ""
    room.read_up_to(1)
    assert room.room.read == 4


def test_more_may_be_unread_than_were_loaded() -> None:
    assert lobby(said(51), said(52), read=10).unread_label == "2+"


def test_reading_elsewhere_counts() -> None:
    conversation = of_ann(said(1), ephemeral_event({"type": "read", "room": "lobby", "seq": 1}))
    assert conversation.rooms["lobby"].unread_label == ""


def test_typing_ends_with_the_message_or_by_itself() -> None:
    typing = ephemeral_event({"type": "typing", "room": "lobby", "user": BOB})
    room = lobby(typing)
    assert room.typing(TYPING_SECONDS - 1) == ["bob"]
    assert room.typing(TYPING_SECONDS) == []
    assert lobby(typing, said(1)).typing(1) == []


def test_rooms_come_and_go() -> None:
    conversation = of_ann()
    conversation.apply(ephemeral_event({"type": "room_added", "room": room_state("tea")}), 0)
    conversation.apply(ephemeral_event({"type": "room_changed", "room": room_state("tea", topic="oolong")}), 0)
    assert conversation.rooms["tea"].room.topic == "oolong"
    conversation.apply(ephemeral_event({"type": "room_removed", "room": "tea"}), 0)
    assert list(conversation.rooms) == ["lobby"]
    conversation.apply(connected(welcome(room_state("tea"))), 0)
    assert list(conversation.rooms) == ["tea"]


def test_after_a_gap_the_messages_before_it_are_loaded_from_the_server_again() -> None:
    room = lobby(said(1), Gap("lobby", StreamPosition("e1", 1), 40), said(40))
    assert list(room.rows) == [40]
    assert room.more_before


def test_memory_is_bounded() -> None:
    room = lobby(*(said(seq) for seq in range(1, MAX_ROWS + 3)))
    assert len(room.rows) == MAX_ROWS
    assert next(iter(room.rows)) == 3
    assert room.more_before


@pytest.mark.parametrize(("name", "found"), [("LOBBY", "lobby"), ("#lob", "lobby"), ("r2", "r2"), ("bob", "r2")])
def test_a_room_is_found_by_id_name_or_the_beginning_of_its_name(name: str, found: str) -> None:
    conversation = of_ann()
    room = room_state("r2", kind="direct", users=[BOB])
    conversation.apply(ephemeral_event({"type": "room_added", "room": {**room, "name": ""}}), 0)
    view = conversation.find(name)
    assert view is not None
    assert view.room.id == found


def test_rooms_are_named_by_id_or_by_their_whole_name() -> None:
    conversation = of_ann()
    for id, name in (("r1", "builds"), ("r2", "Builds"), ("r3", "#news"), ("r4", "r1")):
        conversation.apply(ephemeral_event({"type": "room_added", "room": {**room_state(id), "name": name}}), 0)

    def ids(name: str) -> list[str]:
        return [view.room.id for view in conversation.named(name)]

    assert ids("#builds") == ["r1", "r2"]
    assert (ids("r1"), ids("#news"), ids("build")) == (["r1"], ["r3"], [])


def test_an_unknown_room_is_not_found() -> None:
    assert of_ann().find("nowhere") is None
