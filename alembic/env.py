"""Migrations: one chain, on SQLite and on PostgreSQL."""

from sqlmodel import SQLModel

from alembic import context
from mip_app.core.database import engine
from mip_app.serving import tables  # noqa: F401  every feature's tables

with engine().connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
