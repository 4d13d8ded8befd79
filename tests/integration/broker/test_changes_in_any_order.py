"""Any order of sends, edits, deletions and reactions by several users, with repetitions and an archive that lags.

The messages that are changed are in the log, or only in the archive.
"""

import asyncio
import json
import uuid
from typing import Any

import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cloudchat.broker.appends import Appended, AppendOutcome, ArchivedMessage, Refusal, Refused
from cloudchat.broker.archiving.log_archive import UnarchivedRange
from cloudchat.broker.reads import HistoryRange
from cloudchat.core.message_fold import MessageFold
from integration.broker.brokers import broker_on
from integration.broker.posting import Room, stored_bytes
from support.stores import RunningStore

KEPT_EVENTS = 10
USERS = st.sampled_from(["ann", "bob", "cid"])
EMOJI = st.sampled_from(["👍", "🏳️‍🌈"])
PADDING = st.sampled_from(["", "\\", '"', '\\"', '","at":"', "ü🙂\n", "x" * 700, "y" * 4100])
INDEX = st.integers(0, 10_000)


class Changes(RuleBasedStateMachine):
    """The model is the list of the events as they were published; `MessageFold` says what they mean."""

    store: RunningStore

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.context = broker_on(self.store, history_messages=KEPT_EVENTS)
        self.room = Room(self.runner.run(self.context.__aenter__()), find_archived=self.find_archived)
        self.events: list[dict[str, Any]] = []
        self.deleted_texts: set[str] = set()
        self.accepted: list[tuple[str, dict[str, Any], AppendOutcome]] = []
        self.texts = 0
        self.archived = 0
        """The archive's head: the events up to it are folded in."""
        self.reported = 0
        """The archive's head as the store knows it."""
        self.oldest = 1
        self.read_as_of: int | None = None
        """Where the archive ends for the next change; None: at its head."""
        self.last_target = 1

    @initialize()
    def trim_some_messages(self) -> None:
        for user in ("ann", "bob") * 8:
            self.send(user, "")
        self.archived = len(self.events)
        self.report()

    def teardown(self) -> None:
        self.runner.run(self.context.__aexit__(None, None, None))
        self.runner.close()

    # -- what users do ------------------------------------------------------------------------------------------------

    @rule(user=USERS, padding=PADDING)
    def send(self, user: str, padding: str) -> None:
        outcome = self.call("send", text=self.new_text(padding), user=user)
        assert isinstance(outcome, Appended)
        self.record_event()

    @rule(user=USERS, index=INDEX, padding=PADDING)
    def edit(self, user: str, index: int, padding: str) -> None:
        seq = self.pick(index)
        outcome = self.call("edit", seq=seq, text=self.new_text(padding), user=user)
        row = self.find(seq)
        if row is None:
            assert outcome == Refused(Refusal.NOT_FOUND)
        elif row["user"]["id"] != user:
            assert outcome == Refused(Refusal.FORBIDDEN)
        elif "deleted_at" in row:
            assert outcome == Refused(Refusal.NOT_FOUND)
        else:
            assert isinstance(outcome, Appended)
            self.record_event()

    @rule(user=USERS, index=INDEX, moderates=st.booleans())
    def delete(self, user: str, index: int, moderates: bool) -> None:
        seq = self.pick(index)
        row = self.find(seq)
        outcome = self.call("delete", seq=seq, user=user, moderates=moderates)
        if row is None:
            assert outcome == Refused(Refusal.NOT_FOUND)
        elif row["user"]["id"] != user and not moderates:
            assert outcome == Refused(Refusal.FORBIDDEN)
        elif "deleted_at" in row:
            assert isinstance(outcome, Appended)
            assert (outcome.seq, outcome.duplicate) == (seq, True)
        else:
            assert isinstance(outcome, Appended)
            for event in self.events:
                if seq in (event["seq"], event.get("target")) and "text" in event:
                    self.deleted_texts.add(event["text"].partition(">")[0] + ">")
                    event["text"] = ""
            self.record_event()

    @rule(user=USERS, index=INDEX, emoji=EMOJI, on=st.booleans())
    def react(self, user: str, index: int, emoji: str, on: bool) -> None:
        seq = self.pick(index)
        outcome = self.call("react", seq=seq, emoji=emoji, on=on, user=user)
        row = self.find(seq)
        if row is None or "deleted_at" in row:
            assert outcome == Refused(Refusal.NOT_FOUND)
            return
        assert isinstance(outcome, Appended)
        users: list[str] = next((one["users"] for one in row.get("reactions", ()) if one["emoji"] == emoji), [])
        if on == (user in users):
            assert (outcome.seq, outcome.duplicate) == (seq, True)
        else:
            self.record_event()

    @rule()
    def notice(self) -> None:
        assert isinstance(self.call("notice", version=0), Appended)
        self.record_event()

    @rule(index=INDEX)
    def repeat(self, index: int) -> None:
        if self.accepted:
            name, arguments, first = self.accepted[index % len(self.accepted)]
            again = self.runner.run(getattr(self.room, name)(**arguments))
            assert isinstance(first, Appended)
            assert again == Appended(first.seq, first.epoch, first.at, duplicate=True)

    # -- what the archive does ----------------------------------------------------------------------------------------

    @rule(count=st.sampled_from([1, 3, 60]))
    def archive(self, count: int) -> None:
        self.archived = min(len(self.events), self.archived + count)

    @rule()
    def report(self) -> None:
        self.runner.run(self.room.broker.archive.archived({self.room.id: self.archived}))
        self.reported = self.archived
        self.oldest = max(self.oldest, min(self.archived, len(self.events) - KEPT_EVENTS) + 1)

    @rule(index=INDEX)
    def change_what_the_archive_has_changed(self, index: int) -> None:
        """The archive was read before its head moved."""
        if self.oldest > 1:
            self.read_as_of = self.reported - 1
            seq = 1 + index % (self.oldest - 1)
            assert self.call("delete", seq=seq, moderates=True) == Refused(Refusal.NOT_IN_LOG, self.reported)
            self.read_as_of = None

    def find_archived(self, target: int) -> ArchivedMessage:
        """Return what the archive knows, from the events that are folded in."""
        as_of = self.archived if self.read_as_of is None else self.read_as_of
        events = self.events[:as_of]
        row = next(
            (row for row in MessageFold(events).rows() if row["seq"] == target and row["type"] == "message"), None
        )
        if row is None:
            return ArchivedMessage(as_of, "")
        edits = sum(event["type"] == "edited" and event["target"] == target for event in events)
        reactions = [(reaction["emoji"], reaction["users"]) for reaction in row.get("reactions", ())]
        return ArchivedMessage(as_of, row["user"]["id"], row["at"], edits, reactions, "deleted_at" in row)

    # -- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def the_log_is_what_was_published(self) -> None:
        assert self.runner.run(self.room.events()) == self.events[self.oldest - 1 :]

    @invariant()
    def the_archive_reads_what_was_published(self) -> None:
        unarchived = UnarchivedRange(self.room.id, self.archived, 500)
        (page,) = self.runner.run(self.room.broker.archive.unarchived([unarchived]))
        assert [json.loads(event) for _, event in page.events] == self.events[self.archived :]

    @invariant()
    def the_history_is_the_folded_log(self) -> None:
        rows = [row for row in MessageFold(self.events).rows() if row["seq"] >= self.oldest]
        assert self.runner.run(self.room.rows()) == rows
        paged: list[dict[str, Any]] = []
        more = bool(rows)
        while more:
            wanted = HistoryRange.after_seq(paged[-1]["seq"] if paged else 0, 4)
            found = self.runner.run(self.room.broker.history(self.room.id, wanted))
            paged += map(json.loads, found.rows)
            more = found.more_after
        assert paged == rows

    @invariant()
    def no_deleted_text_is_stored(self) -> None:
        stored = stored_bytes(self.store, self.room.id)
        assert [text for text in self.deleted_texts if text.encode() in stored] == []

    # -- internal -----------------------------------------------------------------------------------------------------

    def new_text(self, padding: str) -> str:
        self.texts += 1
        return f"<text {self.texts}>{padding}"

    def pick(self, index: int) -> int:
        """Return the seq of any event, one that is not yet assigned, or often the same one as before."""
        if index % 2:
            self.last_target = len(self.events) + 1 - index // 2 % (len(self.events) + 1)
        return self.last_target

    def find(self, seq: int) -> dict[str, Any] | None:
        """Return the current form of a message."""
        rows = MessageFold(self.events).rows()
        return next((row for row in rows if row["seq"] == seq and row["type"] == "message"), None)

    def call(self, name: str, **arguments: Any) -> AppendOutcome:
        arguments["cid"] = str(uuid.uuid4())
        outcome: AppendOutcome = self.runner.run(getattr(self.room, name)(**arguments))
        if isinstance(outcome, Appended):
            self.accepted.append((name, arguments, outcome))
        return outcome

    def record_event(self) -> None:
        page = self.runner.run(self.room.broker.read(self.room.id, len(self.events), 10))
        assert (page.first, len(page.events)) == (len(self.events) + 1, 1)
        self.events += map(json.loads, page.events)


def test_live_events_history_and_replay_agree(store: RunningStore) -> None:
    with redis.Redis(port=store.port) as other:
        other.config_set("rdbcompression", "no")  # so that DUMP returns the bytes of a key as they are

    class ChangesHere(Changes):
        pass

    ChangesHere.store = store
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        ChangesHere,
        settings=settings(
            max_examples=10,
            stateful_step_count=60,
            phases=[Phase.generate],  # to shrink a failure takes minutes: each step asks the store several times
            deadline=None,
            database=None,
            suppress_health_check=checks,
        ),
    )
