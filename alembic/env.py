"""Run the migrations on the engine that `cloudchat.database.migrations` passes in."""

from alembic import context
from sqlalchemy import Engine, text

from cloudchat.database.tables.archive import all_tables

# The key of a PostgreSQL advisory lock. Any fixed number will do.
MIGRATION_LOCK = 0x636C6F756463


def run() -> None:
    engine: Engine = context.config.attributes["engine"]
    # Take the write lock before reading the version. If two servers start at the same time, one of them migrates and
    # the other then finds the new version.
    with engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": MIGRATION_LOCK})
        context.configure(connection=connection, target_metadata=all_tables, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()


run()
