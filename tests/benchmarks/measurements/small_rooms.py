"""Many small rooms: messages stored and delivered per second, with one send in flight in each room."""

from benchmarks.run_options import Run, log
from benchmarks.servers import CLOUDCHAT, Server, running_cloudchat

ROOMS = 200
MEMBERS = 10
"""Of each room. Every member has a connection of its own."""
_NAME = f"{ROOMS} rooms of {MEMBERS}"


def measure(run: Run) -> None:
    """Measure cloudchat alone: the servers of `make bench` beside it store nothing."""
    if CLOUDCHAT not in run.servers:
        return
    with running_cloudchat(ROOMS * MEMBERS, room_members=MEMBERS) as (_, server):
        for number in range(1, run.rounds + 1):
            measure_load(run, server, f"round {number}/{run.rounds}")


def measure_load(run: Run, server: Server, when: str) -> None:
    """Measure one server, and add the result to the table."""
    options = {"rooms": ROOMS, "members": MEMBERS, "in_flight": 1, "seconds": run.seconds, "warm_up": 0.5}
    result = run.generator.run("fan-out", server, options)
    log(
        f"  {server.name:14} {when}, {_NAME}  {result['sends_per_second']:7,.0f} sends/s  "
        f"p50 {result['p50_ms']:7.2f} ms  CPU {result['cpu_us_per_send']:.0f} µs per send  "
        f"server {result['server_cpu']:.0%} of its core"
    )
    for what, key in (("messages stored", "sends_per_second"), ("deliveries", "deliveries_per_second")):
        run.table.row(f"{what} per second, {_NAME}", more_is_better=True).add(server.name, result[key])
    run.table.row(f"from send to delivery, {_NAME}, p50", "ms", more_is_better=False).add(server.name, result["p50_ms"])
    run.table.background_row(f"CPU per send, {_NAME}", "µs").add(server.name, result["cpu_us_per_send"])
