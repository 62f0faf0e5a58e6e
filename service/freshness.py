"""Is there anything to build? What is in use may be up to date, and may miss tiles."""

from __future__ import annotations

from collections.abc import Iterable

from catalog.models import Terrain
from catalog.repository import pyramids, terrains
from service.errors import BuildSuperseded
from service.house import House


def find_fresh(
    house: House, terrain_key: int | str, metric_name: str, *, is_whole: bool = False
) -> str | None:
    """The published generation if it is of the terrain's present revision and not known to be damaged.

    Parameters
    ----------
    is_whole : bool
        Whether one that misses tiles will not do.

    Raises
    ------
    TerrainNotFound
    """
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
        pyramid = pyramids.find_pyramid(session, terrain.id, metric_name)
    if pyramid is None or pyramid.corrupt or pyramid.generation is None:
        return None
    if is_whole and pyramid.generation.missing_tile_count:
        return None
    return pyramid.generation.id if pyramid.generation.revision == terrain.revision else None


def list_needed(house: House, terrain: Terrain, metrics: Iterable[str]) -> list[str]:
    """The metrics of which no whole pyramid is in use, whose place one that misses tiles would take.

    Raises
    ------
    BuildSuperseded
        There is none.
    """
    names = list(metrics)
    needed = [name for name in names if find_fresh(house, terrain.id, name, is_whole=True) is None]
    if not needed:
        raise BuildSuperseded(terrain.name, names[0])
    return needed
