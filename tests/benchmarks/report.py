"""The report on the terminal: a table, and notes for its reader."""

import statistics

from benchmarks.results import Results, Row

_MAX_GENERATOR_BUSY = 0.95  # above this share of its core, the generator may be the bottleneck
_MAX_OTHERS_CPU = 0.15  # above this share of the server core, other processes distort the results


def table(results: Results) -> str:
    """Return the rows as text: what, cloudchat, plain, and the factor by which cloudchat is better."""
    head = ("", "cloudchat", "plain FastAPI", "cloudchat is better by")
    lines = [head, *(_cells(row) for row in results.rows())]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = ["  ".join((line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:]))) for line in lines]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:]])


def notes(results: Results) -> list[str]:
    """Return what a reader needs to know to judge the table."""
    notes = [
        "cloudchat: authenticated by token, stored with fsync before every ack; its store runs on the same core.",
        "plain FastAPI: the tutorials' ConnectionManager, awaiting send_text for each member; nothing stored.",
    ]
    for in_flight, by_server in sorted(results.loads.items()):
        for name, rounds in by_server.items():
            app, store, generator = (
                statistics.median(getattr(result, part) for result in rounds)
                for part in ("server_cpu", "store_cpu", "generator_busy")
            )
            with_store = f", store {store:.0%}" if store else ""
            notes.append(
                f"CPU, {name}, {in_flight} in flight: server {app:.0%}{with_store}, load generator {generator:.0%}"
            )
    for name, memory in results.memory.items():
        notes.append(f"memory, {name}: {memory.empty_bytes / 2**20:.0f} MiB without members")
    if results.largest("generator_busy") > _MAX_GENERATOR_BUSY:
        notes.append("CAUTION: the load generator was busy nearly all the time; the servers may be faster than this.")
    if (others := results.largest("others_cpu")) > _MAX_OTHERS_CPU:
        notes.append(
            f"CAUTION: other processes took up to {others:.0%} of the server core; repeat the run on an idle machine."
        )
    return notes


def _cells(row: Row) -> tuple[str, str, str, str]:
    better = "" if row.better is None else f"{row.better:.2f} ×"
    return row.what, _value(row.cloudchat, row.unit), _value(row.plain, row.unit), better


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.2f} {unit}"
