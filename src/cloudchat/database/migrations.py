"""Upgrade a database's schema to that of this version.

alembic is loaded only if there is something to upgrade: loading it takes a fifth of a second at each start.
"""

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError, OperationalError

from cloudchat.database.engine import create_engine
from cloudchat.database.urls import SQLITE, sqlite_file
from cloudchat.resources import migrations_directory

if TYPE_CHECKING:
    from alembic.config import Config

_alembic_lock = threading.Lock()  # alembic keeps its state in global variables


class MigrationError(Exception):
    """The schema cannot be upgraded to this version. The message has the fix."""


def upgrade(url: str, revision: str = "head") -> None:
    """Run the migrations that are missing, up to `revision`. Several processes may call it concurrently.

    Raises MigrationError, DatabaseUrlError.
    """
    with contextlib.suppress(MigrationError):  # alembic has the better error message
        if is_current(url):
            return
    from alembic import command
    from alembic.util import CommandError

    _create_sqlite_file(url)
    engine = create_engine(url)
    config = _alembic_config()
    config.attributes["engine"] = engine
    try:
        with _alembic_lock:
            command.upgrade(config, revision)
    except CommandError as error:
        raise MigrationError(
            "the database was written by a newer cloudchat "
            f"(this one knows schema {_known_revisions()[-1]}); upgrade cloudchat"
        ) from error
    except OperationalError as error:
        raise MigrationError(
            f"the database cannot be opened ({type(error.orig).__name__}); check CLOUDCHAT_DATABASE_URL, that the "
            "database server runs, and that the directory of an SQLite file is writable"
        ) from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:  # subclasses concern our own statements: bugs
            raise
        raise MigrationError(
            f"the database is damaged, or is not a database ({error.orig}); restore a backup, or move the file away "
            "to start with an empty one"
        ) from error
    finally:
        engine.dispose()


def _create_sqlite_file(url: str) -> None:
    """Create a missing SQLite database for this user alone. SQLite would use the umask; -wal and -shm get its mode."""
    path = sqlite_file(url)
    if path is not None:
        with contextlib.suppress(OSError):  # the migration then has the better error message
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))


def is_current(url: str) -> bool:
    """Return whether the database has every migration of this version. Changes nothing.

    Raises MigrationError, DatabaseUrlError.
    """
    return revision_of(url) == _known_revisions()[-1]


def revision_of(url: str) -> str | None:
    """Return the revision of a database's schema; None if it has no schema or does not exist. Changes nothing.

    Raises MigrationError, DatabaseUrlError.
    """
    engine = create_engine(url)
    try:
        if engine.url.get_backend_name() == SQLITE and not os.path.exists(engine.url.database or ""):
            return None  # a connection would create the file
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except DatabaseError as error:
        raise MigrationError(
            f"the database cannot be read ({type(error.orig).__name__}); check CLOUDCHAT_DATABASE_URL"
        ) from error
    finally:
        engine.dispose()


def is_known(revision: str) -> bool:
    """Return whether this version can upgrade a database from this revision."""
    return revision in _known_revisions()


def _known_revisions() -> list[str]:
    """Return this version's revisions, oldest first. The name of each file starts with its revision."""
    return sorted(file.name.partition("_")[0] for file in (migrations_directory() / "versions").glob("*.py"))


def _alembic_config() -> "Config":
    from alembic.config import Config

    # There is no alembic.ini: the URL comes from the settings, and can contain a password.
    config = Config()
    config.set_main_option("script_location", str(migrations_directory()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
