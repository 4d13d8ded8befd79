"""The command line of `make bench`."""

import argparse
from pathlib import Path

LOADS = (1, 16)  # sends in flight
SERVERS = ("plain", "cloudchat")


def options(teaching: str) -> argparse.Namespace:
    """What the user asked for; `teaching` explains the benchmark in --help."""
    parser = argparse.ArgumentParser(
        prog="tests/benchmarks/run.py",
        description=teaching,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Examples:\n"
        "  make bench\n"
        "  tests/benchmarks/run.py --json bench.json\n"
        "  tests/benchmarks/run.py --only 16 --server cloudchat --seconds 60   (something to attach a profiler to)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything, every round, to FILE")
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
    parser.add_argument("--server", choices=SERVERS, action="append", help="only this server; no ratios then")
    chosen = parser.parse_args()
    chosen.only = chosen.only or ["memory", *map(str, LOADS)]
    chosen.server = chosen.server or list(SERVERS)
    if chosen.members < 16 or chosen.idle < 1 or chosen.seconds <= 0 or chosen.rounds < 1:
        parser.error("at least 16 members, 1 idle member, 1 round, and a time above 0")
    return chosen
