"""Who builds which pyramid, and what lies in the store unknown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """From tables of tiles."""
    _create_build_lease()
    op.create_table(
        "orphan",
        sa.Column("generation_id", sa.Text(), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("generation_id", name=op.f("pk_orphan")),
    )


def _create_build_lease() -> None:
    op.create_table(
        "build_lease",
        sa.Column("terrain_id", ID, nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("generation_id", sa.Text(), nullable=False),
        sa.Column("shards_done", sa.BigInteger(), nullable=False),
        sa.Column("shards_total", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("beat_at", sa.Double(), nullable=False),
        sa.Column("failure", JSON),
        sa.Column("retry_at", sa.Double()),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("is_wanted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("terrain_id", "metric", "revision", "recipe", name=op.f("pk_build_lease")),
        sa.ForeignKeyConstraint(
            ["terrain_id"], ["terrain.id"], name=op.f("fk_build_lease_terrain_id"), ondelete="CASCADE"
        ),
    )
    op.create_index(
        "ix_build_lease_building",
        "build_lease",
        ["terrain_id", "metric"],
        sqlite_where=sa.text("state = 'building'"),
        postgresql_where=sa.text("state = 'building'"),
    )
    op.create_index(
        "ix_build_lease_wanted",
        "build_lease",
        ["started_at"],
        sqlite_where=sa.text("is_wanted"),
        postgresql_where=sa.text("is_wanted"),
    )
