"""The cost of a send to a room whose log is full, against one whose log is empty."""

from statistics import median

from benchmarks.run_options import Run, log
from benchmarks.servers import CLOUDCHAT, running_cloudchat

_EVENTS = 10_000  # the default of CLOUDCHAT_HISTORY_MESSAGES
_SENDS = 2_000
_MEMBERS = 16  # few, so that the store is a large part of the cost


def measure(run: Run) -> None:
    """Measure both in each round. The empty log belongs to a server that has just been started."""
    if CLOUDCHAT not in run.servers:
        return
    factors: list[float] = []
    with running_cloudchat(_MEMBERS) as (_, full):
        log(f"filling a log with {_EVENTS} events …")
        run.generator.run("fan-out", full, {"members": _MEMBERS, "warm_up": 0, "sends": _EVENTS})
        for number in range(1, run.rounds + 1):
            with running_cloudchat(_MEMBERS) as (_, empty):
                costs = [
                    run.generator.run("fan-out", server, {"members": _MEMBERS, "warm_up": 0, "sends": _SENDS})[
                        "cpu_us_per_send"
                    ]
                    for server in (empty, full)
                ]
            factors.append(costs[1] / costs[0])
            for name, cost in zip(("an empty log", "a full log"), costs, strict=True):
                run.table.row(f"CPU per send, {name}", "µs", more_is_better=False).add(CLOUDCHAT, cost)
            log(f"  round {number}/{run.rounds}, CPU per send: empty {costs[0]:.0f}, full {costs[1]:.0f} µs")
    run.table.note(f"A send to a full log ({_EVENTS:,} events) costs {median(factors) - 1:+.1%} CPU.")
