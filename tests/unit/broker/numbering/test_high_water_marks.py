from cloudchat.broker.numbering.high_water_marks import HighWaterMarks


def test_events_raise_the_mark() -> None:
    marks = HighWaterMarks()
    assert marks.get("lobby") == ("", 0)
    for seq in (1, 3, 2):
        marks.observe_event("lobby", "e1", seq)
    assert marks.get("lobby") == ("e1", 3)


def test_seq_never_decreases_whatever_the_epoch() -> None:
    marks = HighWaterMarks()
    marks.observe_event("lobby", "e1", 9)
    marks.observe_event("lobby", "e2", 1)
    marks.observe_head("lobby", "e3", 8)
    assert marks.get("lobby") == ("e1", 9)


def test_head_of_a_new_epoch_replaces_that_of_the_one_before_it() -> None:
    marks = HighWaterMarks()
    marks.observe_event("lobby", "e1", 9)
    marks.observe_head("lobby", "e2", 9)
    marks.observe_event("lobby", "e1", 9)  # received late
    assert marks.get("lobby") == ("e2", 9)


def test_merge_raises_marks_and_adds_unknown_rooms() -> None:
    marks = HighWaterMarks()
    marks.observe_event("lobby", "e1", 5)
    marks.observe_event("office", "e1", 5)
    marks.observe_event("cellar", "e2", 1)
    marks.merge({"lobby": ("e1", 7), "office": ("e1", 3), "garden": ("e9", 2), "cellar": ("e1", 9)})
    rooms = "lobby", "office", "garden", "cellar"
    assert [marks.get(room) for room in rooms] == [("e1", 7), ("e1", 5), ("e9", 2), ("e1", 9)]


def test_take_dirty_returns_each_change_once() -> None:
    marks = HighWaterMarks()
    marks.observe_event("lobby", "e1", 1)
    assert marks.take_dirty() == {"lobby": ("e1", 1)}
    assert marks.take_dirty() == {}
    marks.observe_event("lobby", "e1", 2)
    assert marks.take_dirty() == {"lobby": ("e1", 2)}


def test_take_dirty_returns_again_what_was_marked_dirty() -> None:
    marks = HighWaterMarks()
    marks.observe_event("lobby", "e1", 1)
    marks.mark_dirty(marks.take_dirty())
    assert marks.take_dirty() == {"lobby": ("e1", 1)}


def test_merged_marks_are_not_dirty() -> None:
    marks = HighWaterMarks()
    marks.merge({"lobby": ("e1", 7)})
    assert marks.take_dirty() == {}
