"""Alembic's environment: one connection, given by the caller, in the caller's transaction."""

from __future__ import annotations

from alembic import context

from storage.schema import compared
from storage.tables import Table

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Table.metadata,
    compare_type=True,
    compare_server_default=True,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
    include_object=compared,
)
with context.begin_transaction():
    context.run_migrations()
