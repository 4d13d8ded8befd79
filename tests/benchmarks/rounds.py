"""A whole run: start both servers, measure them in turn, say what comes out."""

import argparse
import json
import os
import sys
from contextlib import ExitStack

from benchmarks import cores, machine, report
from benchmarks.load import BrokenLoad
from benchmarks.measure import measure_load, measure_memory
from benchmarks.members import RefusedMember
from benchmarks.results import Results
from benchmarks.servers import Server, ServerDidNotStart, cloudchat, plain


def run(options: argparse.Namespace) -> int:
    """Measure, print the table; return the exit code: 1 when a server did not start or a message went missing."""
    os.sched_setaffinity(0, {cores.generator_core()})
    if cores.shared():
        _say("CAUTION: there is only one core for servers and load generator")
    try:
        results = _measure(options)
    except (BrokenLoad, RefusedMember, ServerDidNotStart) as error:
        _say(f"bench: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\n{report.table(results)}\n")
    print("\n".join(report.notes(results)))
    if options.json:
        everything = machine.describe() | {"members": options.members, "idle": options.idle} | results.as_json()
        options.json.write_text(json.dumps(everything, indent=2) + "\n")
        print(f"written: {options.json}")
    return 0


def _measure(options: argparse.Namespace) -> Results:
    results = Results()
    with ExitStack() as stack:
        servers = [_start(stack, name, options) for name in options.server]
        if "memory" in options.only:
            for server in servers:
                figures = results.memory[server.dialect.name] = measure_memory(server, options.idle)
                _say(
                    f"{_label(server)}  {options.idle} idle members  {figures.bytes_per_member / 1024:10,.1f} KiB each"
                )
        for number in range(1, options.rounds + 1):
            for in_flight in (int(what) for what in options.only if what != "memory"):
                for server in servers:
                    load = measure_load(server, options.members, in_flight, options.seconds)
                    results.loads.setdefault(in_flight, {}).setdefault(server.dialect.name, []).append(load)
                    _say(
                        f"{_label(server)}  round {number}/{options.rounds}, {in_flight:>2} in flight  "
                        f"{load.deliveries_per_second:11,.0f} deliveries/s  "
                        f"p50 {load.p50:7.2f} ms  p99 {load.p99:7.2f} ms"
                    )
    return results


def _start(stack: ExitStack, name: str, options: argparse.Namespace) -> Server:
    _say(f"starting {name} …")
    return stack.enter_context(plain() if name == "plain" else cloudchat(max(options.members, options.idle)))


def _label(server: Server) -> str:
    return f"{server.dialect.name:9}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
