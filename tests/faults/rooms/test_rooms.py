"""Users of two servers who chat in rooms and change them, while the servers and the store are killed.

The seed of a run is in its name: `make test ARGS="tests/faults/rooms -k 2"` repeats its plan. `make soak` runs longer.
"""

from collections.abc import Iterator

import pytest

from faults.rooms.checker import violations
from faults.rooms.plan import make_plan
from faults.rooms.run import Site, execute, running_site, summary


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site() as running:
        yield running


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_everybody_sees_and_may_do_fits_one_log(site: Site, seed: int) -> None:
    run = execute(site, make_plan(seed))
    print(summary(run))
    assert violations(run) == []
    assert sum(call.is_stored for call in run.calls) > 50
    assert sum(call.error is not None for call in run.calls) > 20
    assert {call.frame["type"] for call in run.calls if call.is_stored} == {"send", "edit", "delete", "react"}
    assert sum(change.status is not None and change.status < 300 for change in run.changes) > 20
    assert any(segment.joined["status"] == "recovered" and segment.events for segment in run.segments)
    assert len(run.outages) == 3
