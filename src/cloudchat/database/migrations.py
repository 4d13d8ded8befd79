"""Bring a database's schema up to this version's.

alembic is loaded only when there is something to bring up: it would cost each start a fifth of a second.
"""

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError, OperationalError

from cloudchat.database.engine import create_engine
from cloudchat.resources import migrations_directory

if TYPE_CHECKING:
    from alembic.config import Config

_one_at_a_time = threading.Lock()  # alembic keeps what it is doing in global variables


class MigrationError(Exception):
    """The schema can't be brought to this version; the message names the mend."""


def upgrade(url: str, to: str = "head") -> None:
    """Run every migration that the database has not seen, up to the schema `to`; several processes at once agree.

    Raises MigrationError, DatabaseUrlError.
    """
    with contextlib.suppress(MigrationError):  # then alembic says what is wrong
        if is_current(url):
            return
    from alembic import command
    from alembic.util import CommandError

    engine = create_engine(url)
    config = _config()
    config.attributes["engine"] = engine
    try:
        with _one_at_a_time:
            command.upgrade(config, to)
    except CommandError as error:
        raise MigrationError(
            f"the database was written by a newer cloudchat (this one knows schema {_known()[-1]}); upgrade cloudchat"
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
    return revision_of(url) == _known()[-1]


def revision_of(url: str) -> str | None:
    """The schema that a database has; None if it has none, or is not there. Changes nothing.

    Raises MigrationError, DatabaseUrlError.
    """
    engine = create_engine(url)
    try:
        if engine.url.get_backend_name() == "sqlite" and not os.path.exists(engine.url.database or ""):
            return None  # to connect would create it
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except DatabaseError as error:
        raise MigrationError(
            f"the database can't be read; check CLOUDCHAT_DATABASE_URL ({type(error.orig).__name__})"
        ) from error
    finally:
        engine.dispose()


def is_known(revision: str) -> bool:
    """Whether this version knows a schema, and how to bring it up to its own."""
    return revision in _known()


def _known() -> list[str]:
    """The schemas of this version, the oldest first. Each file's name begins with its revision."""
    return sorted(file.name.partition("_")[0] for file in (migrations_directory() / "versions").glob("*.py"))


def _config() -> "Config":
    from alembic.config import Config

    # No alembic.ini: its only secret would be the URL, and the URL comes from the settings.
    config = Config()
    config.set_main_option("script_location", str(migrations_directory()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
