"""Who is online: what changes of processes, lost and repeated ones, add up to."""

from hypothesis import given
from hypothesis import strategies as st

from cloudchat.realtime.ephemeral.local_presence import GRACE_SECONDS, LocalPresence
from cloudchat.realtime.ephemeral.presence_view import PresenceView

USERS = st.sampled_from(["ann", "bob", "cid", "dan"])
PROCESSES = st.sampled_from(["p1", "p2", "p3"])
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("change"), PROCESSES, st.sets(USERS), st.sets(USERS), st.sampled_from(["lost", "once", "twice"])
        ),
        st.tuples(st.just("end"), PROCESSES, st.just(set()), st.just(set()), st.just("")),
        st.tuples(st.just("poll"), PROCESSES, st.just(set()), st.just(set()), st.just("")),
    ),
    max_size=30,
)


@given(STEPS)
def test_after_a_poll_the_view_is_what_the_processes_hold(
    steps: list[tuple[str, str, set[str], set[str], str]],
) -> None:
    view, shown = PresenceView(), set[str]()
    held: dict[str, set[str]] = {}
    versions: dict[str, int] = {}

    def note(changed: set[str]) -> None:
        for user in changed:
            (shown.add if view.is_online(user) else shown.discard)(user)

    def poll() -> None:
        note(view.retain(versions))
        for process in view.outdated(versions):
            note(view.replace(process, versions[process], held[process]))

    for kind, process, came, left, transport in steps:
        if kind == "end":
            held.pop(process, None)
            versions.pop(process, None)
            note(view.retain(versions))
        elif kind == "poll":
            poll()
        else:
            came -= left
            held[process] = (held.get(process, set()) | came) - left
            versions[process] = versions.get(process, 0) + 1
            for _ in range({"lost": 0, "once": 1, "twice": 2}[transport]):
                note(view.change(process, versions[process], came, left))
    poll()
    online = set().union(*held.values())
    assert {user for user in ["ann", "bob", "cid", "dan"] if view.is_online(user)} == online
    assert shown == online
    assert len(view) == len(online)


def test_a_user_comes_with_the_first_socket_and_leaves_some_seconds_after_the_last() -> None:
    local = LocalPresence()
    local.socket_opened("ann")
    local.socket_opened("ann")
    assert local.take_changes(0.0) == (["ann"], [])
    local.socket_closed("ann", 1.0)
    assert local.take_changes(100.0) == ([], [])
    local.socket_closed("ann", 100.0)
    assert local.take_changes(100.0 + GRACE_SECONDS - 0.1) == ([], [])
    assert local.take_changes(100.0 + GRACE_SECONDS) == ([], ["ann"])
    assert local.users == set()


def test_a_user_who_flaps_is_never_announced() -> None:
    local = LocalPresence()
    local.socket_opened("ann")
    local.take_changes(0.0)
    for second in range(100):
        local.socket_closed("ann", float(second))
        assert local.take_changes(second + 0.5) == ([], [])
        local.socket_opened("ann")
        assert local.take_changes(second + 0.9) == ([], [])


def test_a_user_who_only_passes_through_is_not_announced() -> None:
    local = LocalPresence()
    local.socket_opened("ann")
    local.socket_closed("ann", 0.1)
    assert local.take_changes(0.2) == ([], [])
    assert local.users == set()
