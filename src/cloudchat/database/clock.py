"""What time it is for the database."""

from sqlalchemy import text

from cloudchat.database.engine import create_engine
from cloudchat.database.transactions import Database


def database_time(url: str) -> float | None:
    """Seconds since 1970 by PostgreSQL's clock; None for SQLite, which has none of its own.

    Raises DatabaseUnavailable, DatabaseUrlError.
    """
    engine = create_engine(url)
    if engine.url.get_backend_name() == "sqlite":
        return None
    db = Database(engine)
    try:
        with db.read() as transaction:
            return float(transaction.execute(text("SELECT EXTRACT(EPOCH FROM clock_timestamp())")).scalar_one())
    finally:
        db.close()
