"""How many tiles a pyramid was built from, and which ones it was built without."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """From build leases."""
    op.add_column("generation", sa.Column("tile_count", sa.BigInteger(), nullable=True))
    op.add_column(
        "generation", sa.Column("missing_tile_count", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_table(
        "missing_tile",
        sa.Column("generation_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("col", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("generation_id", "number", name=op.f("pk_missing_tile")),
        sa.ForeignKeyConstraint(
            ["generation_id"],
            ["generation.id"],
            name=op.f("fk_missing_tile_generation_id"),
            ondelete="CASCADE",
        ),
    )
