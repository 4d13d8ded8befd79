"""Our tables out of a PostgreSQL database, and into one again, by PostgreSQL's own tools.

They get the connection in their environment: everybody on the machine can read the command line of a process.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO, BinaryIO

from sqlalchemy import MetaData, inspect, make_url

from cloudchat.database.copy_failed import CopyFailed
from cloudchat.database.engine import create_engine
from cloudchat.database.models import Model

_TABLES = ("alembic_version", *Model.metadata.tables)
_SAME_NAMES = ("host", "hostaddr", "port", "user", "password", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl")
_VARIABLES = {
    **{name: f"PG{name.upper()}" for name in (*_SAME_NAMES, "service", "passfile", "options", "gssencmode")},
    "dbname": "PGDATABASE",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "channel_binding": "PGCHANNELBINDING",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "application_name": "PGAPPNAME",
}
"""libpq's variables (PostgreSQL manual, 34.15) by the names that the same things have in a URL."""


def dump_postgres(url: str, target: BinaryIO) -> None:
    """Write our tables, as they are at one moment, in pg_dump's custom format. Raises CopyFailed."""
    options = ["--format=custom", "--no-owner", "--no-privileges", "--compress=3", "--lock-wait-timeout=30000"]
    with _running(url, ["pg_dump", *options, *(f"--table={table}" for table in _TABLES)]) as process:
        shutil.copyfileobj(_pipe(process.stdout), target, 1 << 20)


def restore_postgres(url: str, source: IO[bytes]) -> None:
    """Take such a dump in, wholly or not at all. None of our tables may be there. Raises CopyFailed."""
    options = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    command = ["pg_restore", *options, f"--dbname={make_url(url).database or ''}"]
    # It may end before it has read everything; its exit code and its words say why.
    with _running(url, command) as process, contextlib.suppress(BrokenPipeError), _pipe(process.stdin) as sink:
        shutil.copyfileobj(source, sink, 1 << 20)


def drop_tables(url: str) -> None:
    """Remove our tables, and no other, with all that is in them."""
    engine = create_engine(url)
    try:
        there = [table for table in _TABLES if table in inspect(engine).get_table_names()]
        found = MetaData()
        found.reflect(engine, only=there)
        found.drop_all(engine)
    finally:
        engine.dispose()


@contextlib.contextmanager
def _running(url: str, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """The tool, for a block that reads or feeds it. Raises CopyFailed with its last words when it fails."""
    program = shutil.which(command[0])
    if program is None:
        raise CopyFailed(
            f"{command[0]} is missing, which copies a PostgreSQL database: apt-get install postgresql-client"
        )
    with tempfile.TemporaryFile() as words:  # no pipe: one that nobody empties would hold the tool up
        with (
            subprocess.Popen(  # noqa: S603
                [program, *command[1:]],
                env=_environment(url),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
            ) as process
        ):
            try:
                yield process
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0:
            words.seek(0)
            said = " ".join(words.read(65536).decode(errors="replace").split())
            raise CopyFailed(f"{command[0]} failed: {said[-500:]}")


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 — all three are asked for
    return pipe


def _environment(url: str) -> dict[str, str]:
    """Raises CopyFailed."""
    parsed = make_url(url)
    parts: dict[str, object] = {"host": parsed.host, "port": parsed.port, "user": parsed.username}
    parts |= {"password": parsed.password, "dbname": parsed.database, **parsed.query}
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PGPASSFILE") if name in os.environ}
    for name, value in parts.items():
        if value is None:
            continue
        if name not in _VARIABLES:
            raise CopyFailed(f"pg_dump can't be told of {name!r} in CLOUDCHAT_DATABASE_URL: leave it out")
        environment[_VARIABLES[name]] = ",".join(value) if isinstance(value, tuple) else str(value)
    return environment
