"""The tables. Portable SQL types only, so that SQLite and PostgreSQL share them and their migrations.

`x`, `y` are cells of the terrain's grid: column and row, any integer. JSON columns hold what is
never searched: affine transforms as [a, b, c, d, e, f], failures.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, case, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from catalog.column_types import NodataText, utc_now
from catalog.model_base import Base, Id, Slug
from catalog.tile_facts import TileFacts


class Terrain(Base):
    """A named elevation dataset, with one grid."""

    __tablename__ = "terrain"
    __table_args__ = (UniqueConstraint("name"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Slug)
    title: Mapped[str | None]
    description: Mapped[str | None]
    attribution: Mapped[str | None]
    license: Mapped[str | None]
    unit: Mapped[str | None]
    vertical_datum: Mapped[str | None]
    crs: Mapped[str | None]
    # of cell (x=0, y=0)
    anchor_transform: Mapped[list[float] | None]
    declared_x: Mapped[int | None]
    declared_y: Mapped[int | None]
    declared_width: Mapped[int | None]
    declared_height: Mapped[int | None]
    nodata: Mapped[int | float | None] = mapped_column(NodataText)
    tile_size: Mapped[int | None]
    # counts the changes of what a pyramid is made from
    revision: Mapped[int] = mapped_column(default=0)
    # the rest sums up the tiles: the box around them, max exclusive, and where it lies on the globe
    tile_count: Mapped[int] = mapped_column(default=0)
    min_x: Mapped[int | None]
    min_y: Mapped[int | None]
    max_x: Mapped[int | None]
    max_y: Mapped[int | None]
    west: Mapped[float | None]
    south: Mapped[float | None]
    east: Mapped[float | None]
    north: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


PLACE = func.box(
    func.point(Terrain.west, Terrain.south),
    func.point(case((Terrain.west > Terrain.east, Terrain.east + 360), else_=Terrain.east), Terrain.north),
)
"""The box of a terrain on the globe, in PostgreSQL; one across the antimeridian reaches beyond 180°."""

Index("ix_terrain_place", PLACE, postgresql_using="gist").ddl_if(dialect="postgresql")


class Tile(TileFacts, Base):
    """A source placed in a terrain's grid, as it was when it was registered."""

    __tablename__ = "tile"
    __table_args__ = (
        UniqueConstraint("terrain_id", "url"),
        Index(None, "terrain_id", "id"),
        Index(None, "terrain_id", "priority", "id"),
        Index(None, "terrain_id", "y", "x"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    terrain_id: Mapped[int] = mapped_column(Id, ForeignKey("terrain.id", ondelete="CASCADE"))
    registered_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


Index(
    "ix_tile_declared",
    Tile.terrain_id,
    Tile.id,
    sqlite_where=Tile.is_declared,
    postgresql_where=Tile.is_declared,
)
"""Of the few that no build has looked at yet."""


class Registration(Base):
    """A table of tiles that is registered as a job, all rows or none. Times are the database's."""

    __tablename__ = "registration"
    __table_args__ = (Index(None, "terrain_id"), Index(None, "state", "created_at"))

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    terrain_id: Mapped[int] = mapped_column(Id, ForeignKey("terrain.id", ondelete="CASCADE"))
    byte_count: Mapped[int]
    state: Mapped[str]
    # which attempt of which process works on it; what others write is not taken
    owner: Mapped[str | None]
    # when some process last had it
    beat_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    bytes_read: Mapped[int] = mapped_column(default=0)
    rows_read: Mapped[int] = mapped_column(default=0)
    rows_registered: Mapped[int] = mapped_column(default=0)
    problem_count: Mapped[int] = mapped_column(default=0)
    problems: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    failure: Mapped[dict[str, Any] | None]
    revision: Mapped[int | None]
    origin_moved: Mapped[bool | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class StagedTile(TileFacts, Base):
    """A row of a table that is being registered; `line` is where it ends in the table, from 1."""

    __tablename__ = "staged_tile"
    __table_args__ = (Index(None, "registration_id", "url", "line"),)

    registration_id: Mapped[str] = mapped_column(
        ForeignKey("registration.id", ondelete="CASCADE"), primary_key=True
    )
    line: Mapped[int] = mapped_column(primary_key=True)


class HonouredRequest(Base):
    """What was done for a request that had an Idempotency-Key. Times are the database's."""

    __tablename__ = "honoured_request"
    __table_args__ = (Index(None, "created_at"),)

    # the prefix of an API key, empty where none is needed
    holder: Mapped[str] = mapped_column(Text, primary_key=True)
    target: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    body_sha256: Mapped[str]
    outcome: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]


class Generation(Base):
    """One immutable build of a pyramid; `href` is its place below the store."""

    __tablename__ = "generation"
    __table_args__ = (Index(None, "terrain_id", "metric"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    terrain_id: Mapped[int] = mapped_column(Id, ForeignKey("terrain.id", ondelete="CASCADE"))
    metric: Mapped[str]
    # the terrain's, when the build began
    revision: Mapped[int]
    href: Mapped[str]
    built_at: Mapped[datetime] = mapped_column(default=utc_now)
    level_count: Mapped[int]
    height: Mapped[int]
    width: Mapped[int]
    dtype: Mapped[str]
    nodata: Mapped[int | float | None] = mapped_column(NodataText)
    transform: Mapped[list[float]]
    crs: Mapped[str | None]
    unit: Mapped[str | None]
    shard_count: Mapped[int]
    byte_count: Mapped[int]
    manifest_sha256: Mapped[str]
    # tiles it was built from; unknown of those that are older than this column
    tile_count: Mapped[int | None]
    # of the terrain's tiles those it was built without
    missing_tile_count: Mapped[int] = mapped_column(server_default="0")
    # since when no pyramid points at it
    retired_at: Mapped[datetime | None]


class MissingTile(Base):
    """A tile that a generation was built without, since it could not be had; its place in level 0."""

    __tablename__ = "missing_tile"

    generation_id: Mapped[str] = mapped_column(
        Text, ForeignKey("generation.id", ondelete="CASCADE"), primary_key=True
    )
    # from 0, by precedence
    number: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    row: Mapped[int]
    col: Mapped[int]
    height: Mapped[int]
    width: Mapped[int]
    # of failure: the error's name
    kind: Mapped[str]
    reason: Mapped[str]


class Pyramid(Base):
    """Which generation of a terrain's metric is in use, and what is wrong with it or with the last build."""

    __tablename__ = "pyramid"

    terrain_id: Mapped[int] = mapped_column(
        Id, ForeignKey("terrain.id", ondelete="CASCADE"), primary_key=True
    )
    metric: Mapped[str] = mapped_column(Text, primary_key=True)
    generation_id: Mapped[str | None] = mapped_column(ForeignKey("generation.id"))
    failed_revision: Mapped[int | None]
    failure: Mapped[dict[str, Any] | None]
    failed_at: Mapped[datetime | None]
    corrupt: Mapped[bool] = mapped_column(default=False)

    generation: Mapped[Generation | None] = relationship(lazy="raise", viewonly=True)


class BuildLease(Base):
    """Who builds a pyramid, or what became of the last attempt. Times are seconds by the database's clock."""

    __tablename__ = "build_lease"

    terrain_id: Mapped[int] = mapped_column(
        Id, ForeignKey("terrain.id", ondelete="CASCADE"), primary_key=True
    )
    metric: Mapped[str] = mapped_column(Text, primary_key=True)
    # the terrain's: every change of what is built from counts it up, identities of sources as well
    revision: Mapped[int] = mapped_column(primary_key=True)
    # how it is laid out, and by which code
    recipe: Mapped[str] = mapped_column(Text, primary_key=True)
    # of one attempt; what others write is not taken
    owner: Mapped[str]
    # for people to read
    host: Mapped[str]
    # counts the attempts that ever held the lease
    fence: Mapped[int]
    state: Mapped[str]
    lease_until: Mapped[float]
    # since the last one that was published, released ones aside
    attempts: Mapped[int]
    # where the attempt writes
    generation_id: Mapped[str]
    shards_done: Mapped[int] = mapped_column(default=0)
    shards_total: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[float]
    beat_at: Mapped[float]
    failure: Mapped[dict[str, Any] | None]
    retry_at: Mapped[float | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    # somebody asked for it, and it neither came to its end nor failed
    is_wanted: Mapped[bool] = mapped_column(default=True)


Index(
    "ix_build_lease_wanted",
    BuildLease.started_at,
    sqlite_where=BuildLease.is_wanted,
    postgresql_where=BuildLease.is_wanted,
)

Index(
    "ix_build_lease_building",
    BuildLease.terrain_id,
    BuildLease.metric,
    sqlite_where=BuildLease.state == "building",
    postgresql_where=BuildLease.state == "building",
)
"""Of the few that are being built; a beat changes none of its columns."""


class Orphan(Base):
    """A generation in the store that the catalogue does not know, and since when it is known to be there."""

    __tablename__ = "orphan"

    generation_id: Mapped[str] = mapped_column(Text, primary_key=True)
    seen_at: Mapped[datetime]


class ApiKey(Base):
    """Who may do more than read. The prefix names the key; of the secret only its hash is known."""

    __tablename__ = "api_key"

    prefix: Mapped[str] = mapped_column(Text, primary_key=True)
    secret_sha256: Mapped[str]
    scope: Mapped[str]
    label: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    # to the hour
    last_used_at: Mapped[datetime | None]
