"""A migrated database for each test, and rows to put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import event

from catalog.database import Database, open_database
from catalog.models import Terrain
from catalog.repository.leases import Lease, WantedBuild, take_lease
from catalog.repository.pyramids import NewGeneration
from catalog.repository.terrains import NewTerrain, create_terrain
from catalog.repository.tiles import NewTile


@pytest.fixture
def database_url(catalogue_url: str) -> str:
    return catalogue_url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    database.migrate()
    yield database
    database.dispose()


@pytest.fixture
def alps(database: Database) -> Terrain:
    with database.write() as session:
        return create_terrain(session, NewTerrain(name="alps"))


@pytest.fixture
def new_tile() -> Callable[..., NewTile]:
    """A tile of 10 x 20 cells (height x width), any field of it changed at will."""

    def make(**fields: Any) -> NewTile:
        plain = {
            "url": "a.tif", "x": 0, "y": 0, "width": 20, "height": 10, "dtype": "int16",
            "size": 400, "block_height": 10, "block_width": 20,
        }  # fmt: skip
        return NewTile(**{**plain, **fields})

    return make


@pytest.fixture
def new_generation(alps: Terrain) -> Callable[..., NewGeneration]:
    """A generation of the maxima of `alps`, any field of it changed at will."""

    def make(id: str, revision: int, **fields: Any) -> NewGeneration:  # noqa: A002 - the column's name
        plain: dict[str, Any] = {
            "id": id, "terrain_id": alps.id, "metric": "max", "revision": revision,
            "href": f"alps/max/{id}.zarr", "level_count": 4, "height": 5, "width": 7,
            "dtype": "int16", "nodata": -32768, "transform": [1.0, 0.0, 0.0, 0.0, -1.0, 0.0],
            "crs": None, "unit": "m", "shard_count": 1, "byte_count": 100, "manifest_sha256": "00",
        }  # fmt: skip
        return NewGeneration(**{**plain, **fields})

    return make


@pytest.fixture
def wanted(alps: Terrain) -> WantedBuild:
    """The maxima of `alps`, as they were at revision 1."""
    return WantedBuild(terrain_id=alps.id, metric="max", revision=1, recipe="r1")


@pytest.fixture
def take(database: Database, wanted: WantedBuild) -> Callable[..., Lease | None]:
    """Try to take the lease of `wanted`, or of another build, for an attempt that is named."""

    def take(attempt: str, **options: Any) -> Lease | None:
        plain = {"owner": attempt, "host": "here", "generation_id": f"g-{attempt}", "ttl_s": 100.0}
        build = options.pop("build", wanted)
        with database.write() as session:
            return take_lease(session, build, **{**plain, **options})

    return take


@pytest.fixture
def statements(database: Database) -> list[str]:
    """The SQL that read sessions send, transaction control aside; clear it before what counts."""
    sent: list[str] = []

    def remember(_: Any, __: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    with database.read() as session:
        event.listen(session.get_bind(), "before_cursor_execute", remember)
    return sent
