"""A whole run: start both servers, measure them in turn, and print the report."""

import argparse
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks import machine, report
from benchmarks.load import LoadFailed
from benchmarks.measure import measure_load, measure_memory
from benchmarks.members import MemberRejected
from benchmarks.results import Results
from benchmarks.servers import Server, ServerStartFailed, cloudchat, plain

LOADS = (1, 16)  # sends in flight
SERVERS = ("plain", "cloudchat")


def main(description: str) -> int:
    """Parse the command line, measure, and print the report; return 1 if a server failed or a message was lost."""
    options = _parse_options(description)
    os.sched_setaffinity(0, {machine.GENERATOR_CORE})
    if machine.GENERATOR_CORE == machine.SERVER_CORE:
        _log("CAUTION: there is only one core for servers and load generator")
    try:
        results = _measure(options)
    except (LoadFailed, MemberRejected, ServerStartFailed) as error:
        _log(f"bench: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\n{report.table(results)}\n")
    print("\n".join(report.notes(results)))
    if options.json:
        report_data = machine.describe() | {"members": options.members, "idle": options.idle} | results.as_json()
        options.json.write_text(json.dumps(report_data, indent=2) + "\n")
        print(f"written: {options.json}")
    return 0


def _parse_options(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests/benchmarks/run.py",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Examples:\n"
        "  make bench\n"
        "  tests/benchmarks/run.py --json bench.json\n"
        "  tests/benchmarks/run.py --only 16 --server cloudchat --seconds 60   (to attach a profiler)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results of every round to FILE")
    parser.add_argument(
        "--members", type=int, default=500, metavar="N", help="members of the room (default %(default)s)"
    )
    parser.add_argument(
        "--idle", type=int, default=1000, metavar="N", help="idle members for memory (default %(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=4, metavar="S", help="length of one load (default %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds of each load (default %(default)s)")
    parser.add_argument(
        "--only",
        choices=("memory", *map(str, LOADS)),
        action="append",
        help="only this measurement (may be given twice): memory, or the load with that many sends in flight",
    )
    parser.add_argument("--server", choices=SERVERS, action="append", help="only this server, without ratios")
    options = parser.parse_args()
    options.only = options.only or ["memory", *map(str, LOADS)]
    options.server = options.server or list(SERVERS)
    if options.members < 16 or options.idle < 1 or options.seconds <= 0 or options.rounds < 1:
        parser.error("at least 16 members, 1 idle member, 1 round, and a time above 0")
    return options


def _measure(options: argparse.Namespace) -> Results:
    results = Results()
    with ExitStack() as stack:
        servers = [_start(stack, name, options) for name in options.server]
        if "memory" in options.only:
            for server in servers:
                memory = results.memory[server.dialect.name] = measure_memory(server, options.idle)
                _log(f"{_label(server)}  {options.idle} idle members  {memory.bytes_per_member / 1024:10,.1f} KiB each")
        for number in range(1, options.rounds + 1):
            for in_flight in (int(load) for load in options.only if load != "memory"):
                for server in servers:
                    load = measure_load(server, options.members, in_flight, options.seconds)
                    results.loads.setdefault(in_flight, {}).setdefault(server.dialect.name, []).append(load)
                    _log(
                        f"{_label(server)}  round {number}/{options.rounds}, {in_flight:>2} in flight  "
                        f"{load.deliveries_per_second:11,.0f} deliveries/s  "
                        f"p50 {load.p50:7.2f} ms  p99 {load.p99:7.2f} ms"
                    )
    return results


def _start(stack: ExitStack, name: str, options: argparse.Namespace) -> Server:
    _log(f"starting {name} …")
    return stack.enter_context(plain() if name == "plain" else cloudchat(max(options.members, options.idle)))


def _label(server: Server) -> str:
    return f"{server.dialect.name:9}"


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
