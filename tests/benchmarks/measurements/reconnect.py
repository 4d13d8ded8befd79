"""A crowd that loses its server: the time from the new server's being ready until everyone is whole."""

from time import monotonic

from benchmarks.generator import last_line, next_line
from benchmarks.machine import on_server_core
from benchmarks.run_options import Run, log
from benchmarks.servers import CLOUDCHAT, running_cloudchat

_MISSED = 20
_LONGEST_SECONDS = 90


def measure(run: Run) -> None:
    """Kill cloudchat with its members joined, start it again, and wait for the last one that has what it missed."""
    if CLOUDCHAT not in run.servers:
        return
    log(f"starting cloudchat, with {run.returning} users …")
    with running_cloudchat(run.returning) as (running, server):
        options = {"members": run.returning, "missed": _MISSED, "seconds": _LONGEST_SECONDS}
        with run.generator.started("reconnect", server, options) as process:
            next_line(process)
            log("  all are joined; killing the server …")
            running.kill()
            killed_at = monotonic()
            with on_server_core():
                running.start()
            ready_at = monotonic()
            log(f"  ready again after {ready_at - killed_at:.2f} s")
            result = last_line(process)
        log(
            f"  the last of {run.returning} is back {result['last_at'] - ready_at:.2f} s later, after "
            f"{result['attempts']:.0f} attempts of all and {result['refusals']:.0f} refusals"
        )
    crowd = f"{run.returning:,} clients of a killed server"
    for share, what in (("p50", "half are back"), ("last", "all are back")):
        row = run.table.row(f"{crowd}, {what}, after it is ready", "s", more_is_better=False)
        row.add(CLOUDCHAT, max(0.0, result[f"{share}_at"] - ready_at))
    run.table.notes.append(
        f"A client is back when it has joined and has the {_MISSED} messages that it missed, in order. It waits like "
        "cloudchat's own client: full jitter, within the time that the server's last welcome named."
    )
