"""A terrain of three tiles in a row with a gap, of which some may be taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from installations import Installation
from oracle import NativeCells, OracleTile, paint
from service.builds import build_pyramids
from service.creation import TerrainOrder, create_terrain
from service.house import House
from service.levels import LevelReader
from service.on_missing import OnMissing
from service.open_pyramids import OpenPyramids
from service.pyramid_states import PyramidState, get_state
from service.registration import register_tiles
from service.terrain_grids import cell_type_of
from service.tile_orders import TileOrder
from service.windows import WindowAsked

HEIGHT, WIDTH = 40, 30
PLACES = {"a": 0, "b": 1, "c": 3}
"""A gap, so that dtype and nodata are the same with and without a tile."""


def cells(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-400, 4000, (HEIGHT, WIDTH), np.int16)


def ignore(done: int, total: int) -> None:
    """Progress nobody looks at."""


@contextmanager
def three_tiles(installation: Installation) -> Iterator[House]:
    """The terrain `alps`, nothing built."""
    with installation.house() as house:
        create_terrain(house, TerrainOrder(name="alps"))
        for seed, name in enumerate(PLACES):
            put(installation, name, seed)
        orders = [TileOrder(url=f"{name}.npy", x=WIDTH * place, y=0) for name, place in PLACES.items()]
        register_tiles(house, "alps", orders)
        yield house


def put(installation: Installation, name: str, seed: int) -> None:
    np.save(installation.tiles / f"{name}.npy", cells(seed))


def take_away(installation: Installation, *names: str) -> None:
    for name in names:
        (installation.tiles / f"{name}.npy").rename(installation.folder / f"{name}.npy")


def put_back(installation: Installation, name: str) -> None:
    (installation.folder / f"{name}.npy").rename(installation.tiles / f"{name}.npy")


def native(names: str) -> NativeCells:
    """The cells of the terrain of which only these tiles are there."""
    whole = paint([OracleTile(0, WIDTH * PLACES[name], cells(seed)) for seed, name in enumerate(PLACES)])
    valid = np.zeros_like(whole.valid)
    for name in names:
        valid[:, WIDTH * PLACES[name] : WIDTH * (PLACES[name] + 1)] = True
    return NativeCells(whole.values, valid)


def mask(house: House, *metrics: str, on_shard: Callable[[int, int], None] = ignore) -> None:
    build_pyramids(house, "alps", metrics, on_shard, on_missing=OnMissing.MASK, insists=True)


def state_of(house: House, metric: str = "max") -> PyramidState:
    return get_state(house, None, "alps", metric)


def missing_of(house: House, metric: str = "max") -> list[str]:
    return [tile.source for tile in state_of(house, metric).missing]


def assert_cells(house: House, metric: str, expected: NativeCells) -> None:
    """All levels are those of the terrain that numpy knows."""
    levels = LevelReader(house, OpenPyramids(house))
    for level in range(expected.level_count):
        resolved = levels.locate("alps", metric, WindowAsked(level=level)).resolved
        assert resolved is not None
        found = levels.read(resolved)
        values, valid = expected.level(metric, level, found.dtype)
        assert np.array_equal(cell_type_of(resolved.generation).valid(found), valid), (metric, level)
        assert np.allclose(found[valid], values[valid]), (metric, level)
