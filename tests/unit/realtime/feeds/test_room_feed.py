"""What a feed keeps in memory of a deleted message."""

from typing import Any

import msgspec

from cloudchat.broker.reads import Page
from cloudchat.protocol.framing import text_frame
from cloudchat.realtime.feeds.room_feed import RoomFeed


def event(type_: str, seq: int, **fields: Any) -> bytes:
    head = {"type": type_, "room": "lobby", "epoch": "e1", "seq": seq}
    return msgspec.json.encode({**head, **fields})


def test_the_events_up_to_the_last_one_that_names_a_user_are_dropped() -> None:
    feed = RoomFeed("lobby")
    events = [
        event("message", 1, user={"id": "ann", "name": "ann"}),
        event("notice", 2, user={"id": "ann", "name": "ann"}, target={"id": "bob", "name": "bob"}),
        event("message", 3, user={"id": "ann", "name": "ann"}, text="bob"),
    ]
    feed.open(Page("e1", head=3, oldest=1, first=1, events=events))
    feed.forget_user("bo")
    assert feed.recent.covers(0)
    feed.forget_user("bob")
    assert (feed.recent.covers(1), feed.recent.after(2)) == (False, [text_frame(events[2])])
    assert feed.accept("e1", 4, event("message", 4)) is not None


def test_a_deletion_erases_the_text_of_the_message_and_of_its_edits_only() -> None:
    feed = RoomFeed("lobby")
    first = event("message", 1, text='a "secret" \\')
    feed.open(Page("e1", head=1, oldest=1, first=1, events=[first]))
    others = [
        event("message", 2, text='"target":1,'),
        event("edited", 3, target=1, text="x" * 70_000 + '"'),
        event("edited", 4, target=11, text="another one"),
        event("reaction", 5, target=1, emoji="x", on=True),
    ]
    for seq, other in enumerate(others, 2):
        feed.accept("e1", seq, other)
    deleted = event("deleted", 6, target=1)
    assert feed.accept("e1", 6, deleted) == text_frame(deleted)
    expected = [
        event("message", 1, text=""),
        others[0],
        event("edited", 3, target=1, text=""),
        *others[2:],
        deleted,
    ]
    assert feed.recent.after(0) == [text_frame(one) for one in expected]
    assert feed.recent.size_bytes == sum(len(text_frame(one)) for one in expected)
