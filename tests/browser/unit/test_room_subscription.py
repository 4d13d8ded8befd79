"""room_subscription.js: what is asked of the server, and when."""

from browser.unit.fakes import CLOCK

SETUP = (
    CLOCK
    + """
const { RoomSubscription } = await load("room_subscription");
const { Timeline } = await load("timeline");
const timeline = new Timeline();
const asked = [];
let answer = () => ({ epoch: "e", events: [], more: false });
const request = async (command) => { asked.push(command.type); return answer(command); };
const paged = [];
const listener = { changed() {}, joined() {}, refused() {}, event() {}, paged: (events) => paged.push(...events) };
const room = new RoomSubscription({ room: "lobby", timeline, request, clock, listener, random: () => 0.5 });
const refuse = (details) => () => { throw Object.assign(new Error("no"), details); };
const histories = () => asked.filter((type) => type === "history").length;
const joined = (status, seq) => room.receive({ type: "joined", room: "lobby", status, epoch: "e", seq, oldest: 1 });
const say = (seq) => room.receive({ type: "message", room: "lobby", epoch: "e", seq });
const older = () => room.loadOlder(timeline.runs.at(-1).id);
const arrive = () => { joined("fresh", 80); for (let seq = 31; seq <= 80; seq += 1) say(seq); };
await room.join();
"""
)


def test_a_replay_comes_before_older_pages(modules):
    """While a replay draws, the view is short and its top in sight: nobody has scrolled there."""
    assert modules(
        SETUP
        + """
        joined("fresh", 80);
        for (let seq = 31; seq < 80; seq += 1) { say(seq); await older(); }
        const during = [...asked];
        say(80);
        await older();
        return [during, asked];
        """
    ) == [["join"], ["join", "history"]]


def test_who_missed_nothing_pages_at_once(modules):
    assert modules(
        SETUP
        + """
        joined("fresh", 80);
        for (let seq = 31; seq <= 80; seq += 1) say(seq);
        room.leave();
        await room.join();
        joined("recovered", 80);
        await older();
        return asked;
        """
    ) == ["join", "join", "history"]


def test_a_page_that_failed_is_asked_for_again_after_a_pause_however_often_it_is_wanted(modules):
    after_failure, early, after_pause, jittered, shown, paged = modules(
        SETUP
        + """
        arrive();
        answer = refuse({ retryable: true, retryAfterMs: 500 });
        const page = older();
        await settle();
        const found = [histories()];
        for (let times = 0; times < 20; times += 1) older();
        await pass(499);
        found.push(histories());
        answer = refuse({ retryable: true });
        await pass(1);
        found.push(histories());
        const event = { type: "message", epoch: "e", seq: 30 };
        answer = () => ({ epoch: "e", events: [event], more: true });
        await pass(1_000);
        await page;
        return [...found, histories(), timeline.runs[0].events[0].seq, paged.map(({ seq }) => seq)];
        """
    )
    assert (after_failure, early, after_pause, jittered) == (1, 1, 2, 3)
    assert (shown, paged) == (30, [30])


def test_a_page_is_given_up_with_its_connection_and_asked_for_anew_on_the_next(modules):
    waiting, after, again = modules(
        SETUP
        + """
        arrive();
        answer = refuse({ retryable: true, retryAfterMs: 500 });
        older();
        await settle();
        const waiting = room.paging;
        room.leave();
        await settle();
        const after = room.paging;
        await pass(1_000);
        answer = () => ({ epoch: "e", events: [], more: false });
        await room.join();
        joined("recovered", 80);
        await older();
        return [waiting, after, histories()];
        """
    )
    assert (waiting, after, again) == (True, False, 2)


def test_what_is_refused_for_good_is_not_asked_for_again(modules):
    assert modules(
        SETUP
        + """
        arrive();
        answer = refuse({ retryable: false });
        for (let times = 0; times < 3; times += 1) await older();
        return [histories(), timeline.begins];
        """
    ) == [1, False]


def test_a_page_of_another_numbering_shows_that_something_was_missed(modules):
    assert modules(
        SETUP
        + """
        arrive();
        answer = () => ({ epoch: "e2", events: [{ type: "message", epoch: "e2", seq: 30 }], more: true });
        await older();
        await older();
        return [asked, timeline.runs[0].events[0].seq];
        """
    ) == [["join", "history", "join"], 31]


def test_a_page_whose_place_was_trimmed_meanwhile_is_asked_for_anew(modules):
    assert modules(
        SETUP
        + """
        arrive();
        const before = [];
        answer = (command) => {
          before.push(command.before);
          if (before.length === 1) timeline.trim(10);
          return { epoch: "e", events: [{ type: "message", epoch: "e", seq: command.before - 1 }], more: true };
        };
        await older();
        await older();
        return [before, timeline.runs[0].events[0].seq];
        """
    ) == [[31, 71], 70]
