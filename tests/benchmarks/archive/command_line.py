"""The command line of `make bench-archive`, and its report."""

import argparse
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from benchmarks.archive.data_set import fill
from benchmarks.archive.measurements import Archive
from benchmarks.command_line import command_of
from benchmarks.machine import describe
from benchmarks.report import aligned, headline, replace_report
from benchmarks.run_options import log
from cloudchat.database.engine import create_engine
from cloudchat.database.migrations import upgrade
from cloudchat.database.transactions import Database
from support.postgres import RunningPostgres

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
_SIZES = {
    SQLITE: (
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
        "SELECT sum(length(block)) FROM archived_search_data",
    ),
    POSTGRESQL: ("SELECT pg_database_size(current_database())", "SELECT pg_relation_size('archived_search')"),
}
_WITHOUT_INDEX = {SQLITE: "DROP TRIGGER archived_search_insert", POSTGRESQL: "DROP INDEX archived_search"}


def measure(database: str, url: str, options: argparse.Namespace) -> Iterator[list[str]]:
    """Yield the lines of the table, one after the other."""
    if options.fill:
        upgrade(url)
        start = time.perf_counter()
        fill(url, options.messages)
        log(f"{database}: {options.messages / (time.perf_counter() - start):,.0f} messages/s were written")
    db = Database(create_engine(url))
    try:
        with db.read() as transaction:
            whole, index = (transaction.execute(text(query)).scalar_one() for query in _SIZES[database])
        yield [
            "size of a message",
            f"{whole / options.messages:,.0f} bytes",
            f"of them {index / options.messages:,.0f} for search",
        ]
        archive = Archive(db, options.repetitions)
        yield archive.history().cells()
        for measured in archive.searches():
            yield measured.cells()
        for measured in archive.insertions(without_index=_WITHOUT_INDEX[database]):
            yield measured.cells()
    finally:
        db.close()


def main(description: str) -> int:
    """Measure, and print the report."""
    options = _parse(description)
    tables = []
    for database in options.database or [SQLITE, POSTGRESQL]:
        with ExitStack() as stack:
            if options.url:
                url = options.url
            elif database == SQLITE:
                folder = stack.enter_context(TemporaryDirectory(prefix="cc-archive-"))
                url = f"sqlite:///{folder}/cloudchat.db"
            else:
                postgres = RunningPostgres().start()
                stack.callback(postgres.close)
                url = postgres.url(postgres.create_database())
            lines = [[database, "median, ms", "p99, ms"]]
            for line in measure(database, url, options):
                lines.append(line)
                log(" | ".join(line))
            tables.append("\n".join(aligned(lines)))
    facts = textwrap.fill(headline(describe(), command_of("bench-archive", sys.argv[1:])), 120)
    report = "\n\n".join([facts, *tables])
    print(report)
    if options.update:
        replace_report(options.update, "make bench-archive", report)
    return 0


def _parse(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-archive", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=2_000_000, metavar="N", help="default %(default)s")
    parser.add_argument(
        "--repetitions", type=int, default=200, metavar="N", help="of each action (default %(default)s)"
    )
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL), action="append", help="only this one")
    parser.add_argument("--url", help="measure in this database instead of a temporary one; it loses its search index")
    parser.add_argument("--no-fill", dest="fill", action="store_false", help="the database of --url is filled already")
    parser.add_argument("--update", type=Path, metavar="FILE", help="also replace the report in this Markdown file")
    return parser.parse_args()
