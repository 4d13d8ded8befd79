"""Where the files that are no Python live: beside the package in an installed wheel, at the root of a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent


def frontend_directory() -> Path:
    """The folder of the browser's page, served at `/`."""
    return _packaged_or_checked_out("_frontend", "frontend")


def migrations_directory() -> Path:
    """The folder of alembic's `env.py` and `versions/`."""
    return _packaged_or_checked_out("_migrations", "alembic")


def _packaged_or_checked_out(packaged_name: str, checkout_name: str) -> Path:
    packaged = _PACKAGE / packaged_name
    return packaged if packaged.is_dir() else _CHECKOUT / checkout_name
