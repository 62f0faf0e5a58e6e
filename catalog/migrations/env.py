"""Where Alembic starts: runs the steps on the connection, and in the transaction, that it is given."""

from __future__ import annotations

from alembic import context

from catalog.models import Terrain

context.configure(connection=context.config.attributes["connection"], target_metadata=Terrain.metadata)
with context.begin_transaction():
    context.run_migrations()
