"""Runs the migrations on the engine that `cloudchat.database.migrations` hands over."""

from alembic import context
from sqlalchemy import Engine, text

from cloudchat.database.models import Model

# Any fixed number: PostgreSQL's advisory locks are named by one.
MIGRATION_LOCK = 0x636C6F756463


def run() -> None:
    engine: Engine = context.config.attributes["engine"]
    # The write lock is taken before the version is read, so that of two servers that start at once, one migrates
    # and the other finds it done.
    with engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": MIGRATION_LOCK})
        context.configure(connection=connection, target_metadata=Model.metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()


run()
