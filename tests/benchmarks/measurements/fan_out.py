"""Deliveries per second and latency in one room, at the same bytes on the wire."""

from contextlib import ExitStack

from benchmarks.generator import Measured
from benchmarks.report import quantity
from benchmarks.run_options import Run, log
from benchmarks.servers import BARE, CLOUDCHAT, PLAIN, Server, running_cloudchat, running_plain, running_program

LOADS = (16, 1)
"""Sends in flight: each is in flight until every member has it."""


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
                    add_load(run, server, in_flight, result)
    note_ceiling(run, frame_bytes)


def note_ceiling(run: Run, frame_bytes: float) -> None:
    """Say how much the generator itself can receive."""
    for frames in LOADS:
        ceiling = run.generator.ceiling(
            {"members": run.members, "in_flight": frames, "frame_bytes": frame_bytes, "seconds": 1}
        )
        run.table.note(
            f"The load generator itself receives {quantity(ceiling['deliveries_per_second'])} frames per second from a "
            f"process that only writes {frames} prepared {'frames' if frames > 1 else 'frame'} at once "
            f"(it is busy for {ceiling['generator_busy']:.0%} of the time)."
        )


def measure_load(run: Run, server: Server, in_flight: int, frame_bytes: float, when: str) -> Measured:
    """Measure one load on one server; 0 as `frame_bytes` means a text of 100 characters."""
    options = {"members": run.members, "in_flight": in_flight, "seconds": run.seconds, "warm_up": 0.5}
    if frame_bytes:
        options["frame_bytes"] = frame_bytes
    result = run.generator.run("fan-out", server, options)
    log(
        f"  {server.name:14} {when}, {in_flight:>2} in flight  {result['deliveries_per_second']:11,.0f} deliveries/s  "
        f"p50 {result['p50_ms']:7.2f} ms  p99 {result['p99_ms']:7.2f} ms  generator busy {result['generator_busy']:.0%}"
    )
    return result


def add_load(run: Run, server: Server, in_flight: int, result: Measured, suffix: str = "") -> None:
    """Add the result to the table."""
    name = f"{in_flight} in flight{suffix}"
    rate = run.table.row(f"deliveries per second, {name}", more_is_better=True)
    rate.add(server.name, result["deliveries_per_second"])
    # What a busy machine changes least.
    per_cpu = run.table.row(f"deliveries per second of CPU, {name}", more_is_better=True)
    per_cpu.add(server.name, result["deliveries_per_second"] / max(result["server_cpu"], 0.001))
    for share in ("p50", "p99"):
        latency = run.table.row(f"from send to delivery, {name}, {share}", "ms", more_is_better=False)
        latency.add(server.name, result[f"{share}_ms"])
    busy = run.table.row(f"load generator busy, {name}", "%")
    busy.add(server.name, 100 * result["generator_busy"])


def start(stack: ExitStack, name: str, run: Run) -> Server:
    """Start one of the servers that `make bench` compares."""
    log(f"starting {name} …")
    if name == CLOUDCHAT:
        return stack.enter_context(running_cloudchat(run.members))[1]
    if name == PLAIN:
        return stack.enter_context(running_plain())
    assert name == BARE
    return stack.enter_context(running_program(BARE, "websocket", [str(run.generator.bare_loop)]))
