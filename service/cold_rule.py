"""How the pyramid that a request is about stands: which generation may answer, and what there is to build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.models import Generation, Pyramid, Terrain
from catalog.repository import pyramids, terrains
from service.build_turns import find_live
from service.house import House
from service.on_missing import OnMissing
from service.ordered_builds import Order

DEFAULT_METRICS = ("mean", "max")
"""Which metric answers who names none: the first that was ever built, else the last of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A terrain as it is now, and its pyramid under a metric."""

    terrain: Terrain
    metric: str
    generation: Generation | None
    """What may answer; None: nothing yet, or what there is is damaged."""
    is_fresh: bool
    is_corrupt: bool
    is_being_built: bool
    order: Order
    """How to have it built, when that is needed."""


def find_standing(house: House, terrain_key: int | str, metric: str | None) -> Standing:
    """How a pyramid stands, by the catalogue alone.

    Parameters
    ----------
    metric : str, optional
        None: the first of `DEFAULT_METRICS` that was built.

    Raises
    ------
    TerrainNotFound, MetricNotFound
    """
    names = DEFAULT_METRICS if metric is None else (metric,)
    for name in names:
        house.metrics.get(name)
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
        found = [pyramids.find_pyramid(session, terrain.id, name) for name in names]
        chosen, pyramid = _first_built(names, found)
        usable = None if pyramid is None or pyramid.corrupt else pyramid.generation
        is_fresh = usable is not None and usable.revision == terrain.revision
        live = None if is_fresh else find_live(session, terrain, chosen)
    return Standing(
        terrain=terrain,
        metric=chosen,
        generation=usable,
        is_fresh=is_fresh,
        is_corrupt=pyramid is not None and pyramid.corrupt,
        is_being_built=live is not None,
        order=Order(on_missing=_again(terrain, pyramid), takes_any=True),
    )


def _first_built(names: Sequence[str], found: Sequence[Pyramid | None]) -> tuple[str, Pyramid | None]:
    for name, pyramid in zip(names, found, strict=True):
        if pyramid is not None and pyramid.generation is not None:
            return name, pyramid
    return names[-1], found[-1]


def _again(terrain: Terrain, pyramid: Pyramid | None) -> OnMissing:
    """What a build does about missing tiles: what was built without some is built anew without them."""
    generation = None if pyramid is None else pyramid.generation
    is_current = generation is not None and generation.revision == terrain.revision
    misses_some = generation is not None and generation.missing_tile_count > 0
    return OnMissing.MASK if is_current and misses_some else OnMissing.FAIL
