"""Small pyramids on maps, and map tiles computed in another way: PROJ for each cell, or GDAL's warper."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from affine import Affine
from pyproj import CRS, Transformer
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.vrt import WarpedVRT

from oracle import OracleTile
from raster.cached_chunks import CachedChunks
from raster.cells import CellType
from raster.chunk_cache import ChunkCache
from raster.grid import Grid
from raster.map_tiles.reading import MappedPyramid, MapTile
from terrains import BuiltPyramid, build, save_mosaic


@dataclass(frozen=True)
class MappedTerrain:
    """A pyramid on the disk, and open for maps."""

    built: BuiltPyramid
    mapped: MappedPyramid
    cache: ChunkCache
    _levels: dict[int, np.ndarray] = field(default_factory=dict)

    def level(self, level: int) -> np.ndarray:
        """All values of a level, read once."""
        if level not in self._levels:
            self._levels[level] = self.built.level(level)
        return self._levels[level]

    @property
    def grid(self) -> Grid:
        return self.built.plan.grid


def rough(height: int, width: int, seed: int = 1) -> np.ndarray:
    """Heights without two that are equal, so that a cell in the wrong place shows."""
    rng = np.random.default_rng(seed)
    return rng.permutation(height * width).reshape(height, width).astype(np.float32)


def make_mapped(
    folder: Path,
    cells: np.ndarray,
    transform: Affine,
    crs: str | None,
    *,
    metric: str = "max",
    nodata: float | None = None,
    chunk_cells: int = 64,
    shard_cells: int = 256,
    cache_bytes: int = 2**26,
) -> MappedTerrain:
    """A terrain of one tile, built."""
    mosaic = save_mosaic(folder, [OracleTile(0, 0, cells, nodata)], transform=transform, crs=crs)
    built = build(mosaic, metric, folder / "p.zarr", chunk_cells=chunk_cells, shard_cells=shard_cells)
    value = built.plan.pyramids[0].reduction.value
    cache = ChunkCache(cache_bytes)
    mapped = MappedPyramid(CachedChunks(built.stored, cache), CellType(value.dtype, value.nodata))
    return MappedTerrain(built, mapped, cache)


def by_proj(terrain: MappedTerrain, tile: MapTile) -> np.ndarray:
    """The nearest cell of the tile's level for each cell by PROJ alone; NaN outside."""
    grid, level = tile.grid, terrain.grid.level(tile.level)
    x = grid.transform.c + (np.arange(grid.width) + 0.5) * grid.transform.a
    y = grid.transform.f + (np.arange(grid.height) + 0.5) * grid.transform.e
    there = Transformer.from_crs(grid.crs, level.crs, always_xy=True).transform(*np.meshgrid(x, y))
    return cells_at(terrain, tile.level, *there)


def cells_at(terrain: MappedTerrain, level: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The cells of a level at places on the ground; NaN outside, and where they are nodata."""
    grid, values = terrain.grid.level(level), terrain.level(level)
    cell_type = terrain.mapped.cell_type
    found = np.full(x.shape, np.nan)
    for turns in (-1, 0, 1):
        shift = turns * AROUND[kind_of(grid)] if turns else 0.0
        if not math.isfinite(shift):
            continue
        with np.errstate(invalid="ignore"):
            col = np.floor((x + shift - grid.transform.c) / grid.transform.a)
            row = np.floor((y - grid.transform.f) / grid.transform.e)
        inside = (col >= 0) & (col < grid.width) & (row >= 0) & (row < grid.height)
        at = row[inside].astype(int), col[inside].astype(int)
        found[inside] = np.where(cell_type.valid(values[at]), values[at], np.nan)
    return found


AROUND = {"degrees": 360.0, "mercator": 2 * math.pi * 6378137, "other": math.inf}
"""How far x are apart that are the same place; so far out nothing lies."""


def kind_of(grid: Grid) -> str:
    crs = CRS.from_user_input(grid.crs)
    if crs.is_geographic:
        return "degrees"
    return "mercator" if crs.to_epsg() in {3857, 3395, 3832} else "other"


def by_gdal(terrain: MappedTerrain, tile: MapTile) -> np.ndarray:
    """The tile's level warped by GDAL, nearest, as exactly as it can; NaN outside."""
    level, target = terrain.grid.level(tile.level), tile.grid
    profile = {
        "driver": "GTiff", "height": level.height, "width": level.width, "count": 1, "dtype": "float64",
        "crs": level.crs, "transform": level.transform, "nodata": np.nan,
    }  # fmt: skip
    values = terrain.level(tile.level).astype(np.float64)
    values[~terrain.mapped.cell_type.valid(terrain.level(tile.level))] = np.nan
    with MemoryFile() as file:
        with file.open(**profile) as raster:
            raster.write(values, 1)
        with (
            file.open() as source,
            WarpedVRT(
                source, crs=target.crs, transform=target.transform, height=target.height, width=target.width,
                resampling=Resampling.nearest, tolerance=1e-9, nodata=np.nan,
            ) as warped,
        ):  # fmt: skip
            return np.asarray(warped.read(1))


def shown(tile: MapTile) -> np.ndarray:
    """A tile's values as floats, NaN where there is no measurement."""
    return np.where(tile.valid, tile.values.astype(np.float64), np.nan)


def share_equal(one: np.ndarray, other: np.ndarray) -> float:
    """Of all cells, those that are the same in both."""
    return float(((one == other) | (np.isnan(one) & np.isnan(other))).mean())
