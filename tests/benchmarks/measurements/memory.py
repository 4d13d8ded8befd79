"""Memory: without members, of an idle joined member, and of one worker more."""

from benchmarks.generator import next_line
from benchmarks.machine import proportional_bytes, wait_until_idle
from benchmarks.run_options import Run, log
from benchmarks.servers import BARE, CLOUDCHAT, PLAIN, Server, running_cloudchat, running_plain, running_program
from support.process_usage import resident_bytes

_WARM_UP_MEMBERS = 64
_SOCKETS_PER_USER = 8
_MIB = 2**20


def measure(run: Run) -> None:
    """Measure the server processes; the store's memory is its own row."""
    if CLOUDCHAT in run.servers:
        with running_cloudchat(-(-run.idle // _SOCKETS_PER_USER)) as (running, server):
            _measure_members(run, server)
            store = run.table.row("memory of the store, without messages", "MiB", more_is_better=False)
            store.add(CLOUDCHAT, resident_bytes(running.store_pid) / _MIB)
        _measure_worker(run)
    if PLAIN in run.servers:
        with running_plain() as server:
            _measure_members(run, server)
    if BARE in run.servers:
        with running_program(BARE, "websocket", [str(run.generator.bare_loop)]) as server:
            _measure_members(run, server)


def _measure_members(run: Run, server: Server) -> None:
    pid = server.roots[0]
    with run.generator.started("hold", server, {"members": _WARM_UP_MEMBERS}) as process:
        next_line(process)  # what the server loads for its first members is not the cost of each member
    wait_until_idle(server.pids)
    empty = resident_bytes(pid)
    with run.generator.started("hold", server, {"members": run.idle}) as process:
        next_line(process)
        wait_until_idle(server.pids)
        each = (resident_bytes(pid) - empty) / run.idle
    log(f"  {server.name:14} {empty / _MIB:6.1f} MiB without members, {each / 1024:6.2f} KiB for each of {run.idle}")
    run.table.row("memory without members", "MiB", more_is_better=False).add(server.name, empty / _MIB)
    run.table.row(f"memory per idle member, {run.idle:,} of them", "KiB", more_is_better=False).add(
        server.name, each / 1024
    )


def _measure_worker(run: Run) -> None:
    """Measure what the third worker adds: the first two also need a process that supervises them."""
    used = [_workers_bytes(count) for count in (2, 3)]
    added = (used[1] - used[0]) / _MIB
    log(f"  {CLOUDCHAT:14} {added:6.1f} MiB for one worker more")
    run.table.row("memory of one worker more", "MiB", more_is_better=False).add(CLOUDCHAT, added)


def _workers_bytes(count: int) -> int:
    """Return the memory (PSS) of cloudchat with this number of workers, without its store."""
    with running_cloudchat(0, environment={"CLOUDCHAT_WORKERS": str(count)}) as (running, server):
        wait_until_idle(server.pids)
        return proportional_bytes(pid for pid in server.pids if pid != running.store_pid)
