"""The cost of a send to a room whose log is full, against one whose log is empty."""

from benchmarks.run_options import Run, log
from benchmarks.servers import CLOUDCHAT, running_cloudchat

_EVENTS = 10_000  # the default of CLOUDCHAT_HISTORY_MESSAGES
_SENDS = 4_000
_WARM_UP_SECONDS = 0.3  # the first sends of a server cost more; they leave its log far from full
_MEMBERS = 16  # few, so that the store is a large part of the cost


def measure(run: Run) -> None:
    """Measure both in each round. The empty log belongs to a server that has just been started."""
    if CLOUDCHAT not in run.servers:
        return
    with running_cloudchat(_MEMBERS) as (_, full):
        log(f"filling a log with {_EVENTS} events …")
        run.generator.run("fan-out", full, {"members": _MEMBERS, "warm_up": 0, "sends": _EVENTS})
        for number in range(1, run.rounds + 1):
            with running_cloudchat(_MEMBERS) as (_, empty):
                costs = [
                    run.generator.run(
                        "fan-out", server, {"members": _MEMBERS, "warm_up": _WARM_UP_SECONDS, "sends": _SENDS}
                    )["cpu_us_per_send"]
                    for server in (empty, full)
                ]
            for name, cost in zip(("an empty log", "a full log"), costs, strict=True):
                run.table.background_row(f"CPU per send to {name}", "µs").add(CLOUDCHAT, cost)
            run.table.row(f"CPU per send to a full log ({_EVENTS:,} events), of that to an empty one", "%").add(
                CLOUDCHAT, 100 * costs[1] / costs[0]
            )
            log(f"  round {number}/{run.rounds}, CPU per send: empty {costs[0]:.0f}, full {costs[1]:.0f} µs")
