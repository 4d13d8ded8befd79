"""outbox.js: everything written goes out once, in order, however often the connection is lost."""

import pytest

from browser.unit.fakes import CLOCK

SETUP = (
    CLOCK
    + """
const { Outbox } = await load("outbox");
const { CommandError } = await load("replies");
const disk = new Map();
const storage = {
  all: async (owner) => [...disk.values()].filter((item) => item.owner === owner),
  put: async (item) => void disk.set(item.cid, item),
  remove: async (cid) => void disk.delete(cid),
};
const sent = [];
let isPast = () => false;
let answer = (item) => ({ epoch: "e1", seq: sent.length });
const open = (owner = "ada") => {
  let next = 0;
  const outbox = new Outbox({
    storage, clock, random: () => 0.5, onChange() {}, isPast: (place) => isPast(place), onFailed() {},
    newCid: () => `${owner}${disk.size}-${next++}`,
    send: async (item) => { sent.push(item.text); return answer(item); },
  });
  return outbox.load(owner).then(() => outbox);
};
const refuse = (details) => () => { throw new CommandError({ code: "x", message: "no", ...details }); };
const states = (outbox) => outbox.items.map(({ text, state }) => `${text} ${state}`);
"""
)


def test_what_is_written_offline_goes_out_in_order_once_connected(modules):
    before, sent, states, disk = modules(
        SETUP
        + """
        const outbox = await open();
        for (const text of ["a", "b", "c"]) await outbox.add("lobby", text);
        const before = [sent.length, disk.size];
        outbox.resume();
        await settle();
        return [before, sent, states(outbox), disk.size];
        """
    )
    assert before == [0, 3]
    assert sent == ["a", "b", "c"]
    assert states == ["a sent", "b sent", "c sent"]
    assert disk == 0


def test_one_at_a_time(modules):
    assert modules(
        SETUP
        + """
        answer = () => new Promise(() => {});
        const outbox = await open();
        outbox.resume();
        for (const text of ["a", "b"]) await outbox.add("lobby", text);
        await settle();
        return sent;
        """
    ) == ["a"]


def test_a_lost_connection_sends_the_same_cid_again(modules):
    cids, states = modules(
        SETUP
        + """
        const cids = [];
        const outbox = await open();
        answer = (item) => { cids.push(item.cid); outbox.pause(); return refuse({ code: "lost", retryable: true })(); };
        outbox.resume();
        await outbox.add("lobby", "a");
        await pass(60_000);
        answer = (item) => { cids.push(item.cid); return { epoch: "e1", seq: 1 }; };
        outbox.resume();
        await settle();
        return [cids, states(outbox)];
        """
    )
    assert len(cids) == 2
    assert cids[0] == cids[1]
    assert states == ["a sent"]


def test_a_reload_goes_on_where_it_was(modules):
    sent, cids = modules(
        SETUP
        + """
        const first = await open();
        for (const text of ["a", "b"]) await first.add("lobby", text);
        const second = await open();
        second.resume();
        await settle();
        return [sent, new Set([...first.items, ...second.items].map(({ cid }) => cid)).size];
        """
    )
    assert sent == ["a", "b"]
    assert cids == 2


def test_nobody_sends_what_somebody_else_wrote(modules):
    assert modules(
        SETUP
        + """
        await (await open("ada")).add("lobby", "ada's");
        const outbox = await open("grace");
        outbox.resume();
        await settle();
        return [sent, outbox.items.length];
        """
    ) == [[], 0]


def test_a_retryable_error_waits_as_long_as_the_server_asks_and_keeps_the_order(modules):
    early, later = modules(
        SETUP
        + """
        answer = refuse({ retryable: true, retry_after_ms: 5000 });
        const outbox = await open();
        outbox.resume();
        for (const text of ["a", "b"]) await outbox.add("lobby", text);
        await pass(4999);
        const early = [...sent];
        answer = () => ({ epoch: "e1", seq: 1 });
        await pass(1);
        return [early, sent];
        """
    )
    assert early == ["a"]
    assert later == ["a", "a", "b"]


def test_a_refused_message_stays_visible_and_lets_the_next_one_go(modules):
    failed, after_retry, after_remove, kept = modules(
        SETUP
        + """
        const no = refuse({ message: "too long", retryable: false });
        answer = (item) => item.text === "bad" ? no() : { epoch: "e", seq: 1 };
        const outbox = await open();
        outbox.resume();
        for (const text of ["bad", "good"]) await outbox.add("lobby", text);
        await settle();
        const found = [outbox.items.map(({ text, state, reason }) => [text, state, reason ?? null])];
        const { cid } = outbox.items[0];
        const kept = disk.has(cid);
        await outbox.retry(cid);
        await settle();
        found.push([...sent]);
        await outbox.remove(cid);
        return [...found, [states(outbox), disk.size], kept];
        """
    )
    assert failed == [["bad", "failed", "Too long."], ["good", "sent", None]]
    assert after_retry == ["bad", "good", "bad"]
    assert after_remove == [["good sent"], 0]
    assert kept


def test_the_event_may_come_before_the_ack_or_instead_of_it(modules):
    assert modules(
        SETUP
        + """
        const outbox = await open();
        let acknowledge;
        answer = () => new Promise((resolve) => { acknowledge = resolve; });
        outbox.resume();
        await outbox.add("lobby", "a");
        await settle();
        await outbox.seen(outbox.items[0].cid);
        const seen = states(outbox);
        acknowledge({ epoch: "e1", seq: 1 });
        await settle();
        return [seen, states(outbox), disk.size];
        """
    ) == [[], [], 0]


def test_an_acknowledged_item_goes_when_its_place_is_past(modules):
    assert modules(
        SETUP
        + """
        const outbox = await open();
        outbox.resume();
        await outbox.add("lobby", "a");
        await settle();
        outbox.settle();
        const before = states(outbox);
        isPast = ({ epoch, seq }) => epoch === "e1" && seq <= 1;
        outbox.settle();
        return [before, states(outbox)];
        """
    ) == [["a sent"], []]


def test_an_ack_for_a_place_that_is_past_already_leaves_nothing(modules):
    """The first ack got lost, much was said since, and the page was reloaded: no event of it will come."""
    assert modules(
        SETUP
        + """
        isPast = () => true;
        const outbox = await open();
        outbox.resume();
        await outbox.add("lobby", "a");
        await settle();
        return [sent, states(outbox), disk.size];
        """
    ) == [["a"], [], 0]


@pytest.mark.parametrize("is_read_late", [False, True])
def test_what_is_written_before_the_disk_answered_stays_and_is_there_once(modules, is_read_late):
    assert modules(
        SETUP
        + """
        await (await open()).add("lobby", "earlier");
        let answered;
        storage.all = () => new Promise((resolve) => {
          const early = [...disk.values()];
          answered = () => resolve(argument ? [...disk.values()] : early);
        });
        const rest = { isPast, send: answer, onChange() {}, onFailed() {} };
        const outbox = new Outbox({ storage, clock, newCid: () => "late", ...rest });
        const loading = outbox.load("ada");
        await outbox.add("lobby", "meanwhile");
        answered();
        await loading;
        return states(outbox);
        """,
        is_read_late,
    ) == ["earlier pending", "meanwhile pending"]


def test_what_was_tried_longer_ago_than_the_server_remembers_waits_for_the_person(modules):
    untried, tried = modules(
        SETUP
        + """
        const first = await open();
        await first.add("lobby", "untried");
        now += 30 * 3_600_000;
        const outbox = await open();
        answer = () => { outbox.pause(); return refuse({ retryable: true })(); };
        outbox.resume();
        await settle();
        const untried = states(outbox);
        now += 24 * 3_600_000;
        outbox.resume();
        await settle();
        return [[untried, sent.length], states(outbox)];
        """
    )
    assert untried == [["untried pending"], 1]
    assert tried == ["untried failed"]


def test_a_full_outbox_takes_no_more(modules):
    assert (
        modules(
            SETUP
            + """
        const outbox = await open();
        for (let i = 0; i < 200; i += 1) await outbox.add("lobby", `${i}`);
        return outbox.add("lobby", "one too many").then(() => "taken", (error) => error.constructor.name);
        """
        )
        == "OutboxFull"
    )


def test_a_disk_that_refuses_does_not_stop_a_message(modules):
    assert modules(
        SETUP
        + """
        storage.put = storage.remove = storage.all = () => Promise.reject(new Error("quota"));
        const outbox = await open();
        outbox.resume();
        await outbox.add("lobby", "a");
        await settle();
        return [sent, states(outbox)];
        """
    ) == [["a"], ["a sent"]]
