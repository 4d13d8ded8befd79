"""room_subscription.js: what is asked of the server, and when."""

from browser.unit.fakes import CLOCK

SETUP = (
    CLOCK
    + """
const { RoomSubscription } = await load("room_subscription");
const { Timeline } = await load("timeline");
const timeline = new Timeline();
const asked = [];
const request = async (command) => { asked.push(command.type); return { epoch: "e", events: [], more: false }; };
const listener = { changed() {}, joined() {}, refused() {}, event() {} };
const room = new RoomSubscription({ room: "lobby", timeline, request, clock, listener });
const joined = (status, seq) => room.receive({ type: "joined", room: "lobby", status, epoch: "e", seq, oldest: 1 });
const say = (seq) => room.receive({ type: "message", room: "lobby", epoch: "e", seq });
const older = () => room.loadOlder(timeline.runs.at(-1).id);
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
