import json

import pytest

from cloudchat.client.chat_protocol import WELCOME_SECONDS, ChatProtocol
from cloudchat.client.outbox import PendingSend
from cloudchat.client.updates import Connected, EphemeralEvent, Reply, RoomEvent
from cloudchat.core.stream_position import StreamPosition
from cloudchat.protocol.close_codes import Recovery
from unit.client.frames import WELCOME, Frame, ack, error, head, joined, message, text_of


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
    protocol.send(PendingSend("lobby", cid, {"type": "send", "id": cid, "cid": cid, "room": "lobby"}, outcomes.append))
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
    assert protocol.take_updates() == [Connected(WELCOME)]


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
    typing = {"type": "typing", "room": "lobby", "user": {"id": "x", "name": "x"}}
    pong = {"type": "pong", "id": "r1"}
    page = {"type": "history", "id": "r2", "room": "lobby", "epoch": "e1", "events": [], "more": False}
    receive(protocol, message(4), typing, head(4), pong, page, error("r3"), message(1, room="elsewhere"))
    assert protocol.take_updates() == [
        RoomEvent("lobby", 4, message(4), text_of(message(4))),
        EphemeralEvent(typing),
        Reply(pong),
        Reply(page),
        Reply(error("r3")),
    ]


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
    receive(protocol, {"type": "pong"}, now=49)
    assert not protocol.tick(51)


def test_a_join_with_a_temporary_error_is_repeated_after_the_delay() -> None:
    protocol = connected("lobby")
    (join,) = commands(protocol)
    receive(protocol, error(join["id"], retry_after_ms=500))
    assert protocol.next_tick(0) == 0.5
    protocol.tick(0.4)
    assert commands(protocol, 0.4) == []
    protocol.tick(0.5)
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
