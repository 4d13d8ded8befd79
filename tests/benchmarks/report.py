"""The table on the terminal."""

import statistics

from benchmarks.results import Results, Row

_SATURATED = 0.95  # share of its core above which the generator, not the server, may set the pace
_DISTURBED = 0.15  # share of the servers' core that others may take before the figures are in doubt


def table(results: Results) -> str:
    """The rows as text: what, cloudchat, plain, and how many times cloudchat does better."""
    head = ("", "cloudchat", "plain FastAPI", "cloudchat is better by")
    lines = [head, *(_cells(row) for row in results.rows())]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = ["  ".join((line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:]))) for line in lines]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:]])


def notes(results: Results) -> list[str]:
    """What a reader has to know to believe the table."""
    notes = [
        "cloudchat: authenticated by token, stored with fsync before every ack; its store shares its core.",
        "plain FastAPI: the tutorials' ConnectionManager, awaiting send_text for each member; nothing stored.",
    ]
    for in_flight, by_server in sorted(results.loads.items()):
        for name, rounds in by_server.items():
            app, store, generator = (
                statistics.median(getattr(figures, part) for figures in rounds)
                for part in ("server_cpu", "store_cpu", "generator_busy")
            )
            with_store = f", store {store:.0%}" if store else ""
            notes.append(
                f"CPU, {name}, {in_flight} in flight: server {app:.0%}{with_store}, load generator {generator:.0%}"
            )
    for name, figures in results.memory.items():
        notes.append(f"memory, {name}: {figures.empty_bytes / 2**20:.0f} MiB without members")
    if results.largest("generator_busy") > _SATURATED:
        notes.append("CAUTION: the load generator was busy nearly all the time, the servers may be faster than this.")
    if (others := results.largest("others_cpu")) > _DISTURBED:
        notes.append(
            f"CAUTION: other processes took up to {others:.0%} of the servers' core; repeat it on a quiet machine."
        )
    return notes


def _cells(row: Row) -> tuple[str, str, str, str]:
    better = "" if row.better is None else f"{row.better:.2f} ×"
    return row.what, _value(row.cloudchat, row.unit), _value(row.plain, row.unit), better


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.2f} {unit}"
