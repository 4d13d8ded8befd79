"""Openings per second, and their CPU time. Each opening of cloudchat is the first one of a user."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.machine import on_server_core, wait_until_idle
from benchmarks.run_options import Run, log
from benchmarks.servers import CLOUDCHAT, PLAIN, Server, running_cloudchat, running_plain
from support.postgres import RunningPostgres, postgres_folder

_WARM_UP = 64
_OPENINGS = {32: 800, 1: 300}  # at once: how many


def measure(run: Run) -> None:
    """Measure cloudchat on SQLite and, where it is installed, on PostgreSQL, beside plain FastAPI."""
    users = run.rounds * sum(_OPENINGS.values())
    with ExitStack() as stack:
        servers: list[tuple[Server, str]] = []
        if CLOUDCHAT in run.servers:
            log("starting cloudchat on SQLite …")
            servers.append((stack.enter_context(running_cloudchat(users + _WARM_UP))[1], ""))
            if postgres := stack.enter_context(_postgres(run)):
                log("starting cloudchat on PostgreSQL …")
                servers.append(
                    (stack.enter_context(running_cloudchat(users + _WARM_UP, postgres=postgres))[1], ", PostgreSQL")
                )
        if PLAIN in run.servers:
            servers.append((stack.enter_context(running_plain()), ""))
        for server, _ in servers:
            # Connections to a database are opened by the first users; their processes count in each round.
            run.generator.run("openings", server, {"members": _WARM_UP}, first_token=users)
        first_token = 0
        for number in range(1, run.rounds + 1):
            for at_once, count in _OPENINGS.items():
                for server, suffix in servers:
                    _measure_one(run, server, suffix, at_once, count, first_token, f"round {number}/{run.rounds}")
                first_token += count


def _measure_one(run: Run, server: Server, suffix: str, at_once: int, count: int, first_token: int, when: str) -> None:
    wait_until_idle(server.pids)
    result = run.generator.run("openings", server, {"members": count, "at_once": at_once}, first_token=first_token)
    log(
        f"  {server.name + suffix:21} {when}, {at_once:>2} at once  {result['openings_per_second']:7,.0f} openings/s  "
        f"CPU {result['cpu_ms_each']:.2f} ms each  p50 {result['p50_ms']:.2f} ms"
    )
    name = f"{at_once} at once{suffix}"
    rate = run.table.row(f"sockets opened per second, {name}", more_is_better=True)
    cpu = run.table.row(f"CPU per opening, {name}", "ms", more_is_better=False)
    # Plain FastAPI has no database: it is compared with both rows.
    for row, value in ((rate, result["openings_per_second"]), (cpu, result["cpu_ms_each"])):
        row.add(server.name, value)
        if server.name != CLOUDCHAT and (twin := f"{row.what}, PostgreSQL") in {each.what for each in run.table.rows}:
            run.table.row(twin).add(server.name, value)


@contextmanager
def _postgres(run: Run) -> Iterator[RunningPostgres | None]:
    try:
        postgres_folder()
    except AssertionError:
        run.table.notes.append("Left out: openings with PostgreSQL, which is not installed.")
        yield None
        return
    postgres = RunningPostgres()
    try:
        with on_server_core():
            postgres.start()
        yield postgres
    finally:
        postgres.close()
