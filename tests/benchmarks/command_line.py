"""The command line of `make bench`: choose the parts, measure them, and print the table."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from benchmarks import generator, machine
from benchmarks.measurements import fan_out, full_log, memory, openings, reconnect, small_rooms, start_up
from benchmarks.report import replace_report, report
from benchmarks.results import Table
from benchmarks.run_options import Run, log
from benchmarks.servers import BARE, CLOUDCHAT, PLAIN, ServerStartFailed

CACHE = Path(__file__).parent.parent.parent / ".bench"
"""Built programs and installed peers; `make clean` removes it."""
_PARTS: dict[str, tuple[Callable[[Run], None], str]] = {
    "fan-out": (fan_out.measure, "deliveries per second and latency in a room of 500"),
    "room-size": (fan_out.measure_rooms, "the same in rooms of 100, 1,000 and 2,000; only if it is named"),
    "small-rooms": (small_rooms.measure, "200 rooms of 10 members: messages stored and delivered per second"),
    "openings": (openings.measure, "sockets opened per second, 32 and 1 at once"),
    "reconnect": (reconnect.measure, "3,000 clients whose server is killed"),
    "memory": (memory.measure, "without members, per idle member, per worker"),
    "start-up": (start_up.measure, "the second start, and commands"),
    "full-log": (full_log.measure, "a send to a full log against one to an empty log"),
}
_WITHOUT_LOAD = ("start-up",)
_ONLY_IF_NAMED = ("room-size",)
_SERVERS = {"cloudchat": CLOUDCHAT, "plain": PLAIN, "bare": BARE}
_MAX_OTHERS_CPU = 0.1  # above this share of the machine, other processes distort the results


def main(description: str) -> int:
    """Parse the command line, measure, and print the table; return 1 if a server failed or a message was lost."""
    options = _parse(description)
    parts = options.part or [part for part in _PARTS if part not in _ONLY_IF_NAMED]
    table = Table([name for key, name in _SERVERS.items() if not options.server or key in options.server])
    started_at = monotonic()
    try:
        succeeded = _run_parts(options, parts, table)
    except KeyboardInterrupt:
        return 130
    if not succeeded:
        options.update = None  # an incomplete table must not replace a complete one
    publish(options, table, " ".join(["make bench", *(options.part or [])]))
    log(f"took {monotonic() - started_at:.0f} s")
    return 0 if succeeded else 1


def _run_parts(options: argparse.Namespace, parts: list[str], table: Table) -> bool:
    """Measure the parts into the table; return whether all succeeded. Without gcc, measure those that need no load."""
    os.sched_setaffinity(0, {machine.GENERATOR_CORE})
    try:
        built = generator.build(CACHE)
    except generator.NoCompiler as error:
        left_out = [part for part in parts if part not in _WITHOUT_LOAD]
        parts = [part for part in parts if part in _WITHOUT_LOAD]
        log(f"bench: {error}; left out: {', '.join(left_out)}")
        table.notes.append(f"Left out: {', '.join(left_out)}: {error}.")
        built = generator.Generator(Path(), Path())
    run = Run(built, table, options.rounds, options.seconds, options.members, options.idle, options.returning)
    failed = []
    for part in parts:
        measure, what = _PARTS[part]
        log(f"{part}: {what}")
        try:
            measure(run)
        except (generator.LoadFailed, ServerStartFailed, subprocess.SubprocessError) as error:
            log(f"bench: {part}: {error}")
            table.notes.append(f"FAILED: {part}: {error}.")
            failed.append(part)
    add_cautions(run)
    return not failed


def add_cautions(run: Run) -> None:
    """Say what makes the results worse than they are."""
    if machine.GENERATOR_CORE == machine.SERVER_CORE:
        run.table.notes.append("CAUTION: there is only one core for servers and load generator.")
    if run.generator.others_cpu > _MAX_OTHERS_CPU:
        run.table.notes.append(
            f"CAUTION: other processes took up to {run.generator.others_cpu:.0%} of a core during a load; repeat the "
            "run on an idle machine."
        )


def publish(options: argparse.Namespace, table: Table, place: str, *, by_server: bool = False) -> None:
    """Print the report, and write it where the options say; `place` is the name of its markers there."""
    facts = machine.describe()
    text = report(facts, table, command_of(place.split()[1], sys.argv[1:]), by_server=by_server)
    print(f"\n{text}\n")
    if options.json:
        options.json.write_text(json.dumps({**facts, **table.as_json()}, indent=2) + "\n")
        log(f"written: {options.json}")
    if options.update:
        replace_report(options.update, place, text)
        log(f"updated: {options.update}")


def command_of(target: str, arguments: list[str]) -> str:
    """Return the command of this run, without the files that it writes."""
    kept = [
        argument
        for before, argument in zip(["", *arguments], arguments, strict=False)
        if not {"--json", "--update"} & {before.partition("=")[0], argument.partition("=")[0]}
    ]
    return f'make {target} ARGS="{" ".join(kept)}"' if kept else f"make {target}"


def _parse(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="parts:\n"
        + "\n".join(f"  {name:11} {what}" for name, (_, what) in _PARTS.items())
        + '\n\nexamples:\n  make bench\n  make bench ARGS="--update README.md"\n  make bench ARGS="--part openings"\n'
        '  make bench ARGS="--part fan-out --part memory --json bench.json"\n'
        '  make bench ARGS="--part fan-out --server cloudchat --seconds 60 --rounds 1"   (to attach a profiler)\n'
        "  .bench/load --help   (the load generator alone, after a first run)",
    )
    add_load_options(parser)
    parser.add_argument("--part", choices=_PARTS, action="append", help="only this part; may be given several times")
    parser.add_argument("--server", choices=_SERVERS, action="append", help="only this server; likewise")
    parser.add_argument(
        "--idle", type=_positive, default=10_000, metavar="N", help="idle members for memory (default %(default)s)"
    )
    parser.add_argument(
        "--returning", type=_positive, default=3_000, metavar="N", help="clients that reconnect (default %(default)s)"
    )
    return parser.parse_args()


def add_load_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `make bench` and `make bench-peers` have in common."""
    parser.add_argument("--rounds", type=_positive, default=3, metavar="N", help="rounds (default %(default)s)")
    parser.add_argument(
        "--seconds", type=_positive_seconds, default=2, metavar="S", help="length of one load (default %(default)s)"
    )
    parser.add_argument(
        "--members", type=_positive, default=500, metavar="N", help="members of the room (default %(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results of every round to FILE")
    parser.add_argument(
        "--update", type=Path, metavar="FILE", help="also replace the report between the markers in this Markdown file"
    )


def _positive(text: str) -> int:
    if (value := int(text)) < 1:
        raise ValueError
    return value


def _positive_seconds(text: str) -> float:
    if (value := float(text)) <= 0:
        raise ValueError
    return value
