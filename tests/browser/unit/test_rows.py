"""rows.js: days and groups."""


def rows(modules, *items):
    """Kinds, with `*` where a group opens. Each item is (user, time) or "gap"."""
    return modules(
        """
        const { rowsOf } = await load("rows");
        const items = argument.map((item, index) => item === "gap" ? { kind: "gap", key: `gap ${index}` }
          : { kind: "message", key: `m${index}`, user: { id: item[0] }, at: item[1] });
        return rowsOf(items).map((row) => row.kind + (row.opens ? "*" : ""));
        """,
        items,
    )


def test_what_one_person_writes_in_one_go_is_a_group(modules):
    found = rows(modules, ("a", "2026-11-22T10:00:00"), ("a", "2026-11-22T10:04:59"), ("b", "2026-11-22T10:05:00"))
    assert found == ["day", "message*", "message", "message*"]


def test_a_pause_a_gap_and_a_new_day_end_a_group(modules):
    found = rows(
        modules,
        ("a", "2026-11-22T23:50:00"),
        ("a", "2026-11-22T23:58:00"),
        "gap",
        ("a", "2026-11-22T23:59:00"),
        ("a", "2026-11-23T00:00:00"),
    )
    assert found == ["day", "message*", "message*", "gap", "day", "message*", "day", "message*"]
