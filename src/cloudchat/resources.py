"""The directories of files that are not Python: inside the package in an installed wheel, at the root of a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent


def frontend_directory() -> Path:
    """Return the directory of the browser page, which is served at `/`."""
    return _packaged_or_checked_out("_frontend", "frontend")


def migrations_directory() -> Path:
    """Return the directory of alembic's `env.py` and `versions/`."""
    return _packaged_or_checked_out("_migrations", "alembic")


def _packaged_or_checked_out(packaged_name: str, checkout_name: str) -> Path:
    packaged = _PACKAGE / packaged_name
    return packaged if packaged.is_dir() else _CHECKOUT / checkout_name
