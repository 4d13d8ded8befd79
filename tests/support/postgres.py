"""A PostgreSQL server for tests: a cluster in a temporary directory, with its unix socket there."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, LiteralString, Self

import psycopg
from psycopg import sql

from cloudchat.database.migrations import upgrade
from cloudchat.process.parent_death import die_with_parent
from support.processes import ManagedProcess, children_of, wait_until

_USER = "cloudchat"
# No data of a test needs to survive a power loss.
_SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses=", "max_connections=60")


def postgres_folder() -> Path:
    """Return the directory of the server programs, which Debian does not put on the PATH. Raises AssertionError."""
    found = [Path(path).resolve().parent for path in filter(None, [shutil.which("postgres")])]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    assert found, "PostgreSQL is not installed: run tests/install_packages"
    return found[0]


class RunningPostgres(ManagedProcess):
    """A cluster that a test may stop and start again. The end of the context ends it and removes its directory."""

    def __init__(self) -> None:
        self._binaries = postgres_folder()
        self.folder = Path(tempfile.mkdtemp(prefix="cc-pg-", dir="/tmp"))
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._migrated: str | None = None
        self._shared: SharedDatabase | None = None
        self._identity = _identity()
        if self._identity:
            os.chown(self.folder, self._identity["user"], self._identity["group"])
        subprocess.run(
            [
                self._binaries / "initdb",
                *("-D", self._data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"),
                "--no-instructions",
            ],
            cwd="/",
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=60,
            **self._identity,
        )

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        """Return the value for CLOUDCHAT_DATABASE_URL."""
        return f"postgresql://{_USER}@/{database}?host={self.folder}"

    def create_database(self, template: str = "template1") -> str:
        """Create a database, empty or as a copy of `template`, and return its name. The template must be unused."""
        name = f"chat_{secrets.token_hex(8)}"
        with self._connect() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
            )
        return name

    def migrated_database(self) -> str:
        """Return the URL of a new database with the current schema. It is migrated once, then copied in 50 ms."""
        if self._migrated is None:
            self._migrated = self.create_database()
            upgrade(self.url(self._migrated))
        return self.url(self.create_database(self._migrated))

    def shared_database(self) -> str:
        """Return the URL of one migrated database, without what the test before has written.

        For tests that need one database each, one after the other. A database of its own is 300 files.
        """
        if self._shared is None:
            self._shared = SharedDatabase(self.migrated_database())
        self._shared.reset()
        return self._shared.url

    def start(self) -> Self:
        """Start the server, and return when it answers."""
        self._process = subprocess.Popen(
            [
                self._binaries / "postgres",
                *("-D", self._data, "-k", self.folder),
                *(part for setting in _SETTINGS for part in ("-c", setting)),
            ],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("ab"),
            # A killed test run must not leave a database server running.
            preexec_fn=partial(die_with_parent, os.getpid()),
            **self._identity,
        )
        wait_until(self._is_answering, "PostgreSQL answers")
        return self

    def stop(self) -> None:
        """Close every connection and end, as with `pg_ctl stop`."""
        assert self._process is not None, "not started"
        self._process.send_signal(signal.SIGINT)
        self._process.wait(20)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the server and the processes of its connections, as on a hanging machine: no connection closes."""
        assert self._process is not None, "not started"
        pids = [self._process.pid, *children_of(self._process.pid)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in reversed(pids):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def set_read_only(self, enabled: bool) -> None:
        """Make every new transaction read-only, as on a replica that has not been promoted yet."""
        with self._connect() as connection:
            connection.execute(
                sql.SQL("ALTER SYSTEM SET default_transaction_read_only = {}").format(
                    sql.Literal("on" if enabled else "off")
                )
            )
            connection.execute("SELECT pg_reload_conf()")

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)  # immediate shutdown, with all of its children
            self._process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(), autocommit=True)

    def _is_answering(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True


class SharedDatabase:
    """A database that is reset to its first rows instead of being created again."""

    def __init__(self, url: str) -> None:
        self.url = url
        with psycopg.connect(url, autocommit=True) as connection:
            tables = [name for (name,) in connection.execute(_TABLES)]
            connection.execute("CREATE SCHEMA first_rows")
            for table in tables:
                connection.execute(_on(table, "CREATE TABLE first_rows.{0} AS TABLE public.{0}"))
            filled = [
                table for table in tables if connection.execute(_on(table, "SELECT 1 FROM first_rows.{0}")).fetchone()
            ]
        # No triggers and foreign keys while the rows are replaced. A connection that the test left open must not block.
        self._reset = sql.SQL("; ").join(
            [
                sql.SQL("SET session_replication_role = replica; SET lock_timeout = '10s'"),
                *(_on(table, "DELETE FROM public.{0}") for table in tables),
                *(_on(table, "INSERT INTO public.{0} TABLE first_rows.{0}") for table in filled),
                sql.SQL(_RESTART_SEQUENCES),
            ]
        )

    def reset(self) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(self._reset)


_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_RESTART_SEQUENCES = "SELECT setval(sequencename::regclass, start_value, false) FROM pg_sequences"


def _on(table: str, statement: LiteralString) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier(table))


def _identity() -> dict[str, Any]:
    """Return the identity to run as: PostgreSQL refuses to run as root, so root uses the user from its package."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
