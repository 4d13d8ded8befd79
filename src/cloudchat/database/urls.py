"""Database URLs: which database they name, and which of them cloudchat can use."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

SQLITE = "sqlite"
POSTGRESQL = "postgresql"


class DatabaseUrlError(Exception):
    """The database URL cannot be used. The message has the fix, and never the URL's password."""


def parse_url(url: str) -> URL:
    """Return the parsed URL of an SQLite or PostgreSQL database. Raises DatabaseUrlError."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUrlError(
            "CLOUDCHAT_DATABASE_URL is not a database URL; write it like postgresql://user@host/name"
        ) from None
    if parsed.get_backend_name() not in (SQLITE, POSTGRESQL):
        raise DatabaseUrlError("CLOUDCHAT_DATABASE_URL must begin with sqlite:/// or postgresql://")
    return parsed


def kind_of(url: str) -> str:
    """Return SQLITE or POSTGRESQL. Raises DatabaseUrlError."""
    return parse_url(url).get_backend_name()


def sqlite_file(url: str) -> Path | None:
    """Return the path of an SQLite database, or None for PostgreSQL. Raises DatabaseUrlError."""
    parsed = parse_url(url)
    return Path(parsed.database or "").absolute() if parsed.get_backend_name() == SQLITE else None


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite database."""
    return URL.create(SQLITE, database=str(path.absolute())).render_as_string(hide_password=False)
