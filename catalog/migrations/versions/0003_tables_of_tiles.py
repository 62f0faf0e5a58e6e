"""Tables of tiles registered as jobs, tiles that are declared, requests that may be repeated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """From API keys."""
    op.add_column("tile", sa.Column("is_declared", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_tile_declared",
        "tile",
        ["terrain_id", "id"],
        sqlite_where=sa.text("is_declared"),
        postgresql_where=sa.text("is_declared"),
    )
    _create_registration()
    _create_staged_tile()
    _create_honoured_request()


def _create_registration() -> None:
    op.create_table(
        "registration",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("terrain_id", ID, nullable=False),
        sa.Column("byte_count", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("beat_at", TIME, nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("bytes_read", sa.BigInteger(), nullable=False),
        sa.Column("rows_read", sa.BigInteger(), nullable=False),
        sa.Column("rows_registered", sa.BigInteger(), nullable=False),
        sa.Column("problem_count", sa.BigInteger(), nullable=False),
        sa.Column("problems", JSON, nullable=False),
        sa.Column("failure", JSON),
        sa.Column("revision", sa.BigInteger()),
        sa.Column("origin_moved", sa.Boolean()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration")),
        sa.ForeignKeyConstraint(
            ["terrain_id"], ["terrain.id"], name=op.f("fk_registration_terrain_id"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f("ix_registration_terrain_id"), "registration", ["terrain_id"])
    op.create_index(op.f("ix_registration_state_created_at"), "registration", ["state", "created_at"])


def _create_staged_tile() -> None:
    op.create_table(
        "staged_tile",
        sa.Column("registration_id", sa.Text(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
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
        sa.Column("transform", JSON),
        sa.Column("crs", sa.Text()),
        sa.Column("block_height", sa.BigInteger(), nullable=False),
        sa.Column("block_width", sa.BigInteger(), nullable=False),
        sa.Column("is_declared", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("registration_id", "line", name=op.f("pk_staged_tile")),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_staged_tile_registration_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        op.f("ix_staged_tile_registration_id_url_line"), "staged_tile", ["registration_id", "url", "line"]
    )


def _create_honoured_request() -> None:
    op.create_table(
        "honoured_request",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("outcome", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("holder", "target", "key", name=op.f("pk_honoured_request")),
    )
    op.create_index(op.f("ix_honoured_request_created_at"), "honoured_request", ["created_at"])
