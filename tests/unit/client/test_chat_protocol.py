import json

import pytest

from cloudchat.client.chat_protocol import WELCOME_SECONDS, ChatProtocol
from cloudchat.client.close_rules import Reaction
from cloudchat.client.outbox import PendingSend
from cloudchat.client.updates import Connected, EphemeralEvent, Reply, RoomEvent
from cloudchat.core.stream_position import StreamPosition
from unit.client.frames import WELCOME, Frame, ack, error, head, joined, message, text_of


def commands(protocol: ChatProtocol, now: float = 0.0) -> list[Frame]:
    return [json.loads(text) for text in protocol.take_commands(now)]


def hear(protocol: ChatProtocol, *frames: Frame, now: float = 0.0) -> None:
    for frame in frames:
        protocol.received(text_of(frame), now)


def connected(*rooms: str) -> ChatProtocol:
    protocol = ChatProtocol(rand=lambda: 0.5)
    for room in rooms:
        protocol.follow(room, 0)
    protocol.opened(0)
    hear(protocol, WELCOME)
    return protocol


def in_lobby(at: int = 3) -> ChatProtocol:
    protocol = connected("lobby")
    (join,) = commands(protocol)
    hear(protocol, joined(join, "fresh", at), *(message(seq) for seq in range(1, at + 1)))
    protocol.take_updates()
    return protocol


def write(protocol: ChatProtocol, cid: str) -> list[object]:
    outcomes: list[object] = []
    protocol.write(PendingSend("lobby", cid, {"type": "send", "id": cid, "cid": cid, "room": "lobby"}, outcomes.append))
    return outcomes


def test_nothing_is_said_before_welcome() -> None:
    protocol = ChatProtocol()
    protocol.follow("lobby", 0)
    write(protocol, "a")
    protocol.opened(0)
    assert commands(protocol) == []


def test_welcome_joins_first_and_sends_then() -> None:
    protocol = connected("lobby")
    write(protocol, "a")
    assert [command["type"] for command in commands(protocol)] == ["join", "send"]
    assert protocol.take_updates() == [Connected(WELCOME)]


def test_a_reconnect_resumes_rooms_and_repeats_what_is_unacknowledged() -> None:
    protocol = in_lobby(3)
    outcomes = write(protocol, "a")
    commands(protocol)
    assert protocol.closed(1012) is Reaction.RETRY
    protocol.opened(5)
    hear(protocol, WELCOME, now=5)
    join, send = commands(protocol, 5)
    assert join["after"] == {"epoch": "e1", "seq": 3}
    assert send["cid"] == "a"
    hear(protocol, ack("a", 4), now=5)
    assert outcomes == [ack("a", 4)]


def test_each_frame_reaches_the_one_it_concerns() -> None:
    protocol = in_lobby(3)
    typing = {"type": "typing", "room": "lobby", "user": {"id": "x", "name": "x"}}
    pong = {"type": "pong", "id": "r1"}
    page = {"type": "history", "id": "r2", "room": "lobby", "epoch": "e1", "events": [], "more": False}
    hear(protocol, message(4), typing, head(4), pong, page, error("r3"), message(1, room="elsewhere"))
    told = protocol.take_updates()
    assert told == [
        RoomEvent("lobby", 4, message(4), text_of(message(4))),
        EphemeralEvent(typing),
        Reply(pong),
        Reply(page),
        Reply(error("r3")),
    ]


def test_twice_the_heartbeat_in_silence_means_the_server_is_gone() -> None:
    protocol = in_lobby()
    assert protocol.tick(50)
    assert not protocol.tick(50.1)


def test_no_welcome_means_the_same() -> None:
    protocol = ChatProtocol()
    protocol.opened(0)
    assert protocol.tick(WELCOME_SECONDS)
    assert not protocol.tick(WELCOME_SECONDS + 0.1)


def test_a_room_that_is_silent_on_a_living_socket_is_joined_again() -> None:
    protocol = in_lobby(3)
    hear(protocol, {"type": "pong"}, now=49)
    assert protocol.tick(51)
    (join,) = commands(protocol, 51)
    assert join["after"] == {"epoch": "e1", "seq": 3}


def test_a_join_that_is_never_answered_costs_the_connection() -> None:
    protocol = connected("lobby")
    hear(protocol, {"type": "pong"}, now=49)
    assert not protocol.tick(51)


def test_a_refused_join_is_repeated_when_it_is_time() -> None:
    protocol = connected("lobby")
    (join,) = commands(protocol)
    hear(protocol, error(join["id"], retry_after_ms=500))
    assert protocol.next_tick(0) == 0.5
    protocol.tick(0.4)
    assert commands(protocol, 0.4) == []
    protocol.tick(0.5)
    assert [command["type"] for command in commands(protocol, 0.5)] == ["join"]


def test_a_paused_client_takes_no_events_and_goes_on_where_it_was() -> None:
    protocol = in_lobby(3)
    protocol.pause()
    assert commands(protocol) == [{"type": "leave", "room": "lobby"}]
    hear(protocol, message(4))
    assert protocol.take_updates() == []
    protocol.resume(1)
    (join,) = commands(protocol, 1)
    assert join["after"] == {"epoch": "e1", "seq": 3}


def test_a_paused_client_still_gets_its_acks() -> None:
    protocol = in_lobby(3)
    protocol.pause()
    outcomes = write(protocol, "a")
    commands(protocol)
    hear(protocol, ack("a", 4))
    assert outcomes == [ack("a", 4)]


def test_unfollowing_leaves() -> None:
    protocol = in_lobby()
    protocol.unfollow("lobby")
    assert commands(protocol) == [{"type": "leave", "room": "lobby"}]
    hear(protocol, message(4))
    assert protocol.take_updates() == []


def test_the_answer_to_a_join_before_leaving_is_not_taken_for_that_to_the_next() -> None:
    protocol = connected("lobby")
    (early,) = commands(protocol)
    protocol.unfollow("lobby")
    protocol.follow("lobby", 0, after=StreamPosition("e1", 1))
    _, late = commands(protocol)
    hear(protocol, joined(early, "fresh", 3), message(3), joined(late, "recovered", 3), message(2), message(3))
    told = protocol.take_updates()
    assert [update.seq for update in told if isinstance(update, RoomEvent)] == [2, 3]


def test_rooms_whose_long_names_begin_alike_are_told_apart() -> None:
    names = ["x" * 63 + end for end in "ab"]
    assert len({join["id"] for join in commands(connected(*names))}) == 2


def test_drain_and_expiry_are_noted_for_the_shell_and_forgotten_with_the_socket() -> None:
    protocol = in_lobby()
    hear(protocol, {"type": "drain", "reconnect_after_ms": 1500}, {"type": "token_expiring", "token_expires_at": "…"})
    assert protocol.drain_seconds == 1.5
    assert protocol.token_expiring
    protocol.closed(1012)
    protocol.opened(2)
    assert protocol.drain_seconds is None
    assert not protocol.token_expiring


@pytest.mark.parametrize("text", ["[]", "1", "{}", '{"type":5}', "{"])
def test_what_is_no_frame_breaks_the_connection(text: str) -> None:
    with pytest.raises(ValueError):
        connected().received(text, 0)
