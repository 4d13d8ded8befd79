"""Dump cloudchat's tables from PostgreSQL and restore them, with PostgreSQL's own programs.

The programs get the connection in their environment: every user of the machine can read a process's command line.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO, BinaryIO

from sqlalchemy import MetaData, inspect, make_url

from cloudchat.database.copies.transfer import CopyFailed
from cloudchat.database.engine import create_engine
from cloudchat.database.tables.archive import all_tables

_TABLES = ("alembic_version", *all_tables.tables)
_COPY_CHUNK_BYTES = 1 << 20
_MAX_ERROR_BYTES = 65536
_MAX_ERROR_CHARACTERS = 500
_SAME_NAMES = ("host", "hostaddr", "port", "user", "password", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl")
_VARIABLES = {
    **{name: f"PG{name.upper()}" for name in (*_SAME_NAMES, "service", "passfile", "options", "gssencmode")},
    "dbname": "PGDATABASE",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "channel_binding": "PGCHANNELBINDING",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "application_name": "PGAPPNAME",
}
"""The parameters of a URL, and libpq's environment variables for them (PostgreSQL manual, 34.15)."""


def dump_postgres(url: str, target: BinaryIO) -> None:
    """Write a snapshot of cloudchat's tables in pg_dump's custom format. Raises CopyFailed."""
    options = ["--format=custom", "--no-owner", "--no-privileges", "--compress=3", "--lock-wait-timeout=30000"]
    with _run(url, ["pg_dump", *options, *(f"--table={table}" for table in _TABLES)]) as process:
        shutil.copyfileobj(_pipe(process.stdout), target, _COPY_CHUNK_BYTES)


def restore_postgres(url: str, source: IO[bytes]) -> None:
    """Restore such a dump completely or not at all. None of the tables may exist. Raises CopyFailed."""
    options = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    command = ["pg_restore", *options, f"--dbname={make_url(url).database or ''}"]
    # pg_restore can end before it has read everything; then its exit code and its messages have the reason.
    with _run(url, command) as process, contextlib.suppress(BrokenPipeError), _pipe(process.stdin) as sink:
        shutil.copyfileobj(source, sink, _COPY_CHUNK_BYTES)


def drop_tables(url: str) -> None:
    """Drop cloudchat's tables with their contents, and no other table."""
    engine = create_engine(url)
    try:
        existing = [table for table in _TABLES if table in inspect(engine).get_table_names()]
        metadata = MetaData()
        metadata.reflect(engine, only=existing)
        metadata.drop_all(engine)
    finally:
        engine.dispose()


@contextlib.contextmanager
def _run(url: str, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program while the block reads its output or writes its input.

    Raises CopyFailed with the end of the program's messages if it fails.
    """
    program = shutil.which(command[0])
    if program is None:
        raise CopyFailed(
            f"{command[0]}, which copies a PostgreSQL database, is missing: apt-get install postgresql-client"
        )
    with tempfile.TemporaryFile() as messages:  # not a pipe: a full one that is not read would block the program
        with (
            subprocess.Popen(  # noqa: S603
                [program, *command[1:]],
                env=_environment(url),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
            ) as process
        ):
            try:
                yield process
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0:
            messages.seek(0)
            message = " ".join(messages.read(_MAX_ERROR_BYTES).decode(errors="replace").split())
            raise CopyFailed(f"{command[0]} failed: {message[-_MAX_ERROR_CHARACTERS:]}")


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 — Popen was called with a pipe
    return pipe


def _environment(url: str) -> dict[str, str]:
    """Return the environment that connects the programs to `url`. Raises CopyFailed."""
    parsed = make_url(url)
    parameters: dict[str, object] = {"host": parsed.host, "port": parsed.port, "user": parsed.username}
    parameters |= {"password": parsed.password, "dbname": parsed.database, **parsed.query}
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PGPASSFILE") if name in os.environ}
    for name, value in parameters.items():
        if value is None:
            continue
        if name not in _VARIABLES:
            raise CopyFailed(f"pg_dump has no setting for {name!r} in CLOUDCHAT_DATABASE_URL: remove it")
        environment[_VARIABLES[name]] = ",".join(value) if isinstance(value, tuple) else str(value)
    return environment
