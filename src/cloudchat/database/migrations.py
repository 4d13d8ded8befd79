"""Bring a database's schema up to this version's."""

import os
import threading

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import DatabaseError, OperationalError

from cloudchat.database.engine import create_engine
from cloudchat.resources import migrations_directory

_one_at_a_time = threading.Lock()  # alembic keeps what it is doing in global variables


class MigrationError(Exception):
    """The schema can't be brought to this version; the message names the mend."""


def upgrade(url: str) -> None:
    """Run every migration that the database has not seen; several processes at once agree.

    Raises MigrationError, DatabaseUrlError.
    """
    engine = create_engine(url)
    config = _config()
    config.attributes["engine"] = engine
    try:
        with _one_at_a_time:
            command.upgrade(config, "head")
    except CommandError as error:
        newest = ScriptDirectory.from_config(config).get_current_head()
        raise MigrationError(
            f"the database was written by a newer cloudchat (this one knows schema {newest}); upgrade cloudchat"
        ) from error
    except OperationalError as error:
        raise MigrationError(
            "the database can't be opened; check CLOUDCHAT_DATABASE_URL, and that its server runs and its folder "
            f"is writable ({type(error.orig).__name__})"
        ) from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:  # its subclasses speak of our statements: mistakes of ours
            raise
        raise MigrationError(
            f"the database is damaged, or is none ({error.orig}); restore a backup, or move it away to begin anew"
        ) from error
    finally:
        engine.dispose()


def is_current(url: str) -> bool:
    """Whether the database has seen every migration of this version. Changes nothing.

    Raises MigrationError, DatabaseUrlError.
    """
    return revision_of(url) == ScriptDirectory.from_config(_config()).get_current_head()


def revision_of(url: str) -> str | None:
    """The schema that a database has; None if it has none, or is not there. Changes nothing.

    Raises MigrationError, DatabaseUrlError.
    """
    engine = create_engine(url)
    try:
        if engine.url.get_backend_name() == "sqlite" and not os.path.exists(engine.url.database or ""):
            return None  # to connect would create it
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except DatabaseError as error:
        raise MigrationError(
            f"the database can't be read; check CLOUDCHAT_DATABASE_URL ({type(error.orig).__name__})"
        ) from error
    finally:
        engine.dispose()


def is_known(revision: str) -> bool:
    """Whether this version knows a schema, and how to bring it up to its own."""
    return any(script.revision == revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    # No alembic.ini: its only secret would be the URL, and the URL comes from the settings.
    config = Config()
    config.set_main_option("script_location", str(migrations_directory()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
