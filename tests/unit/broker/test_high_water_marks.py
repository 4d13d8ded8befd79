from cloudchat.broker.high_water_marks import HighWaterMarks


def test_observe_keeps_the_highest_seq_of_an_epoch() -> None:
    marks = HighWaterMarks()
    assert marks.get("lobby") == ("", 0)
    for seq in (1, 3, 2):
        marks.observe("lobby", "e1", seq)
    assert marks.get("lobby") == ("e1", 3)


def test_observe_replaces_the_mark_when_the_epoch_changes() -> None:
    marks = HighWaterMarks()
    marks.observe("lobby", "e1", 9)
    marks.observe("lobby", "e2", 1)
    assert marks.get("lobby") == ("e2", 1)


def test_merge_raises_marks_of_the_same_epoch_and_adds_unknown_rooms() -> None:
    marks = HighWaterMarks()
    marks.observe("lobby", "e1", 5)
    marks.observe("office", "e1", 5)
    marks.merge({"lobby": ("e1", 7), "office": ("e1", 3), "garden": ("e9", 2)})
    assert [marks.get(room) for room in ("lobby", "office", "garden")] == [("e1", 7), ("e1", 5), ("e9", 2)]


def test_merge_does_not_replace_an_observed_epoch() -> None:
    marks = HighWaterMarks()
    marks.observe("lobby", "e2", 1)
    marks.merge({"lobby": ("e1", 9)})
    assert marks.get("lobby") == ("e2", 1)


def test_take_dirty_returns_each_change_once() -> None:
    marks = HighWaterMarks()
    marks.observe("lobby", "e1", 1)
    assert marks.take_dirty() == {"lobby": ("e1", 1)}
    assert marks.take_dirty() == {}
    marks.observe("lobby", "e1", 2)
    assert marks.take_dirty() == {"lobby": ("e1", 2)}


def test_take_dirty_returns_again_what_was_marked_dirty() -> None:
    marks = HighWaterMarks()
    marks.observe("lobby", "e1", 1)
    marks.mark_dirty(marks.take_dirty())
    assert marks.take_dirty() == {"lobby": ("e1", 1)}


def test_merged_marks_are_not_dirty() -> None:
    marks = HighWaterMarks()
    marks.merge({"lobby": ("e1", 7)})
    assert marks.take_dirty() == {}
