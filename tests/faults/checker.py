"""Is what the clients saw one history? Every rule returns the sentences that say how it was broken.

A send is acknowledged, surely refused, or unknown; an unknown one may be in the history or not, but not twice.
"""

from collections import Counter
from collections.abc import Iterator

from faults.story import Event, Missing, Run, Said, Story


def violations(story: Story, *, wiped: bool = False) -> list[str]:
    """Everything that is wrong with a story.

    `wiped`: the store lost events (emptied, an older backup), so what earlier epochs had at their ends may be gone, and
    clients must have been told of a gap; without it a gap is a violation.
    """
    rules = [
        _acknowledged_is_kept(story, wiped),
        _once_each(story),
        _nothing_invented(story),
        _numbered_without_holes(story),
        _joins_keep_their_promise(story),
        _one_set_of_bytes(story),
        _order_of_each_sender(story),
        _order_of_time(story),
        _views_agree(story, wiped),
    ]
    return [broken for rule in rules for broken in rule]


def _acknowledged_is_kept(story: Story, wiped: bool) -> Iterator[str]:
    """Every acknowledged send is in the log, where the ack said, as it was said."""
    at = {event.place: event for event in story.history}
    ends = {event.epoch: event.seq for event in story.history}
    current = story.history[-1].epoch if story.history else ""
    for said in story.said:
        if said.ack is None:
            continue
        if wiped and said.ack.epoch != current and said.ack.seq > ends.get(said.ack.epoch, 0):
            continue
        found = at.get((said.ack.epoch, said.ack.seq))
        if found is None:
            yield f"{said.text!r} was acknowledged as {said.ack.seq} and is lost"
        elif (found.user, found.cid, found.text) != (said.user, said.cid, said.text):
            yield f"{said.text!r} was acknowledged as {said.ack.seq}, where {found.text!r} is"


def _once_each(story: Story) -> Iterator[str]:
    counts = Counter((event.user, event.cid) for event in story.history)
    for (user, cid), count in counts.items():
        if count > 1:
            yield f"cid {cid} of {user} is in the log {count} times"


def _nothing_invented(story: Story) -> Iterator[str]:
    invoked = {(said.user, said.cid, said.text) for said in story.said}
    refused = {(said.user, said.cid) for said in story.said if said.refused}
    for event in _everything_seen(story):
        if (event.user, event.cid, event.text) not in invoked:
            yield f"nobody said {event.raw}"
        elif (event.user, event.cid) in refused:
            yield f"{event.text!r} was refused, and is there"


def _numbered_without_holes(story: Story) -> Iterator[str]:
    for before, event in zip(story.history, story.history[1:], strict=False):
        if event.seq != before.seq + 1:
            yield f"the log goes from {before.seq} to {event.seq}"


def _joins_keep_their_promise(story: Story) -> Iterator[str]:
    """`recovered` brings after+1 … HEAD, the others the last `limit`; then what is live follows."""
    for run in story.runs:
        yield from _run(run)


def _run(run: Run) -> Iterator[str]:
    if run.status == "recovered":
        if run.after is None or run.after[0] != run.epoch:
            yield f"{run.client}: recovered {run.after} in another epoch, {run.epoch}"
            return
        start = run.after[1]
    else:
        start = max(run.oldest - 1, run.head - run.limit, 0)
    expected = start
    for event in run.events:
        expected += 1
        if event.seq != expected:
            yield f"{run.client}: {event.seq} came where {expected} was due ({run.status} after {run.after})"
            return
        if event.epoch != run.epoch and event.seq > run.head:
            yield f"{run.client}: {event.seq} is live and of epoch {event.epoch}, not {run.epoch}"
    if run.whole and expected < run.head:
        yield f"{run.client}: the replay after {run.after} ends at {expected} of {run.head}"


def _one_set_of_bytes(story: Story) -> Iterator[str]:
    """Live, replayed, in a page: one place in the log is one sequence of bytes."""
    first: dict[tuple[str, int], str] = {}
    for event in _everything_seen(story):
        if first.setdefault(event.place, event.raw) != event.raw:
            yield f"two versions of {event.place}: {first[event.place]} and {event.raw}"


def _order_of_each_sender(story: Story) -> Iterator[str]:
    last: dict[tuple[str, str], Said] = {}
    for said in sorted(story.said, key=lambda said: said.invoked):
        if said.ack is None:
            continue
        before = last.get((said.client, said.ack.epoch))
        if before is not None and before.ack is not None and before.ack.seq > said.ack.seq:
            yield f"{said.client} said {before.text!r} before {said.text!r}, the log has them the other way round"
        last[said.client, said.ack.epoch] = said


def _order_of_time(story: Story) -> Iterator[str]:
    """What was said after something had been acknowledged comes after it."""
    moments: list[tuple[float, int, Said]] = []
    for said in story.said:
        if said.ack is not None:
            moments += [(said.ack.at, 0, said), (said.invoked, 1, said)]
    highest: dict[str, int] = {}
    for _, invoked, said in sorted(moments, key=lambda moment: moment[:2]):
        assert said.ack is not None
        known = highest.get(said.ack.epoch, 0)
        if not invoked:
            highest[said.ack.epoch] = max(known, said.ack.seq)
        elif said.ack.seq <= known:
            yield f"{said.text!r} got {said.ack.seq} although {known} had been acknowledged before it was said"


def _views_agree(story: Story, wiped: bool) -> Iterator[str]:
    """What users saw is a run of the log up to its end: nothing missing, nothing twice, no gap that was none."""
    if not story.history:
        return
    head = story.history[-1]
    for client, view in story.views.items():
        gaps = sum(isinstance(item, Missing) for item in view)
        if gaps and not wiped:
            yield f"{client} was told of a gap, and nothing was lost"
        if wiped and not gaps and len({item.epoch for item in view if isinstance(item, Event)}) > 1:
            yield f"{client} was not told of the gap"
        before: Event | None = None
        for item in view:
            if isinstance(item, Missing):
                before = None
                continue
            if before is not None and item.seq != before.seq + 1:
                yield f"{client} saw {item.seq} after {before.seq}"
            before = item
        last = view[-1] if view else None
        if not isinstance(last, Event) or last.place != head.place:
            yield f"{client} stands at {last}, the log at {head.place}"


def _everything_seen(story: Story) -> Iterator[Event]:
    yield from story.history
    for run in story.runs:
        yield from run.events
    for view in story.views.values():
        yield from (item for item in view if isinstance(item, Event))
