"""The bounded table of windows in memory."""

from cloudchat.rate_limiting.window_table import WindowTable


def test_counts_in_a_window_that_starts_with_the_first_hit() -> None:
    table = WindowTable(10)
    assert table.hit(b"a", 60, 1, now=100) == (1, 60)
    assert table.hit(b"a", 60, 2, now=130) == (3, 30)
    assert table.read(b"a", now=159) == (3, 1)
    assert table.read(b"a", now=160) == (0, 0)
    assert table.hit(b"a", 60, 1, now=160) == (1, 60)


def test_clear_and_reset_forget() -> None:
    table = WindowTable(10)
    for key in (b"a", b"b"):
        table.hit(key, 60, 1, now=0)
    table.clear(b"a")
    table.clear(b"unknown")
    assert [table.read(key, now=0)[0] for key in (b"a", b"b")] == [0, 1]
    table.reset()
    assert len(table) == 0


def test_a_flood_of_keys_stays_within_the_bound_and_replaces_itself() -> None:
    table = WindowTable(100)
    for _ in range(5):
        table.hit(b"counted often", 3600, 1, now=0)
    for number in range(10_000):
        table.hit(b"%d" % number, 3600, 1, now=1)
    assert len(table) == 100
    assert table.read(b"counted often", now=2)[0] == 5


def test_windows_that_have_ended_are_replaced_first() -> None:
    table = WindowTable(8)
    table.hit(b"ended", 1, 50, now=0)
    for number in range(8):
        table.hit(b"%d" % number, 3600, 1, now=2)
    assert [table.read(b"%d" % number, now=3)[0] for number in range(8)] == [1] * 8
