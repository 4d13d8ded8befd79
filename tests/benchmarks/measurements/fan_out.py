"""Deliveries per second and latency in one room, at the same bytes on the wire."""

from contextlib import ExitStack
from dataclasses import replace
from statistics import median

from benchmarks.generator import Measured
from benchmarks.report import quantity
from benchmarks.run_options import Run, log
from benchmarks.servers import BARE, CLOUDCHAT, PLAIN, Server, running_cloudchat, running_plain, running_program

LOADS = (16, 1)
"""Sends in flight: each is in flight until every member has it."""
_SERVER_CORE = "Share of its core that the server used"
_ROOMS = (100, 1_000, 2_000)


def measure(run: Run) -> None:
    """Measure each server in each round, right after each other."""
    with ExitStack() as stack:
        servers = [start(stack, name, run) for name in run.servers]
        for number in range(1, run.rounds + 1):
            for in_flight in LOADS:
                frame_bytes = 0.0  # of cloudchat's message with 100 characters; the others' texts are longer
                for server in servers:
                    result = measure_load(run, server, in_flight, frame_bytes, f"round {number}/{run.rounds}")
                    frame_bytes = frame_bytes or result["frame_bytes"]
                    add_load(run, server, f"{in_flight} in flight", result)
                    add_latency(run, server, f"{in_flight} in flight", result)
    note_generator(run, frame_bytes)


def measure_rooms(run: Run) -> None:
    """Measure cloudchat alone in rooms of other sizes."""
    in_flight = LOADS[0]
    with running_cloudchat(max(_ROOMS)) as (_, server):
        for members in _ROOMS:
            room = replace(run, members=members)
            for number in range(1, run.rounds + 1):
                result = measure_load(room, server, in_flight, 0, f"{members} members, {number}/{run.rounds}")
                add_load(room, server, f"room of {members:,}", result)
                add_latency(room, server, f"room of {members:,}", result)


def note_generator(run: Run, frame_bytes: float) -> None:
    """Say whether the servers or the generator were the limit."""
    for row in run.table.background:
        if row.what.startswith(_SERVER_CORE):
            shares = ", ".join(f"{name} {median(values):.0%}" for name, values in row.values.items())
            run.table.notes.append(f"{row.what}: {shares}.")
    ceilings = []
    for frames in LOADS:
        options = {"members": run.members, "in_flight": frames, "frame_bytes": frame_bytes, "seconds": 1}
        rate = run.generator.ceiling(options)["deliveries_per_second"]
        ceilings.append(f"{quantity(rate)} with {frames} per write")
    run.table.notes.append(
        f"A server that uses its whole core is the limit, and not the load generator. From a process that only writes "
        f"prepared frames, the generator receives {' and '.join(ceilings)} per second. A message of cloudchat has "
        f"{frame_bytes:.0f} bytes on the wire."
    )


def measure_load(run: Run, server: Server, in_flight: int, frame_bytes: float, when: str) -> Measured:
    """Measure one load on one server; 0 as `frame_bytes` means a text of 100 characters."""
    options = {"members": run.members, "in_flight": in_flight, "seconds": run.seconds, "warm_up": 0.5}
    if frame_bytes:
        options["frame_bytes"] = frame_bytes
    result = run.generator.run("fan-out", server, options)
    log(
        f"  {server.name:14} {when}, {in_flight:>2} in flight  {result['deliveries_per_second']:11,.0f} deliveries/s  "
        f"p50 {result['p50_ms']:7.2f} ms  p99 {result['p99_ms']:7.2f} ms  server {result['server_cpu']:.0%} of its core"
    )
    return result


def add_load(run: Run, server: Server, name: str, result: Measured) -> None:
    """Add the deliveries to the table, under the name of the load."""
    rate = result["deliveries_per_second"]
    run.table.row(f"deliveries per second, {name}", more_is_better=True).add(server.name, rate)
    # What a busy machine changes least.
    per_cpu = run.table.background_row(f"deliveries per second of CPU, {name}")
    per_cpu.add(server.name, rate / max(result["server_cpu"], 0.001))
    run.table.background_row(f"{_SERVER_CORE}, {name}").add(server.name, result["server_cpu"])


def add_latency(run: Run, server: Server, name: str, result: Measured) -> None:
    """Add the time of deliveries to the table."""
    for share in ("p50", "p99"):
        latency = run.table.row(f"from send to delivery, {name}, {share}", "ms", more_is_better=False)
        latency.add(server.name, result[f"{share}_ms"])


def start(stack: ExitStack, name: str, run: Run) -> Server:
    """Start one of the servers that `make bench` compares."""
    log(f"starting {name} …")
    if name == CLOUDCHAT:
        return stack.enter_context(running_cloudchat(run.members))[1]
    if name == PLAIN:
        return stack.enter_context(running_plain())
    assert name == BARE
    return stack.enter_context(running_program(BARE, "websocket", [str(run.generator.bare_loop)]))
