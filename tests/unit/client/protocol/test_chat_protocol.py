import json
from typing import Any

import pytest

from cloudchat.client.protocol.chat_protocol import WELCOME_SECONDS, ChatProtocol
from cloudchat.client.protocol.join_window import MAX_UNANSWERED
from cloudchat.client.protocol.outbox import PendingCommand
from cloudchat.client.protocol.room_events import (
    Deleted,
    Edited,
    Message,
    Notice,
    Reaction,
    RoomEvent,
    User,
    room_event,
)
from cloudchat.client.protocol.updates import (
    Connected,
    EphemeralEvent,
    Presence,
    ReadElsewhere,
    Reply,
    RoomAdded,
    RoomChanged,
    RoomRemoved,
    Typing,
)
from cloudchat.core.stream_position import StreamPosition
from cloudchat.protocol.close_codes import Recovery
from unit.client.frames import ANN, AT, WELCOME, Frame, ack, error, head, joined, message, room_state, text_of, welcome


def commands(protocol: ChatProtocol, now: float = 0.0) -> list[Frame]:
    return [json.loads(text) for text in protocol.take_commands(now)]


def receive(protocol: ChatProtocol, *frames: Frame, now: float = 0.0) -> None:
    for frame in frames:
        protocol.frame_received(text_of(frame), now)


def connected(*rooms: str) -> ChatProtocol:
    """Return a client that has received `welcome`."""
    protocol = ChatProtocol(rand=lambda: 0.5)
    for room in rooms:
        protocol.subscribe(room, 0)
    protocol.connection_opened(0)
    receive(protocol, WELCOME)
    return protocol


def in_lobby(at: int = 3) -> ChatProtocol:
    """Return a client that has joined the lobby and has its events up to `at`."""
    protocol = connected("lobby")
    (join,) = commands(protocol)
    receive(protocol, joined(join, "fresh", at), *(message(seq) for seq in range(1, at + 1)))
    protocol.take_updates()
    return protocol


def send(protocol: ChatProtocol, cid: str) -> list[object]:
    outcomes: list[object] = []
    protocol.send(
        PendingCommand("lobby", cid, {"type": "send", "id": cid, "cid": cid, "room": "lobby"}, outcomes.append)
    )
    return outcomes


def test_no_command_is_sent_before_welcome() -> None:
    protocol = ChatProtocol()
    protocol.subscribe("lobby", 0)
    send(protocol, "a")
    protocol.connection_opened(0)
    assert commands(protocol) == []


def test_welcome_sends_joins_before_messages() -> None:
    protocol = connected("lobby")
    send(protocol, "a")
    assert [command["type"] for command in commands(protocol)] == ["join", "send"]
    assert protocol.take_updates() == [Connected(User(id="u", name="ann"), (), WELCOME)]


def test_a_reconnect_resumes_rooms_and_repeats_unacknowledged_messages() -> None:
    protocol = in_lobby(3)
    outcomes = send(protocol, "a")
    commands(protocol)
    assert protocol.connection_closed(1012) is Recovery.RETRY
    protocol.connection_opened(5)
    receive(protocol, WELCOME, now=5)
    join, repeated = commands(protocol, 5)
    assert join["after"] == {"epoch": "e1", "seq": 3}
    assert repeated["cid"] == "a"
    receive(protocol, ack("a", 4), now=5)
    assert outcomes == [ack("a", 4)]


def test_frames_become_the_updates_of_their_kind() -> None:
    protocol = in_lobby(3)
    unknown = {"type": "weather", "room": "lobby"}
    pong = {"type": "pong", "id": "r1"}
    page = {"type": "history", "id": "r2", "room": "lobby", "epoch": "e1", "events": [], "more": False}
    receive(protocol, message(4), unknown, head(4), pong, page, error("r3"), message(1, room="elsewhere"))
    assert protocol.take_updates() == [
        room_event(message(4), text_of(message(4))),
        EphemeralEvent(unknown),
        Reply(pong),
        Reply(page),
        Reply(error("r3")),
    ]


def logged(seq: int, type_: str, **fields: object) -> Frame:
    return {"type": type_, "room": "lobby", "epoch": "e1", "seq": seq, "user": ANN, "at": AT, **fields}


def test_logged_events_are_typed_and_those_of_an_unknown_type_count() -> None:
    protocol = in_lobby(0)
    bob = {"id": "b", "name": "bob"}
    frames = [
        logged(1, "message", cid="c", text="hi @bob", mentions=["b"], reply_to=7, new_field=1),
        logged(2, "edited", target=1, text="hi"),
        logged(3, "reaction", target=1, emoji="👍", on=True),
        logged(4, "deleted", target=1),
        logged(5, "notice", kind="added", target=bob),
        {"type": "poll", "room": "lobby", "epoch": "e1", "seq": 6},
    ]
    receive(protocol, *frames)
    ann = User(id="u", name="ann")
    common: list[dict[str, Any]] = [
        {"room": "lobby", "epoch": "e1", "seq": frame["seq"], "raw": text_of(frame)} for frame in frames
    ]
    said: dict[str, Any] = {"user": ann, "at": AT}
    assert protocol.take_updates() == [
        Message(**common[0], **said, cid="c", text="hi @bob", mentions=("b",), reply_to=7),
        Edited(**common[1], **said, target=1, text="hi"),
        Reaction(**common[2], **said, target=1, emoji="👍", on=True),
        Deleted(**common[3], **said, target=1),
        Notice(**common[4], **said, kind="added", target=User(id="b", name="bob")),
        RoomEvent(**common[5]),
    ]


def test_ephemeral_events_are_typed() -> None:
    protocol = in_lobby()
    receive(
        protocol,
        {"type": "typing", "room": "lobby", "user": ANN},
        {"type": "presence", "room": "lobby", "user": ANN, "online": True},
        {"type": "read", "room": "lobby", "seq": 2},
    )
    ann = User(id="u", name="ann")
    assert protocol.take_updates() == [
        Typing(room="lobby", user=ann),
        Presence(room="lobby", user=ann, online=True),
        ReadElsewhere(room="lobby", seq=2),
    ]


# -- the rooms of the user --


def member(*rooms: str) -> ChatProtocol:
    """Return a client that wants all rooms, of a user with these rooms."""
    protocol = ChatProtocol(rand=lambda: 0.5)
    protocol.subscribe_all(0)
    protocol.connection_opened(0)
    receive(protocol, welcome(*(room_state(id) for id in rooms)))
    return protocol


def joined_rooms(protocol: ChatProtocol, now: float = 0.0) -> list[str]:
    return [command["room"] for command in commands(protocol, now) if command["type"] == "join"]


def test_all_rooms_are_joined_also_those_that_are_added_later() -> None:
    protocol = member("lobby", "office")
    assert joined_rooms(protocol) == ["lobby", "office"]
    receive(protocol, {"type": "room_added", "room": room_state("team")})
    assert joined_rooms(protocol) == ["team"]
    assert list(protocol.rooms) == ["lobby", "office", "team"]


def test_all_rooms_can_be_asked_for_on_an_open_connection() -> None:
    protocol = ChatProtocol()
    protocol.connection_opened(0)
    receive(protocol, welcome(room_state("lobby"), room_state("office")))
    assert joined_rooms(protocol) == []
    protocol.subscribe_all(0)
    assert joined_rooms(protocol) == ["lobby", "office"]


def test_a_room_that_the_user_has_left_is_not_joined_with_all_rooms_again() -> None:
    protocol = member("lobby", "office")
    commands(protocol)
    protocol.unsubscribe("office")
    protocol.connection_closed(1012)
    protocol.connection_opened(5)
    receive(protocol, welcome(room_state("lobby"), room_state("office")), now=5)
    assert joined_rooms(protocol, 5) == ["lobby"]


def test_after_room_removed_the_room_is_neither_left_nor_joined_until_it_is_added_again() -> None:
    protocol = in_lobby(3)
    receive(protocol, {"type": "room_removed", "room": "lobby"}, message(4))
    assert protocol.take_updates() == [RoomRemoved(room="lobby")]
    assert commands(protocol) == []
    protocol.connection_closed(1012)
    protocol.connection_opened(5)
    receive(protocol, WELCOME, now=5)
    assert commands(protocol, 5) == []
    receive(protocol, {"type": "room_added", "room": room_state("lobby")}, now=6)
    (join,) = commands(protocol, 6)
    assert join["after"] == {"epoch": "e1", "seq": 3}


def test_a_room_that_welcome_does_not_list_any_more_is_not_joined() -> None:
    protocol = member("lobby", "office")
    commands(protocol)
    protocol.connection_closed(1012)
    protocol.connection_opened(5)
    receive(protocol, welcome(room_state("lobby")), now=5)
    assert joined_rooms(protocol, 5) == ["lobby"]
    assert list(protocol.rooms) == ["lobby"]


def test_a_room_of_another_name_is_reported() -> None:
    protocol = member("lobby")
    protocol.take_updates()
    receive(protocol, {"type": "room_changed", "room": room_state("lobby", topic="tea")})
    (update,) = protocol.take_updates()
    assert isinstance(update, RoomChanged)
    assert protocol.rooms["lobby"].topic == update.room.topic == "tea"


def test_room_added_is_reported_with_its_state() -> None:
    protocol = member()
    protocol.take_updates()
    receive(protocol, {"type": "room_added", "room": room_state("d", kind="direct", name="", users=[ANN])})
    (update,) = protocol.take_updates()
    assert isinstance(update, RoomAdded)
    assert update.room.users == (User(id="u", name="ann"),)


# -- many rooms --


def test_joins_of_many_rooms_are_sent_as_the_replies_arrive() -> None:
    protocol = member(*(f"r{number}" for number in range(500)))
    waiting = commands(protocol)
    assert len(waiting) == MAX_UNANSWERED
    names = [join["room"] for join in waiting]
    while waiting:
        receive(protocol, joined(waiting.pop(0), "fresh", 0))
        more = commands(protocol)
        names += [join["room"] for join in more]
        waiting += more
        assert len(waiting) <= MAX_UNANSWERED
    assert names == list(protocol.rooms)


def test_after_a_refused_join_the_others_wait_and_are_sent_one_at_a_time() -> None:
    protocol = member(*(f"r{number}" for number in range(40)))
    first = commands(protocol)
    receive(protocol, *(error(join["id"], "rate_limited", retry_after_ms=20) for join in first))
    assert protocol.next_tick(0) == 0.02
    assert commands(protocol, 0.01) == []
    (join,) = commands(protocol, 0.02)
    assert join["room"] == "r16"  # which has waited the longest
    assert commands(protocol, 0.03) == []
    receive(protocol, joined(join, "fresh", 0), now=0.03)
    assert len(commands(protocol, 0.03)) == 1


def test_a_room_that_is_always_refused_does_not_keep_the_others_waiting() -> None:
    protocol = member("broken", *(f"r{number}" for number in range(40)))
    now, done = 0.0, set()
    for _ in range(200):
        for join in commands(protocol, now):
            if join["room"] == "broken":
                receive(protocol, error(join["id"], retry_after_ms=500), now=now)
            else:
                receive(protocol, joined(join, "fresh", 0), now=now)
                done.add(join["room"])
        now += 0.1
    assert len(done) == 40


def test_a_new_connection_sends_joins_at_the_full_rate_again() -> None:
    protocol = member(*(f"r{number}" for number in range(40)))
    receive(protocol, error(commands(protocol)[0]["id"], "rate_limited", retry_after_ms=60_000))
    protocol.connection_closed(1006)
    protocol.connection_opened(5)
    receive(protocol, welcome(*(room_state(id) for id in protocol.rooms)), now=5)
    assert len(commands(protocol, 5)) == MAX_UNANSWERED


# -- read markers --


def test_a_read_marker_is_repeated_until_it_is_saved() -> None:
    protocol = member("lobby")
    commands(protocol)
    protocol.read("lobby", 3)
    (read,) = commands(protocol)
    assert (read["type"], read["room"], read["seq"]) == ("read", "lobby", 3)
    assert protocol.rooms["lobby"].read == 3
    protocol.connection_closed(1006)
    protocol.connection_opened(5)
    receive(protocol, welcome(room_state("lobby")), now=5)
    (read,) = [command for command in commands(protocol, 5) if command["type"] == "read"]
    receive(protocol, {"type": "ack", "id": read["id"], "room": "lobby", "seq": 3})
    protocol.connection_closed(1006)
    protocol.connection_opened(9)
    receive(protocol, welcome(room_state("lobby", read=3)), now=9)
    assert [command["type"] for command in commands(protocol, 9)] == ["join"]


def test_tick_reports_a_lost_connection_after_two_heartbeats_of_silence() -> None:
    protocol = in_lobby()
    assert protocol.tick(50)
    assert not protocol.tick(50.1)


def test_tick_reports_a_lost_connection_when_no_welcome_comes() -> None:
    protocol = ChatProtocol()
    protocol.connection_opened(0)
    assert protocol.tick(WELCOME_SECONDS)
    assert not protocol.tick(WELCOME_SECONDS + 0.1)


def test_a_silent_room_is_joined_again_while_the_connection_is_alive() -> None:
    protocol = in_lobby(3)
    receive(protocol, {"type": "pong"}, now=49)
    assert protocol.tick(51)
    (join,) = commands(protocol, 51)
    assert join["after"] == {"epoch": "e1", "seq": 3}


def test_tick_reports_a_lost_connection_when_a_join_gets_no_reply() -> None:
    protocol = connected("lobby")
    commands(protocol)
    receive(protocol, {"type": "pong"}, now=49)
    assert not protocol.tick(51)


def test_a_join_with_a_temporary_error_is_repeated_after_the_delay() -> None:
    protocol = connected("lobby")
    (join,) = commands(protocol)
    receive(protocol, error(join["id"], retry_after_ms=500))
    assert protocol.next_tick(0) == 0.5
    assert commands(protocol, 0.4) == []
    assert [command["type"] for command in commands(protocol, 0.5)] == ["join"]


def test_resume_continues_from_the_position_of_pause() -> None:
    protocol = in_lobby(3)
    protocol.pause()
    assert commands(protocol) == [{"type": "leave", "room": "lobby"}]
    receive(protocol, message(4))
    assert protocol.take_updates() == []
    protocol.resume(1)
    (join,) = commands(protocol, 1)
    assert join["after"] == {"epoch": "e1", "seq": 3}


def test_a_paused_client_still_receives_acks() -> None:
    protocol = in_lobby(3)
    protocol.pause()
    outcomes = send(protocol, "a")
    commands(protocol)
    receive(protocol, ack("a", 4))
    assert outcomes == [ack("a", 4)]


def test_unsubscribe_leaves_the_room() -> None:
    protocol = in_lobby()
    protocol.unsubscribe("lobby")
    assert commands(protocol) == [{"type": "leave", "room": "lobby"}]
    receive(protocol, message(4))
    assert protocol.take_updates() == []


def test_the_reply_to_an_earlier_subscription_is_ignored() -> None:
    protocol = connected("lobby")
    (early,) = commands(protocol)
    protocol.unsubscribe("lobby")
    protocol.subscribe("lobby", 0, after=StreamPosition("e1", 1))
    _, late = commands(protocol)
    receive(protocol, joined(early, "fresh", 3), message(3), joined(late, "recovered", 3), message(2), message(3))
    assert [update.seq for update in protocol.take_updates() if isinstance(update, RoomEvent)] == [2, 3]


def test_joins_of_rooms_with_long_similar_names_have_different_ids() -> None:
    names = ["x" * 63 + end for end in "ab"]
    assert len({join["id"] for join in commands(connected(*names))}) == 2


def test_a_new_connection_resets_drain_and_token_expiry() -> None:
    protocol = in_lobby()
    receive(
        protocol, {"type": "drain", "reconnect_after_ms": 1500}, {"type": "token_expiring", "token_expires_at": "…"}
    )
    assert protocol.drain_seconds == 1.5
    assert protocol.token_expiring
    protocol.connection_closed(1012)
    protocol.connection_opened(2)
    assert protocol.drain_seconds is None
    assert not protocol.token_expiring


@pytest.mark.parametrize("text", ["[]", "1", "{}", '{"type":5}', "{"])
def test_an_invalid_frame_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        connected().frame_received(text, 0)
