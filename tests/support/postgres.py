"""A PostgreSQL of one's own: a cluster in a temporary folder, on a unix socket in it, ended by its pid."""

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
from typing import Any, Self

import psycopg
from psycopg import sql

from cloudchat.database.migrations import upgrade
from cloudchat.process.parent_death import die_with_parent
from support.lifetime import EndsWithItsBlock
from support.processes import children_of, wait_until

_USER = "cloudchat"
# Nothing here has to survive a power cut.
_SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses=", "max_connections=60")


def postgres_folder() -> Path:
    """Where the server programs are: Debian keeps them out of the PATH. Raises AssertionError."""
    found = [Path(path).resolve().parent for path in filter(None, [shutil.which("postgres")])]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    assert found, "there is no PostgreSQL here; run tests/install_packages"
    return found[0]


class RunningPostgres(EndsWithItsBlock):
    """A cluster that a test may stop and start again. Leaving the context ends it and removes its folder."""

    def __init__(self) -> None:
        self._binaries = postgres_folder()
        self.folder = Path(tempfile.mkdtemp(prefix="cc-pg-", dir="/tmp"))
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._migrated: str | None = None
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

    def url(self, database: str = "postgres") -> str:
        """What CLOUDCHAT_DATABASE_URL would say."""
        return f"postgresql://{_USER}@/{database}?host={self.folder}"

    def create_database(self, like: str = "template1") -> str:
        """The name of a new database: empty, or a copy of `like`, to which nobody may be connected."""
        name = f"chat_{secrets.token_hex(8)}"
        with self._connect() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(like))
            )
        return name

    def migrated_database(self) -> str:
        """The URL of a new database whose schema is today's. Migrated once, then copied, which takes 50 ms."""
        if self._migrated is None:
            self._migrated = self.create_database()
            upgrade(self.url(self._migrated))
        return self.url(self.create_database(self._migrated))

    def start(self) -> Self:
        """Return once it answers."""
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
            # A killed test run must not leave a database server behind.
            preexec_fn=partial(die_with_parent, os.getpid()),
            **self._identity,
        )
        wait_until(self._answers, "PostgreSQL answers")
        return self

    def stop(self) -> None:
        """Cut every connection and end, as an administrator's `pg_ctl stop` does."""
        assert self._process is not None, "not started"
        self._process.send_signal(signal.SIGINT)
        self._process.wait(20)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """The server and all who serve its connections stop, and close none: a machine that hangs."""
        assert self._process is not None, "not started"
        ids = [self._process.pid, *children_of(self._process.pid)]
        for pid in ids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in reversed(ids):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def only_reads(self, yes: bool) -> None:
        """Let every new transaction be read-only, as on a replica that has not taken over yet."""
        with self._connect() as connection:
            connection.execute(
                sql.SQL("ALTER SYSTEM SET default_transaction_read_only = {}").format(
                    sql.Literal("on" if yes else "off")
                )
            )
            connection.execute("SELECT pg_reload_conf()")

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)  # at once, with all of its children
            self._process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(), autocommit=True)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True


def _identity() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then as its own user, who came with its package."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
