from cloudchat.client.protocol.read_markers import RETRY_SECONDS, ReadMarkers
from unit.client.frames import Frame, error


def ack_of(command: Frame) -> Frame:
    return {"type": "ack", "id": command["id"], "room": command["room"], "seq": command["seq"]}


def test_only_the_newest_marker_of_a_room_is_sent() -> None:
    markers = ReadMarkers()
    for seq in (1, 5, 3):
        markers.read("lobby", seq)
    (command,) = markers.take_due(0)
    assert command == {"type": "read", "id": command["id"], "room": "lobby", "seq": 5}


def test_a_marker_that_has_moved_is_sent_after_the_answer() -> None:
    markers = ReadMarkers()
    markers.read("lobby", 1)
    (command,) = markers.take_due(0)
    markers.read("lobby", 2)
    assert markers.take_due(0) == []
    assert markers.next_due() is None
    assert markers.reply_received(ack_of(command), 0)
    (later,) = markers.take_due(0)
    assert later["seq"] == 2
    markers.reply_received(ack_of(later), 0)
    assert markers.take_due(0) == []


def test_a_marker_beyond_the_end_of_the_room_is_sent_once() -> None:
    markers = ReadMarkers()
    markers.read("lobby", 900)
    (command,) = markers.take_due(0)
    markers.reply_received({**ack_of(command), "seq": 7}, 0)
    assert markers.take_due(0) == []


def test_after_a_temporary_error_it_is_sent_again() -> None:
    markers = ReadMarkers()
    markers.read("lobby", 1)
    (command,) = markers.take_due(0)
    assert markers.reply_received(error(command["id"], retry_after_ms=2000), 10)
    due = 12 + RETRY_SECONDS
    assert markers.next_due() == due
    assert markers.take_due(due - 0.1) == []
    assert [command["seq"] for command in markers.take_due(due)] == [1]


def test_after_a_permanent_error_it_is_dropped() -> None:
    markers = ReadMarkers()
    markers.read("lobby", 1)
    (command,) = markers.take_due(0)
    markers.reply_received(error(command["id"], "not_found", retryable=False), 0)
    assert markers.take_due(0) == []


def test_replies_to_other_commands_are_not_taken() -> None:
    markers = ReadMarkers()
    assert not markers.reply_received({"type": "ack", "id": "x", "room": "lobby", "seq": 1}, 0)
    assert not markers.reply_received(error(""), 0)
