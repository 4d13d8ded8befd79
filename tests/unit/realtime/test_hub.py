from cloudchat.realtime.hub import LARGE_ROOM, Hub


class Timer:
    def __init__(self, call):
        self.call = call
        self.cancelled = False

    def cancel(self):
        self.cancelled = True


class Loop:
    """Runs what was asked for soon, when told."""

    def __init__(self):
        self.soon = []
        self.later = []
        self.coming = False

    def hub(self):
        return Hub(self.call_soon, self.call_later, lambda: self.coming)

    def call_later(self, seconds, call):
        timer = Timer(call)
        self.later.append(timer)
        return timer

    def time_passes(self):
        timers, self.later = self.later, []
        for timer in timers:
            if not timer.cancelled:
                timer.call()

    def call_soon(self, call):
        self.soon.append(call)

    def tick(self):
        calls, self.soon = self.soon, []
        for call in calls:
            call()


class Member:
    def __init__(self, when_pushed=lambda: None):
        self.writes = []
        self.ephemeral = []
        self.when_pushed = when_pushed

    def push(self, frames, *, ephemeral=False):
        (self.ephemeral if ephemeral else self.writes).append(frames)
        self.when_pushed()


def test_what_comes_in_one_tick_is_one_write_a_member():
    loop = Loop()
    hub = loop.hub()
    members = [Member(), Member()]
    for member in members:
        hub.add("r", member)
    hub.deliver("r", b"1")
    hub.deliver("r", b"2")
    assert [member.writes for member in members] == [[], []]
    loop.tick()
    hub.deliver("r", b"3")
    loop.tick()
    assert [member.writes for member in members] == [[b"12", b"3"]] * 2


def test_rooms_do_not_mix():
    loop = Loop()
    hub = loop.hub()
    one, other = Member(), Member()
    hub.add("one", one)
    hub.add("other", other)
    hub.deliver("one", b"1")
    hub.deliver("other", b"2")
    hub.deliver("nobody is here", b"3")
    loop.tick()
    assert (one.writes, other.writes) == ([b"1"], [b"2"])


def test_a_new_member_gets_nothing_that_was_delivered_before_it_came():
    loop = Loop()
    hub = loop.hub()
    old, new = Member(), Member()
    hub.add("r", old)
    hub.deliver("r", b"1")
    hub.add("r", new)
    hub.deliver("r", b"2")
    loop.tick()
    assert b"".join(old.writes) == b"12"
    assert b"".join(new.writes) == b"2"


def test_who_left_gets_nothing_more():
    loop = Loop()
    hub = loop.hub()
    gone, there = Member(), Member()
    hub.add("r", gone)
    hub.add("r", there)
    hub.deliver("r", b"1")
    hub.remove("r", gone)
    hub.remove("r", gone)
    loop.tick()
    assert (gone.writes, there.writes) == ([], [b"1"])


def test_a_member_that_is_closed_by_its_own_push_harms_nobody():
    loop = Loop()
    hub = loop.hub()
    last = Member()
    slow = Member(lambda: hub.remove("r", slow))
    hub.add("r", slow)
    hub.add("r", last)
    hub.deliver("r", b"1")
    loop.tick()
    hub.deliver("r", b"2")
    loop.tick()
    assert (slow.writes, last.writes) == ([b"1"], [b"1", b"2"])


def test_a_head_is_ephemeral_and_never_overtakes_the_events_it_speaks_of():
    loop = Loop()
    hub = loop.hub()
    order = []
    member = Member(lambda: order.append((len(member.writes), len(member.ephemeral))))
    hub.add("r", member)
    hub.deliver("r", b"1")
    hub.announce("r", b"head")
    assert order == [(1, 0), (1, 1)]


def test_a_member_that_comes_back_after_all_were_removed_is_delivered_to():
    loop = Loop()
    hub = loop.hub()
    member = Member()
    hub.add("r", member)
    hub.deliver("r", b"1")
    hub.remove_all("r")
    hub.deliver("r", b"2")
    hub.add("r", member)
    hub.deliver("r", b"3")
    loop.tick()
    assert b"".join(member.writes) == b"13"


def crowded(loop, count=LARGE_ROOM):
    hub = loop.hub()
    members = [Member() for _ in range(count)]
    for member in members:
        hub.add("r", member)
    return hub, members


def test_a_large_room_waits_for_what_is_on_its_way_and_makes_one_round_of_it():
    loop = Loop()
    hub, members = crowded(loop)
    loop.coming = True
    hub.deliver("r", b"1")
    loop.tick()
    assert members[0].writes == []
    hub.deliver("r", b"2")
    loop.coming = False
    hub.settle()
    loop.tick()
    assert all(member.writes == [b"12"] for member in members)


def test_a_large_room_does_not_wait_for_long():
    loop = Loop()
    hub, members = crowded(loop)
    loop.coming = True
    hub.deliver("r", b"1")
    loop.tick()
    loop.time_passes()
    assert members[0].writes == [b"1"]
    hub.deliver("r", b"2")
    loop.tick()
    loop.time_passes()
    assert members[0].writes == [b"1", b"2"]


def test_a_small_room_never_waits():
    loop = Loop()
    hub, members = crowded(loop, LARGE_ROOM - 1)
    loop.coming = True
    hub.deliver("r", b"1")
    loop.tick()
    assert members[0].writes == [b"1"]


def test_who_joins_while_a_round_is_held_gets_it_no_second_time():
    loop = Loop()
    hub, members = crowded(loop)
    loop.coming = True
    hub.deliver("r", b"1")
    loop.tick()
    new = Member()
    hub.add("r", new)
    loop.time_passes()
    assert (members[0].writes, new.writes) == ([b"1"], [])
