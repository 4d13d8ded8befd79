from cloudchat.core.recent_frames import RecentFrames


def test_after_returns_the_frames_that_follow_a_seq() -> None:
    recent = RecentFrames(10)
    for frame in (b"11", b"12", b"13"):
        recent.append(frame)
    assert recent.after(10) == [b"11", b"12", b"13"]
    assert recent.after(12) == [b"13"]
    assert recent.after(13) == []


def test_covers_is_false_when_a_frame_is_missing() -> None:
    recent = RecentFrames(10)
    recent.append(b"11")
    assert recent.covers(10)
    assert recent.covers(11)
    assert not recent.covers(9)


def test_without_frames_it_covers_the_end_of_the_log() -> None:
    recent = RecentFrames(10)
    assert recent.covers(10)
    assert not recent.covers(9)


def test_append_evicts_the_oldest_frames_over_the_maximum_count() -> None:
    recent = RecentFrames(0, max_events=2)
    for seq in range(1, 6):
        recent.append(b"%d" % seq)
    assert not recent.covers(2)
    assert recent.after(3) == [b"4", b"5"]


def test_append_evicts_the_oldest_frames_over_the_maximum_size() -> None:
    recent = RecentFrames(0, max_bytes=10)
    for _ in range(3):
        recent.append(b"12345")
    assert recent.first == 2
    recent.append(b"x" * 11)
    assert recent.after(4) == []
    assert recent.covers(4)


def test_redact_replaces_one_frame_and_counts_its_bytes() -> None:
    recent = RecentFrames(10, max_events=2)
    for frame in (b"11 evicted", b"12 text", b"13"):
        recent.append(frame)
    for seq in (11, 12, 14):
        recent.redact(seq, b"%d" % seq)
    assert recent.items() == [(12, b"12"), (13, b"13")]
    assert recent.size_bytes == 4


def test_drop_before_drops_what_the_log_does_not_have() -> None:
    recent = RecentFrames(0)
    for seq in range(1, 6):
        recent.append(b"%d" % seq)
    recent.drop_before(4)
    assert (recent.first, recent.after(3), recent.size_bytes) == (4, [b"4", b"5"], 2)
    recent.drop_before(9)
    assert (recent.covers(5), recent.after(5), recent.size_bytes) == (True, [], 0)
