"""The second start, which finds database and keys, and the commands of an administrator."""

import subprocess
from time import monotonic

from benchmarks.machine import cpu_seconds, on_server_core
from benchmarks.run_options import Run, log
from benchmarks.servers import CLOUDCHAT, PLAIN, as_server, running_cloudchat, running_plain
from support.server import CLOUDCHAT as COMMAND
from support.server import environment_of

_COMMANDS = (("--help",), ("admin", "list-users"))


def measure(run: Run) -> None:
    """Measure each start until the server accepts connections."""
    ready = run.table.row("second start until ready", "s", more_is_better=False)
    cpu = run.table.row("second start until ready, CPU", "s", more_is_better=False)
    for number in range(1, run.rounds + 1):
        if CLOUDCHAT in run.servers:
            _measure_cloudchat(run, number)
        if PLAIN in run.servers:
            started_at = monotonic()
            with running_plain() as server:
                ready.add(PLAIN, monotonic() - started_at)
                cpu.add(PLAIN, cpu_seconds(server.pids))


def _measure_cloudchat(run: Run, number: int) -> None:
    with running_cloudchat(0) as (running, _):
        running.terminate()
        started_at = monotonic()
        with on_server_core():
            running.start()
        seconds = monotonic() - started_at
        used = cpu_seconds(as_server(running, ()).pids, with_ended_children=True)
        run.table.row("second start until ready", "s").add(CLOUDCHAT, seconds)
        run.table.row("second start until ready, CPU", "s").add(CLOUDCHAT, used)
        log(f"  {CLOUDCHAT:14} round {number}/{run.rounds}, ready after {seconds:.2f} s, {used:.2f} s CPU")
        for arguments in _COMMANDS:
            started_at = monotonic()
            with on_server_core():
                subprocess.run(
                    [COMMAND, *arguments],
                    env=environment_of(running.state_dir),
                    capture_output=True,
                    check=True,
                )
            name = f"`cloudchat {' '.join(arguments)}`"
            run.table.row(name, "s", more_is_better=False).add(CLOUDCHAT, monotonic() - started_at)
