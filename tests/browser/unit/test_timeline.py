"""timeline.js and fold.js: what a page knows of a room, and what it shows of that."""

SETUP = """
const { Timeline } = await load("timeline");
const { fold } = await load("fold");
const timeline = new Timeline();
const user = { id: "u1", name: "ada" };
const message = (seq, epoch = "e1") =>
  ({ type: "message", epoch, seq, cid: `c${seq}`, user, text: `m${seq}`, at: "" });
const messages = (from, to, epoch) => Array.from({ length: to - from + 1 }, (_, i) => message(from + i, epoch));
const hole = ({ fillable }) => fillable ? "gap" : "lost";
const shown = () => fold(timeline.runs).map((item) => item.kind === "gap" ? hole(item) : item.text);
const joined = (seq, oldest = 1, epoch = "e1") => ({ epoch, seq, oldest });
"""


def test_events_are_shown_once_and_in_order(modules):
    outcomes, shown, position = modules(
        SETUP
        + """
        timeline.startFresh(joined(2));
        const outcomes = [1, 2, 2, 1, 3].map((seq) => timeline.apply(message(seq)));
        return [outcomes, shown(), timeline.position];
        """
    )
    assert outcomes == ["applied", "applied", "duplicate", "duplicate", "applied"]
    assert shown == ["m1", "m2", "m3"]
    assert position == {"epoch": "e1", "seq": 3}


def test_a_hole_or_another_numbering_changes_nothing_and_is_told(modules):
    outcomes, shown = modules(
        SETUP
        + """
        timeline.startFresh(joined(1));
        const outcomes = [message(1), message(3), message(2, "e2")].map((event) => timeline.apply(event));
        return [outcomes, shown()];
        """
    )
    assert outcomes == ["applied", "hole", "foreign"]
    assert shown == ["m1"]


def test_an_empty_room_has_a_position_so_that_its_first_event_is_not_missed(modules):
    position, second_first = modules(
        SETUP + "timeline.startFresh(joined(0)); return [timeline.position, timeline.apply(message(2))];"
    )
    assert position == {"epoch": "e1", "seq": 0}
    assert second_first == "hole"


def test_a_gap_is_visible_until_paging_back_closes_it(modules):
    with_gap, half, closed, runs = modules(
        SETUP
        + """
        timeline.startFresh(joined(2));
        for (const event of messages(1, 2)) timeline.apply(event);
        timeline.startAfterGap(joined(8));
        for (const event of messages(7, 8)) timeline.apply(event);
        const id = timeline.runs[1].id;
        const found = [shown()];
        timeline.prepend(id, "e1", messages(5, 6), true);
        found.push(shown());
        timeline.prepend(id, "e1", messages(1, 4), false);
        return [...found, shown(), timeline.runs.length];
        """
    )
    assert with_gap == ["m1", "m2", "gap", "m7", "m8"]
    assert half == ["m1", "m2", "gap", "m5", "m6", "m7", "m8"]
    assert closed == [f"m{seq}" for seq in range(1, 9)]
    assert runs == 1


def test_a_gap_that_nothing_can_fill_says_so(modules):
    shown = modules(
        SETUP
        + """
        timeline.startFresh(joined(2));
        for (const event of messages(1, 2)) timeline.apply(event);
        timeline.startAfterGap(joined(8, 7));
        for (const event of messages(7, 8)) timeline.apply(event);
        return shown();
        """
    )
    assert shown == ["m1", "m2", "lost", "m7", "m8"]


def test_another_epoch_keeps_what_was_read_above_a_gap(modules):
    shown, position = modules(
        SETUP
        + """
        timeline.startFresh(joined(2));
        for (const event of messages(1, 2)) timeline.apply(event);
        timeline.startAfterGap(joined(1, 1, "e2"));
        timeline.apply({ ...message(1, "e2"), text: "anew" });
        return [shown(), timeline.position];
        """
    )
    assert shown == ["m1", "m2", "lost", "anew"]
    assert position == {"epoch": "e2", "seq": 1}


def test_a_connection_lost_inside_a_gap_goes_on_from_the_last_event_seen(modules):
    position, shown = modules(
        SETUP
        + """
        timeline.startFresh(joined(2));
        for (const event of messages(1, 2)) timeline.apply(event);
        timeline.startAfterGap(joined(8));
        const { position } = timeline;
        timeline.startAfterGap(joined(9));
        timeline.apply(message(9));
        return [position, shown()];
        """
    )
    assert position == {"epoch": "e1", "seq": 2}
    assert shown == ["m1", "m2", "gap", "m9"]


def test_a_page_of_history_that_does_not_fit_is_refused(modules):
    outcomes, shown = modules(
        SETUP
        + """
        timeline.startFresh(joined(9));
        timeline.apply(message(9));
        const { id } = timeline.runs[0];
        const outcomes = [
          timeline.prepend(id, "e1", messages(5, 7), true),
          timeline.prepend(id, "e2", messages(5, 8, "e2"), true),
          timeline.prepend(id + 1, "e1", messages(5, 8), true),
          timeline.prepend(id, "e1", messages(8, 9), true),
        ];
        return [outcomes, shown()];
        """
    )
    assert outcomes == [False, False, False, True]
    assert shown == ["m8", "m9"]


def test_trimming_drops_the_oldest_and_offers_them_again(modules):
    first, shown, more = modules(
        SETUP
        + """
        timeline.startFresh(joined(5));
        for (const event of messages(1, 5)) timeline.apply(event);
        const before = timeline.runs[0].more;
        timeline.trim(2);
        return [before, shown(), timeline.runs[0].more];
        """
    )
    assert (first, shown, more) == (False, ["m4", "m5"], True)


def test_what_an_earlier_numbering_held_is_neither_offered_nor_called_the_beginning(modules):
    before, after, trimmed = modules(
        SETUP
        + """
        const looks = () => [timeline.runs.map((run) => run.more), timeline.begins];
        timeline.startFresh(joined(2));
        for (const event of messages(1, 2)) timeline.apply(event);
        const found = [looks()];
        timeline.startAfterGap(joined(1, 1, "e2"));
        timeline.apply(message(1, "e2"));
        found.push(looks());
        timeline.trim(2);
        return [...found, looks()];
        """
    )
    assert before == [[False], True]
    assert after == [[False, False], False]
    assert trimmed == [[False, False], False]


def test_it_stays_bounded_though_nobody_draws_it(modules):
    """A hidden tab gets events all night, and not a single frame."""
    assert modules(
        SETUP
        + """
        timeline.startFresh(joined(1));
        for (const event of messages(1, 6_000)) timeline.apply(event);
        return [timeline.size, timeline.runs[0].more, timeline.position.seq];
        """
    ) == [5000, True, 6000]


def test_edits_deletes_and_reactions_change_what_they_target(modules):
    shown = modules(
        SETUP
        + """
        timeline.startFresh(joined(0));
        const other = { id: "u2", name: "grace" };
        for (const event of [
          ...messages(1, 2),
          { type: "edited", epoch: "e1", seq: 3, target: 1, user, text: "better", at: "" },
          { type: "reaction", epoch: "e1", seq: 4, target: 1, user, emoji: "+1", on: true, at: "" },
          { type: "reaction", epoch: "e1", seq: 5, target: 1, user: other, emoji: "+1", on: true, at: "" },
          { type: "reaction", epoch: "e1", seq: 6, target: 1, user: other, emoji: "!", on: true, at: "" },
          { type: "reaction", epoch: "e1", seq: 7, target: 1, user: other, emoji: "!", on: false, at: "" },
          { type: "deleted", epoch: "e1", seq: 8, target: 2, user, at: "" },
        ]) timeline.apply(event);
        const looks = ({ text, edited, deleted, reactions }) => ({ text, edited, deleted, reactions });
        return fold(timeline.runs).map(looks);
        """
    )
    assert shown == [
        {"text": "better", "edited": True, "deleted": False, "reactions": [{"emoji": "+1", "count": 2}]},
        {"text": "", "edited": False, "deleted": True, "reactions": []},
    ]


def test_an_edit_applies_to_a_message_that_is_paged_in_later(modules):
    before, after = modules(
        SETUP
        + """
        timeline.startFresh(joined(3));
        timeline.apply(message(2));
        timeline.apply({ type: "edited", epoch: "e1", seq: 3, target: 1, user, text: "better", at: "" });
        const before = shown();
        timeline.prepend(timeline.runs[0].id, "e1", messages(1, 1), false);
        return [before, shown()];
        """
    )
    assert before == ["m2"]
    assert after == ["better", "m2"]
