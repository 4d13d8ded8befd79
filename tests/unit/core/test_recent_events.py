from cloudchat.core.recent_events import RecentEvents


def test_gives_what_came_after_a_position():
    recent = RecentEvents(10)
    for frame in (b"11", b"12", b"13"):
        recent.append(frame)
    assert recent.after(10) == [b"11", b"12", b"13"]
    assert recent.after(12) == [b"13"]
    assert recent.after(13) == []


def test_covers_only_what_it_holds_whole():
    recent = RecentEvents(10)
    recent.append(b"11")
    assert recent.covers(10)
    assert recent.covers(11)
    assert not recent.covers(9)


def test_an_empty_one_covers_the_end_of_the_log():
    recent = RecentEvents(10)
    assert recent.covers(10)
    assert not recent.covers(9)


def test_the_oldest_go_when_there_are_too_many():
    recent = RecentEvents(0, max_events=2)
    for seq in range(1, 6):
        recent.append(b"%d" % seq)
    assert not recent.covers(2)
    assert recent.after(3) == [b"4", b"5"]


def test_the_oldest_go_when_they_are_too_large():
    recent = RecentEvents(0, max_bytes=10)
    for _ in range(3):
        recent.append(b"12345")
    assert recent.first == 2
    recent.append(b"x" * 11)
    assert recent.after(4) == []
    assert recent.covers(4)
