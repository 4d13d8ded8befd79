"""The fan-out: what is written to which member, in how many writes, and when a large room's flush is held."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cloudchat.realtime.hub import MIN_MEMBERS_TO_HOLD, Hub
from unit.realtime.fakes import socket_without_descriptor


class FakeTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeLoop:
    """A scheduler whose ticks and timers the test runs, and the broker's pending appends."""

    def __init__(self) -> None:
        self.callbacks: list[Callable[[], None]] = []
        self.timers: list[FakeTimer] = []
        self.appends_pending = False

    def call_soon(self, callback: Callable[[], None], /) -> None:
        self.callbacks.append(callback)

    def call_later(self, seconds: float, callback: Callable[[], None], /) -> FakeTimer:
        timer = FakeTimer(callback)
        self.timers.append(timer)
        return timer

    def hub(self) -> Hub:
        return Hub(self, self)

    def tick(self) -> None:
        callbacks, self.callbacks = self.callbacks, []
        for callback in callbacks:
            callback()

    def run_timers(self) -> None:
        timers, self.timers = self.timers, []
        for timer in timers:
            if not timer.cancelled:
                timer.callback()


class FakeMember:
    def __init__(self, on_push: Callable[[], object] = lambda: None) -> None:
        self.direct = socket_without_descriptor()
        self.writes: list[bytes] = []
        self.ephemeral: list[bytes] = []
        self.on_push = on_push

    def push(self, frames: bytes, *, ephemeral: bool = False) -> None:
        (self.ephemeral if ephemeral else self.writes).append(frames)
        self.on_push()


def test_frames_of_one_tick_are_one_write_per_member() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    members = [FakeMember(), FakeMember()]
    for member in members:
        hub.add("r", member)
    hub.deliver("r", b"1")
    hub.deliver("r", b"2")
    assert [member.writes for member in members] == [[], []]
    loop.tick()
    hub.deliver("r", b"3")
    loop.tick()
    assert [member.writes for member in members] == [[b"12", b"3"]] * 2
    assert hub.deliveries == 6


def test_members_receive_the_events_of_their_own_room_only() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    one, other = FakeMember(), FakeMember()
    hub.add("one", one)
    hub.add("other", other)
    hub.deliver("one", b"1")
    hub.deliver("other", b"2")
    hub.deliver("empty room", b"3")
    loop.tick()
    assert (one.writes, other.writes) == ([b"1"], [b"2"])


def test_new_member_receives_nothing_that_was_delivered_before_it_was_added() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    old, new = FakeMember(), FakeMember()
    hub.add("r", old)
    hub.deliver("r", b"1")
    hub.add("r", new)
    hub.deliver("r", b"2")
    loop.tick()
    assert b"".join(old.writes) == b"12"
    assert b"".join(new.writes) == b"2"


def test_removed_member_receives_nothing_more() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    removed, remaining = FakeMember(), FakeMember()
    hub.add("r", removed)
    hub.add("r", remaining)
    hub.deliver("r", b"1")
    hub.remove("r", removed)
    hub.remove("r", removed)
    loop.tick()
    assert (removed.writes, remaining.writes) == ([], [b"1"])


def test_member_that_is_removed_by_its_own_push_does_not_affect_others() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    last = FakeMember()
    slow = FakeMember(lambda: hub.remove("r", slow))
    hub.add("r", slow)
    hub.add("r", last)
    hub.deliver("r", b"1")
    loop.tick()
    hub.deliver("r", b"2")
    loop.tick()
    assert (slow.writes, last.writes) == ([b"1"], [b"1", b"2"])


def test_ephemeral_frame_is_sent_after_the_events_before_it() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    order = []
    member = FakeMember(lambda: order.append((len(member.writes), len(member.ephemeral))))
    hub.add("r", member)
    hub.deliver("r", b"1")
    hub.deliver_ephemeral("r", b"head")
    assert order == [(1, 0), (1, 1)]


def test_member_that_is_added_again_after_remove_all_receives_new_events() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    member = FakeMember()
    hub.add("r", member)
    hub.deliver("r", b"1")
    hub.remove_all("r")
    hub.deliver("r", b"2")
    hub.add("r", member)
    hub.deliver("r", b"3")
    loop.tick()
    assert b"".join(member.writes) == b"13"


def large_room(loop: FakeLoop, count: int = MIN_MEMBERS_TO_HOLD) -> tuple[Hub, list[FakeMember]]:
    hub = loop.hub()
    members = [FakeMember() for _ in range(count)]
    for member in members:
        hub.add("r", member)
    return hub, members


def test_large_room_is_held_while_appends_are_pending_and_flushed_once() -> None:
    loop = FakeLoop()
    hub, members = large_room(loop)
    loop.appends_pending = True
    hub.deliver("r", b"1")
    loop.tick()
    assert members[0].writes == []
    hub.deliver("r", b"2")
    loop.appends_pending = False
    hub.release_held()
    loop.tick()
    assert all(member.writes == [b"12"] for member in members)


def test_large_room_is_flushed_after_the_maximum_hold() -> None:
    loop = FakeLoop()
    hub, members = large_room(loop)
    loop.appends_pending = True
    hub.deliver("r", b"1")
    loop.tick()
    loop.run_timers()
    assert members[0].writes == [b"1"]
    hub.deliver("r", b"2")
    loop.tick()
    loop.run_timers()
    assert members[0].writes == [b"1", b"2"]


def test_small_room_is_never_held() -> None:
    loop = FakeLoop()
    hub, members = large_room(loop, MIN_MEMBERS_TO_HOLD - 1)
    loop.appends_pending = True
    hub.deliver("r", b"1")
    loop.tick()
    assert members[0].writes == [b"1"]


def test_member_that_is_added_during_a_hold_does_not_receive_the_held_events() -> None:
    loop = FakeLoop()
    hub, members = large_room(loop)
    loop.appends_pending = True
    hub.deliver("r", b"1")
    loop.tick()
    new = FakeMember()
    hub.add("r", new)
    loop.run_timers()
    assert (members[0].writes, new.writes) == ([b"1"], [])


@contextmanager
def connected_member() -> Iterator[tuple[FakeMember, socket.socket]]:
    """Yield a member that can be written to directly, and the socket of its peer."""
    ours, peer = socket.socketpair()
    with ours, peer:
        ours.setblocking(False)
        member = FakeMember()
        member.direct = ours
        yield member, peer


def test_frames_are_written_to_the_socket_without_a_push() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    with connected_member() as (member, peer):
        hub.add("r", member)
        hub.deliver("r", b"1")
        hub.deliver("r", b"2")
        loop.tick()
        assert peer.recv(100) == b"12"
    assert member.writes == []


def test_what_the_socket_does_not_take_is_pushed() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    frame = bytes(range(256)) * 4096
    with connected_member() as (member, peer), connected_member() as (other, other_peer):
        hub.add("r", member)
        hub.add("r", other)
        hub.deliver("r", frame)
        hub.flush("r")
        hub.deliver("r", b"second")
        hub.flush("r")
        for each, received in ((member, peer), (other, other_peer)):
            (rest, second) = each.writes
            written = received.recv(len(frame), socket.MSG_WAITALL | socket.MSG_DONTWAIT)
            assert written + rest == frame
            assert 0 < len(rest) < len(frame)
            assert second == b"second"  # the kernel's buffer is full: nothing of it was taken
    assert hub.deliveries == 4


def test_member_whose_socket_fails_is_pushed_and_the_others_are_written_to() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    with connected_member() as (lost, lost_peer), connected_member() as (member, peer):
        paused = FakeMember(lambda: hub.remove("r", paused))
        for each in (lost, paused, member):
            hub.add("r", each)
        lost_peer.close()
        hub.deliver("r", b"1")
        hub.flush("r")
        assert peer.recv(100) == b"1"
        assert (lost.writes, paused.writes, member.writes) == ([b"1"], [b"1"], [])
        hub.deliver("r", b"2")
        hub.flush("r")
        assert peer.recv(100) == b"2"
        assert paused.writes == [b"1"]


def test_ephemeral_frame_is_written_to_the_socket_of_all_but_those_to_skip() -> None:
    hub = FakeLoop().hub()
    with connected_member() as (member, peer), connected_member() as (own, own_peer):
        hub.add("r", member)
        hub.add("r", own)
        hub.deliver_ephemeral("r", b"typing", skip={own})
        hub.deliver_ephemeral("r", b"head")
        assert (peer.recv(100), own_peer.recv(100)) == (b"typinghead", b"head")


def test_rest_of_an_ephemeral_frame_must_not_be_dropped() -> None:
    hub = FakeLoop().hub()
    frame = b"x" * 4_000_000
    with connected_member() as (member, _peer):
        hub.add("r", member)
        hub.deliver_ephemeral("r", frame)
        assert (len(member.writes), member.ephemeral) == (1, [])
        hub.deliver_ephemeral("r", b"head")
        assert (len(member.writes), member.ephemeral) == (1, [b"head"])


def test_reply_and_events_of_one_tick_are_one_write() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    sender, other = FakeMember(), FakeMember()
    hub.add("r", sender)
    hub.add("r", other)
    hub.deliver("r", b"event")
    hub.reply("r", sender, b"ack 1 ")
    hub.reply("r", sender, b"ack 2 ")
    assert (sender.writes, other.writes) == ([], [])
    loop.tick()
    assert (sender.writes, other.writes) == ([b"ack 1 ack 2 event"], [b"event"])
    assert hub.deliveries == 2


def test_reply_without_an_event_is_sent_in_the_same_tick() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    sender, other = FakeMember(), FakeMember()
    hub.add("r", sender)
    hub.add("r", other)
    hub.reply("r", sender, b"ack")
    loop.tick()
    assert (sender.writes, other.writes) == ([b"ack"], [])


def test_reply_to_a_member_that_leaves_is_sent() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    sender, other = FakeMember(), FakeMember()
    hub.add("r", sender)
    hub.add("r", other)
    hub.reply("r", sender, b"ack")
    hub.remove("r", sender)
    assert sender.writes == [b"ack"]
    loop.tick()
    assert (sender.writes, other.writes) == ([b"ack"], [])


def test_reply_outside_of_a_room_and_in_a_large_room_does_not_wait() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    outside, large = FakeMember(), [FakeMember() for _ in range(MIN_MEMBERS_TO_HOLD)]
    hub.reply("r", outside, b"ack")
    for member in large:
        hub.add("r", member)
    loop.appends_pending = True
    hub.deliver("r", b"event")
    loop.tick()
    hub.reply("r", outside, b"ack")
    hub.reply("r", large[0], b"ack")
    assert outside.writes == [b"ack", b"ack"]
    assert large[0].writes == [b"ack"]


def test_reply_to_a_member_that_is_closed_by_its_write_reaches_the_others() -> None:
    loop = FakeLoop()
    hub = loop.hub()
    last = FakeMember()
    slow = FakeMember(lambda: hub.remove("r", slow))
    hub.add("r", slow)
    hub.add("r", last)
    hub.reply("r", slow, b"ack")
    hub.deliver("r", b"1")
    loop.tick()
    assert (slow.writes, last.writes) == ([b"ack1"], [b"1"])
