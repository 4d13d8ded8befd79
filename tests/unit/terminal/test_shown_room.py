"""What the user types goes to the room that is shown: never to another one that has taken its place."""

import pytest

from cloudchat.client.protocol.updates import connected, ephemeral_event
from cloudchat.terminal.conversation import Conversation
from cloudchat.terminal.shown_room import ShownRoom, UnknownRoom
from unit.client.frames import Frame, room_state, welcome


class World:
    """A user in rooms, whose ids are their names."""

    def __init__(self, *rooms: str, first: str | None = None) -> None:
        self.conversation = Conversation()
        self.shown = ShownRoom(self.conversation, first)
        self.connect(*rooms)

    def connect(self, *rooms: str) -> str:
        update = connected(welcome(*map(room_state, rooms)))
        self.conversation.apply(update, 0)
        return self.shown.follow(update)

    def receive(self, type_: str, room: object, **fields: object) -> str:
        update = ephemeral_event({"type": type_, "room": room, **fields})
        self.conversation.apply(update, 0)
        return self.shown.follow(update)

    @property
    def name(self) -> str | None:
        return self.shown.view.name if self.shown.view else None


def room(name: str, id: str = "") -> Frame:
    return {**room_state(id or name), "name": name}


def test_the_lobby_or_the_wanted_room_is_shown_first() -> None:
    assert World("a", "lobby").name == "lobby"
    assert World("a", "b").name == "a"
    assert World("lobby", "builds-2", "builds", first="Builds").name == "builds"


def test_a_room_that_only_begins_so_is_not_the_wanted_one() -> None:
    with pytest.raises(UnknownRoom):
        World("lobby", "builds-2", first="builds")


def test_one_of_two_rooms_with_the_wanted_name_is_not_guessed() -> None:
    world = World("lobby")
    for id in ("r1", "r2"):
        world.receive("room_added", room("builds", id))
    shown = ShownRoom(world.conversation, "builds")
    with pytest.raises(UnknownRoom):
        shown.follow(connected(welcome()))
    by_id = ShownRoom(world.conversation, "r2")
    by_id.follow(connected(welcome()))
    assert by_id.view is world.conversation.rooms["r2"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "You are not in secret any more."),
        ({"banned_until": None}, "A moderator has banned you from secret."),
        ({"banned_until": "2026-11-30T00:00:00.000Z"}, "banned you from secret until 2026-11-30T00:00:00.000Z."),
    ],
)
def test_after_a_removal_no_other_room_is_shown_until_the_user_chooses_one(fields: Frame, reason: str) -> None:
    world = World("lobby", "secret", first="secret")
    assert reason in world.receive("room_removed", "secret", **fields)
    assert world.name is None
    assert world.receive("room_added", room("tea")) == ""
    assert world.name is None


def test_a_removal_while_the_connection_was_lost_is_one_too() -> None:
    world = World("lobby", "secret", first="secret")
    assert "You are not in secret any more." in world.connect("lobby")
    assert world.name is None


def test_a_room_of_which_the_user_is_a_member_again_stays() -> None:
    world = World("lobby", "tea", first="tea")
    world.conversation.rooms.pop("tea")
    assert world.receive("room_added", room("tea")) == ""
    assert world.shown.view is world.conversation.rooms["tea"]


@pytest.mark.parametrize("event_is_first", [True, False])
def test_the_lobby_is_shown_after_the_user_has_left_a_room(event_is_first: bool) -> None:
    world = World("lobby", "tea", first="tea")
    if event_is_first:
        world.receive("room_removed", "tea")
    world.shown.leave("tea")
    if not event_is_first:
        assert world.receive("room_removed", "tea") == ""
    assert world.name == "lobby"


@pytest.mark.parametrize("event_is_first", [True, False])
def test_a_room_that_the_user_has_created_is_shown_when_the_server_has_told_of_it(event_is_first: bool) -> None:
    world = World("lobby")
    if event_is_first:
        world.receive("room_added", room("tea"))
    world.shown.wait_for("tea")
    if not event_is_first:
        assert world.name == "lobby"
        world.receive("room_added", room("tea"))
    assert world.name == "tea"
