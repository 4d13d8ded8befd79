"""The database out of its place and back, of whatever kind it is."""

from pathlib import Path

from sqlalchemy import make_url

from cloudchat.database.engine import DatabaseUrlError


def kind_of(url: str) -> str:
    """`sqlite` or `postgresql`. Raises DatabaseUrlError."""
    kind = make_url(url).get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise DatabaseUrlError("CLOUDCHAT_DATABASE_URL must begin with sqlite:/// or postgresql://")
    return kind


def sqlite_file(url: str) -> Path | None:
    """Where an SQLite database is; None for another kind. Raises DatabaseUrlError."""
    return Path(make_url(url).database or "").absolute() if kind_of(url) == "sqlite" else None


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite database."""
    return f"sqlite:///{path.absolute()}"
