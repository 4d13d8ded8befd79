"""Check that all observations of the clients fit one consistent log. Each rule yields a sentence per violation.

A send is acknowledged, rejected, or unknown. An unknown one may be in the log or not, but not twice.
"""

from collections import Counter
from collections.abc import Iterator

from faults.observations import Event, Observations, SeenGap, Segment, Send


def violations(observed: Observations, *, wiped: bool = False, restored: bool = False) -> list[str]:
    """Return every violation.

    `wiped`: the store lost events (it was emptied, or restored from an older backup). Then the ends of earlier epochs
    may be gone, and clients must have got a gap. Without it, a gap is a violation.

    `restored`: also everything was lost that says how far the numbering was. Only then may a seq be assigned again.
    """
    rules = [
        _acknowledged_sends_are_in_the_log(observed, wiped),
        _no_cid_is_stored_twice(observed),
        _every_event_was_sent(observed),
        () if restored else _no_number_is_assigned_twice(observed),
        _the_log_has_no_holes(observed, wiped),
        _replays_are_complete(observed),
        _every_copy_has_the_same_bytes(observed),
        _the_log_has_the_order_of_each_sender(observed),
        _the_log_has_the_order_of_time(observed),
        _views_are_runs_of_the_log(observed, wiped),
    ]
    return [violation for rule in rules for violation in rule]


def _acknowledged_sends_are_in_the_log(observed: Observations, wiped: bool) -> Iterator[str]:
    """Every acknowledged send is in the log, at the position in its ack and with its text."""
    by_position = {event.position: event for event in observed.log}
    ends = {event.epoch: event.seq for event in observed.log}
    current = observed.log[-1].epoch if observed.log else ""
    for send in observed.sends:
        if send.ack is None:
            continue
        if wiped and send.ack.epoch != current and send.ack.seq > ends.get(send.ack.epoch, 0):
            continue
        found = by_position.get((send.ack.epoch, send.ack.seq))
        if found is None:
            yield f"{send.text!r} was acknowledged as {send.ack.seq} and is lost"
        elif (found.user, found.cid, found.text) != (send.user, send.cid, send.text):
            yield f"{send.text!r} was acknowledged as {send.ack.seq}, where {found.text!r} is"


def _no_cid_is_stored_twice(observed: Observations) -> Iterator[str]:
    counts = Counter((event.user, event.cid) for event in observed.log)
    for (user, cid), count in counts.items():
        if count > 1:
            yield f"cid {cid} of {user} is in the log {count} times"


def _every_event_was_sent(observed: Observations) -> Iterator[str]:
    sent = {(send.user, send.cid, send.text) for send in observed.sends}
    rejected = {(send.user, send.cid) for send in observed.sends if send.rejected}
    for event in _all_events(observed):
        if (event.user, event.cid, event.text) not in sent:
            yield f"no client sent {event.raw}"
        elif (event.user, event.cid) in rejected:
            yield f"{event.text!r} was rejected and is stored"


def _no_number_is_assigned_twice(observed: Observations) -> Iterator[str]:
    """Whatever happens to the store, a seq belongs to one event, in all epochs. It shows in acks, too."""
    assigned = [(event.seq, event.user, event.cid) for event in _all_events(observed)]
    assigned += [(send.ack.seq, send.user, send.cid) for send in observed.sends if send.ack is not None]
    first: dict[int, tuple[str, str]] = {}
    for seq, *message in assigned:
        if first.setdefault(seq, (message[0], message[1])) != (message[0], message[1]):
            yield f"{seq} was assigned to the cid {first[seq][1]} and to {message[1]}"


def _the_log_has_no_holes(observed: Observations, wiped: bool) -> Iterator[str]:
    """Log and archive have every event. Where events were lost, an epoch ends and the next one begins above them."""
    for before, event in zip(observed.log, observed.log[1:], strict=False):
        if event.seq != before.seq + 1 and not (wiped and event.epoch != before.epoch and event.seq > before.seq):
            yield f"the log goes from {before.seq} to {event.seq}"


def _replays_are_complete(observed: Observations) -> Iterator[str]:
    """`recovered` replays after+1 … head, the other statuses the last `limit` events; live events follow."""
    for segment in observed.segments:
        yield from _check_segment(segment)


def _check_segment(segment: Segment) -> Iterator[str]:
    if segment.status == "recovered":
        if segment.after is None or segment.after[0] != segment.epoch:
            yield f"{segment.client}: recovered {segment.after} in another epoch, {segment.epoch}"
            return
        start = segment.after[1]
    else:
        start = max(segment.oldest - 1, segment.head - segment.limit, 0)
    expected = start
    for event in segment.events:
        expected += 1
        if event.seq != expected:
            yield f"{segment.client}: got {event.seq}, expected {expected} ({segment.status} after {segment.after})"
            return
        if event.epoch != segment.epoch and event.seq > segment.head:
            yield f"{segment.client}: {event.seq} is live and of epoch {event.epoch}, not {segment.epoch}"
    if segment.complete and expected < segment.head:
        yield f"{segment.client}: the replay after {segment.after} ends at {expected} of {segment.head}"


def _every_copy_has_the_same_bytes(observed: Observations) -> Iterator[str]:
    """Live, replayed and in a page of history, the event at one position has the same bytes."""
    first: dict[tuple[str, int], str] = {}
    for event in _all_events(observed):
        if first.setdefault(event.position, event.raw) != event.raw:
            yield f"two versions of {event.position}: {first[event.position]} and {event.raw}"


def _the_log_has_the_order_of_each_sender(observed: Observations) -> Iterator[str]:
    last: dict[tuple[str, str], Send] = {}
    for send in sorted(observed.sends, key=lambda send: send.sent_at):
        if send.ack is None:
            continue
        before = last.get((send.client, send.ack.epoch))
        if before is not None and before.ack is not None and before.ack.seq > send.ack.seq:
            yield f"{send.client} sent {before.text!r} before {send.text!r}, the log has them in the other order"
        last[send.client, send.ack.epoch] = send


def _the_log_has_the_order_of_time(observed: Observations) -> Iterator[str]:
    """A send that began after another one was acknowledged has a higher seq."""
    moments: list[tuple[float, int, Send]] = []
    for send in observed.sends:
        if send.ack is not None:
            moments += [(send.ack.received_at, 0, send), (send.sent_at, 1, send)]
    highest: dict[str, int] = {}
    for _, is_send, send in sorted(moments, key=lambda moment: moment[:2]):
        assert send.ack is not None
        acknowledged = highest.get(send.ack.epoch, 0)
        if not is_send:
            highest[send.ack.epoch] = max(acknowledged, send.ack.seq)
        elif send.ack.seq <= acknowledged:
            yield f"{send.text!r} got {send.ack.seq} although {acknowledged} was acknowledged before it was sent"


def _views_are_runs_of_the_log(observed: Observations, wiped: bool) -> Iterator[str]:
    """What users saw is a run of the log up to its end: nothing missing, nothing twice, no gap without a loss."""
    if not observed.log:
        return
    head = observed.log[-1]
    for client, view in observed.views.items():
        gaps = sum(isinstance(item, SeenGap) for item in view)
        if gaps and not wiped:
            yield f"{client} got a gap, although nothing was lost"
        if wiped and not gaps and len({item.epoch for item in view if isinstance(item, Event)}) > 1:
            yield f"{client} got no gap, although events were lost"
        before: Event | None = None
        for item in view:
            if isinstance(item, SeenGap):
                before = None
                continue
            if before is not None and item.seq != before.seq + 1:
                yield f"{client} saw {item.seq} after {before.seq}"
            before = item
        last = view[-1] if view else None
        if not isinstance(last, Event) or last.position != head.position:
            yield f"{client} ends at {last}, the log at {head.position}"


def _all_events(observed: Observations) -> Iterator[Event]:
    yield from observed.log
    for segment in observed.segments:
        yield from segment.events
    for view in observed.views.values():
        yield from (item for item in view if isinstance(item, Event))
