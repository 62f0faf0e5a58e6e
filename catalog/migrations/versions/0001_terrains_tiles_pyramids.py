"""Terrains, their tiles, and the pyramids built of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SLUG = sa.String(100).with_variant(sa.String(100, collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """From nothing."""
    _create_terrain()
    if op.get_bind().dialect.name == "postgresql":
        _index_places()
    _create_generation()
    _create_tile()
    _create_pyramid()


def _create_terrain() -> None:
    op.create_table(
        "terrain",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", SLUG, nullable=False),
        sa.Column("title", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("attribution", sa.Text()),
        sa.Column("license", sa.Text()),
        sa.Column("unit", sa.Text()),
        sa.Column("vertical_datum", sa.Text()),
        sa.Column("crs", sa.Text()),
        sa.Column("anchor_transform", sa.JSON()),
        sa.Column("declared_x", sa.BigInteger()),
        sa.Column("declared_y", sa.BigInteger()),
        sa.Column("declared_width", sa.BigInteger()),
        sa.Column("declared_height", sa.BigInteger()),
        sa.Column("nodata", sa.Text()),
        sa.Column("tile_size", sa.BigInteger()),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("tile_count", sa.BigInteger(), nullable=False),
        sa.Column("min_x", sa.BigInteger()),
        sa.Column("min_y", sa.BigInteger()),
        sa.Column("max_x", sa.BigInteger()),
        sa.Column("max_y", sa.BigInteger()),
        sa.Column("west", sa.Double()),
        sa.Column("south", sa.Double()),
        sa.Column("east", sa.Double()),
        sa.Column("north", sa.Double()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terrain")),
        sa.UniqueConstraint("name", name=op.f("uq_terrain_name")),
        sqlite_autoincrement=True,
    )


def _index_places() -> None:
    box = "box(point(west, south), point(CASE WHEN (west > east) THEN east + 360 ELSE east END, north))"
    op.create_index("ix_terrain_place", "terrain", [sa.text(box)], postgresql_using="gist")


def _create_generation() -> None:
    op.create_table(
        "generation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("terrain_id", ID, nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("href", sa.Text(), nullable=False),
        sa.Column("built_at", TIME, nullable=False),
        sa.Column("level_count", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("dtype", sa.Text(), nullable=False),
        sa.Column("nodata", sa.Text()),
        sa.Column("transform", sa.JSON(), nullable=False),
        sa.Column("crs", sa.Text()),
        sa.Column("unit", sa.Text()),
        sa.Column("shard_count", sa.BigInteger(), nullable=False),
        sa.Column("byte_count", sa.BigInteger(), nullable=False),
        sa.Column("manifest_sha256", sa.Text(), nullable=False),
        sa.Column("retired_at", TIME),
        sa.ForeignKeyConstraint(
            ["terrain_id"], ["terrain.id"], name=op.f("fk_generation_terrain_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generation")),
    )
    op.create_index(op.f("ix_generation_terrain_id_metric"), "generation", ["terrain_id", "metric"])


def _create_tile() -> None:
    op.create_table(
        "tile",
        sa.Column("id", ID, nullable=False),
        sa.Column("terrain_id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("x", sa.BigInteger(), nullable=False),
        sa.Column("y", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("dtype", sa.Text(), nullable=False),
        sa.Column("nodata", sa.Text()),
        sa.Column("scale", sa.Double(), nullable=False),
        sa.Column("offset", sa.Double(), nullable=False),
        sa.Column("south_up", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger()),
        sa.Column("etag", sa.Text()),
        sa.Column("transform", sa.JSON()),
        sa.Column("crs", sa.Text()),
        sa.Column("block_height", sa.BigInteger(), nullable=False),
        sa.Column("block_width", sa.BigInteger(), nullable=False),
        sa.Column("registered_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["terrain_id"], ["terrain.id"], name=op.f("fk_tile_terrain_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tile")),
        sa.UniqueConstraint("terrain_id", "url", name=op.f("uq_tile_terrain_id_url")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_tile_terrain_id_id"), "tile", ["terrain_id", "id"])
    op.create_index(op.f("ix_tile_terrain_id_priority_id"), "tile", ["terrain_id", "priority", "id"])
    op.create_index(op.f("ix_tile_terrain_id_y_x"), "tile", ["terrain_id", "y", "x"])


def _create_pyramid() -> None:
    op.create_table(
        "pyramid",
        sa.Column("terrain_id", ID, nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("generation_id", sa.Text()),
        sa.Column("failed_revision", sa.BigInteger()),
        sa.Column("failure", sa.JSON()),
        sa.Column("failed_at", TIME),
        sa.Column("corrupt", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["terrain_id"], ["terrain.id"], name=op.f("fk_pyramid_terrain_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["generation_id"], ["generation.id"], name=op.f("fk_pyramid_generation_id")),
        sa.PrimaryKeyConstraint("terrain_id", "metric", name=op.f("pk_pyramid")),
    )
