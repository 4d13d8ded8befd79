"""Many small rooms: messages stored and delivered per second, with one send in flight in each room."""

from contextlib import ExitStack

from benchmarks.run_options import Run, log
from benchmarks.servers import BARE, CLOUDCHAT, Server, running_cloudchat, running_program

ROOMS = 200
MEMBERS = 10
"""Of each room. Every member has a connection of its own."""
_NAME = f"{ROOMS} rooms of {MEMBERS}"


def measure(run: Run) -> None:
    """Measure cloudchat, and the bare C loop, which stores nothing: it shows what reading and writing alone costs."""
    with ExitStack() as stack:
        servers = [start(stack, name, run) for name in (CLOUDCHAT, BARE) if name in run.servers]
        for number in range(1, run.rounds + 1):
            frame_bytes = 0.0  # of cloudchat's message; the others' texts are longer
            for server in servers:
                frame_bytes = measure_load(run, server, frame_bytes, f"round {number}/{run.rounds}")
    run.table.notes.append(
        f"{_NAME}: one send is in flight in each room. cloudchat stores and archives each message. The bare C loop "
        f"only reads it and writes it to {MEMBERS} sockets."
    )


def start(stack: ExitStack, name: str, run: Run) -> Server:
    """Start one of the two servers, with the rooms."""
    if name == CLOUDCHAT:
        return stack.enter_context(running_cloudchat(ROOMS * MEMBERS, room_members=MEMBERS))[1]
    command = [str(run.generator.bare_loop), str(MEMBERS)]
    return stack.enter_context(running_program(BARE, "websocket", command))


def measure_load(run: Run, server: Server, frame_bytes: float, when: str) -> float:
    """Measure one server, and add the result to the table. Return the length of its frames.

    0 as `frame_bytes` means a text of 100 characters.
    """
    options = {"rooms": ROOMS, "members": MEMBERS, "in_flight": 1, "seconds": run.seconds, "warm_up": 0.5}
    if frame_bytes:
        options["frame_bytes"] = frame_bytes
    result = run.generator.run("fan-out", server, options)
    log(
        f"  {server.name:14} {when}, {_NAME}  {result['sends_per_second']:7,.0f} sends/s  "
        f"p50 {result['p50_ms']:7.2f} ms  CPU {result['cpu_us_per_send']:.0f} µs per send  "
        f"server {result['server_cpu']:.0%} of its core"
    )
    for what, key in (("messages", "sends_per_second"), ("deliveries", "deliveries_per_second")):
        run.table.row(f"{what} per second, {_NAME}", more_is_better=True).add(server.name, result[key])
    run.table.row(f"from send to delivery, {_NAME}, p50", "ms", more_is_better=False).add(server.name, result["p50_ms"])
    run.table.background_row(f"CPU per send, {_NAME}", "µs").add(server.name, result["cpu_us_per_send"])
    return result["frame_bytes"]
