"""Make a mountain range of any size: georeferenced GeoTIFF tiles, one of them missing, and a lake of nodata.

    python scripts/make_massif.py data/tile/massif --size 8192 --seed 7 --tile 2048
    python scripts/make_massif.py data/tile/range --size 16384 --dtype float32

Every value is a function of the seed and the cell's place in the range, so tiles are made one by
one, in any order, and join without seams. Warped ridged noise gives mountains, gullies down their
slopes the eroded look; both are smooth, so they are computed at every fourth cell (a node) and
interpolated. Separable noise gives the roughness of single cells.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

Field = NDArray[np.float32]

CELL_M = 10.0
LEFT_M, TOP_M = 600_000.0, 5_240_000.0
"""Upper-left corner in UTM zone 32N: somewhere in the Alps, though the mountains are invented."""
CRS = "EPSG:32632"
NODATA = {"int16": -32768, "float32": float("nan")}
"""By dtype: whole metres, or as the recipe gives them."""
HEIGHT_RANGE_M = (200, 4000)
LAKE_M = 460.0
"""Height of the lake's shore."""

NODE = 4
"""Cells between two nodes; the finest gully is some 8 nodes wide."""
COARSEST = 16
"""Cells between the lattice points of the coarsest roughness; a tile holds a whole number of them."""
CREST = 40.0
"""Cells a crest is rounded over: sharper ones would show the nodes as teeth."""
HALO = 8
"""Nodes around a tile that slopes and interpolation look at."""

RECIPE = 1
"""Goes up whenever the same seed gives other mountains, so that old tiles are made anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The mountain range to make; lengths in cells."""

    size: int = 8192
    tile: int = 2048
    seed: int = 7
    dtype: str = "int16"

    def __post_init__(self) -> None:
        if self.tile < 1 or self.tile % COARSEST or self.size < 1 or self.size % self.tile:
            raise ValueError(f"size must be a multiple of tile, and tile of {COARSEST}")

    @property
    def recipe(self) -> str:
        """What decides every value; written into each tile."""
        numbers = "" if self.dtype == "int16" else f" dtype={self.dtype}"
        return f"{RECIPE} size={self.size} tile={self.tile} seed={self.seed}{numbers}"

    def places(self) -> list[tuple[int, int]]:
        """Row and column of each tile in the table of tiles, but for the missing one."""
        count = self.size // self.tile
        missing = (count // 2, count - 1) if count > 1 else None
        return [(row, col) for row in range(count) for col in range(count) if (row, col) != missing]


def make_massif(folder: Path, mountains: Range) -> Iterator[Path]:
    """Write the tiles that are not there yet; yields each tile's path once it is complete.

    Memory is bounded by one tile for each core. A tile appears under its name only when it is
    whole: an interrupted run is continued by the next.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda place: _make_tile(folder, mountains, *place), mountains.places())


def _sweep(folder: Path) -> None:
    """Remove what killed runs left half-written; a run that goes on keeps its own."""
    for partial in folder.glob("massif-*.[0-9]*.partial"):
        if not _runs(int(partial.suffixes[-2].removeprefix("."))):
            partial.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _make_tile(folder: Path, mountains: Range, row: int, col: int) -> Path:
    path = folder / f"massif-{row:02}-{col:02}.tif"
    if not _is_made(path, mountains):
        cells = tile_cells(mountains, row, col)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        try:
            _write_tile(partial, cells, mountains, row, col)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return path


def _is_made(path: Path, mountains: Range) -> bool:
    if not path.is_file():
        return False
    with rasterio.open(path) as tile:
        return bool(tile.tags().get("recipe") == mountains.recipe)


def _write_tile(path: Path, cells: NDArray[Any], mountains: Range, row: int, col: int) -> None:
    left, top = LEFT_M + col * mountains.tile * CELL_M, TOP_M - row * mountains.tile * CELL_M
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=mountains.tile,
        width=mountains.tile,
        count=1,
        dtype=mountains.dtype,
        crs=CRS,
        transform=Affine(CELL_M, 0, left, 0, -CELL_M, top),
        nodata=NODATA[mountains.dtype],
        tiled=True,
        blockxsize=min(512, mountains.tile),
        blockysize=min(512, mountains.tile),
        compress="zstd",
        zstd_level=1,
        predictor=2 if mountains.dtype == "int16" else 1,
    ) as tile:
        tile.write(cells, 1)
        tile.update_tags(recipe=mountains.recipe)


def tile_cells(mountains: Range, row: int, col: int) -> NDArray[Any]:
    """Heights in metres of one tile: (tile, tile) of the range's dtype, nodata in the lake."""
    nodes = mountains.tile // NODE
    y = np.arange(-HALO, nodes + HALO, dtype=np.float64) + row * nodes
    x = np.arange(-HALO, nodes + HALO, dtype=np.float64) + col * nodes
    shore = _shore(mountains, y, x)
    height = _eroded(mountains.seed, y, x, shore)
    rise = _interpolate(height, NODE, mountains.tile)
    rise += _roughness(mountains, row, col) * _interpolate(_steepness(height), NODE, mountains.tile)
    water = _interpolate(shore, NODE, mountains.tile) < 0
    np.clip(rise, *HEIGHT_RANGE_M, out=rise)
    cells = np.rint(rise).astype(np.int16) if mountains.dtype == "int16" else rise
    cells[water] = NODATA[mountains.dtype]
    return cells


def _eroded(seed: int, y: NDArray[np.float64], x: NDArray[np.float64], shore: Field) -> Field:
    """Heights in metres at the nodes: mountains, gullies down their slopes, a basin around the lake."""
    rows, cols = np.meshgrid(y * NODE, x * NODE, indexing="ij")
    height = _mountains(seed, rows, cols)
    basin = np.clip(shore, 0, 1)
    basin = basin * basin * (3 - 2 * basin)
    height = LAKE_M + (height - LAKE_M) * basin
    wavelength, depth = 260.0, 280.0
    for octave in range(4):
        height += depth * _gullies(seed + 100 + octave, rows, cols, height, wavelength) * basin
        wavelength, depth = wavelength * 0.5, depth * 0.45
    return height


def _mountains(seed: int, rows: NDArray[np.float64], cols: NDArray[np.float64]) -> Field:
    """Warped ridged noise: ranges some 12 km apart, in metres."""
    warp_y = _noise(seed + 1, rows, cols, 1400.0) * 420 + _noise(seed + 2, rows, cols, 420.0) * 110
    warp_x = _noise(seed + 3, rows, cols, 1400.0) * 420 + _noise(seed + 4, rows, cols, 420.0) * 110
    rows, cols = rows + warp_y, cols + warp_x
    uplift = 0.62 + 0.5 * _noise(seed + 5, rows, cols, 5200.0)
    total = np.zeros(rows.shape, dtype=np.float32)
    amplitude, wavelength, weight = 1.0, 1300.0, np.float32(1)
    for octave in range(4):
        ridge = 1 - 2 * np.hypot(_noise(seed + 10 + octave, rows, cols, wavelength), CREST / wavelength)
        total += amplitude * ridge * weight
        weight = np.clip(ridge, 0.1, 1)
        amplitude, wavelength = amplitude * 0.46, wavelength * 0.5
    return np.asarray(
        300 + 2200 * np.clip(uplift, 0.1, None) * np.log1p(np.exp(6 * total)) / 6, dtype=np.float32
    )


def _gullies(
    seed: int, rows: NDArray[np.float64], cols: NDArray[np.float64], height: Field, wavelength: float
) -> Field:
    """Furrows along the slope, -1..1: waves across it, blended from the lattice points around.

    After Clay John's "Eroded Terrain Noise" (2020); the steeper the slope, the narrower they are.
    """
    fall_y, fall_x = np.gradient(height, NODE * CELL_M)
    steep = np.hypot(fall_y, fall_x) + np.float32(1e-6)
    strength = np.minimum(steep * 2.5, 1)
    turns = 2 * np.pi * strength / steep
    across_y, across_x = -fall_x * turns, fall_y * turns
    v, u = rows / wavelength, cols / wavelength
    base_v, base_u = np.floor(v), np.floor(u)
    waves = np.zeros(height.shape, dtype=np.float32)
    weights = np.zeros(height.shape, dtype=np.float32)
    for step_v, step_u in np.ndindex(4, 4):
        point_v, point_u = base_v + (step_v - 1), base_u + (step_u - 1)
        off_v = (v - point_v - 0.5 * _hash(seed, point_v, point_u)).astype(np.float32)
        off_u = (u - point_u - 0.5 * _hash(seed + 7919, point_v, point_u)).astype(np.float32)
        weight = np.exp(-2 * (off_v * off_v + off_u * off_u))
        waves += weight * np.cos(off_v * across_y + off_u * across_x)
        weights += weight
    return np.asarray(waves / weights * strength, dtype=np.float32)


def _shore(mountains: Range, y: NDArray[np.float64], x: NDArray[np.float64]) -> Field:
    """Below 0 in the lake, 1 and more a lake's width away from it; a circle with a wandering rim."""
    rows, cols = np.meshgrid(y * NODE, x * NODE, indexing="ij")
    radius = mountains.size / 16
    away = np.hypot(rows - 0.36 * mountains.size, cols - 0.44 * mountains.size) / radius - 1
    rim = np.zeros(rows.shape, dtype=np.float32)
    for octave, amplitude in enumerate((0.9, 0.4, 0.2, 0.1, 0.05)):
        rim += amplitude * _noise(mountains.seed + 50 + octave, rows, cols, radius / 2**octave)
    return np.asarray(away + rim, dtype=np.float32)


def _roughness(mountains: Range, row: int, col: int) -> Field:
    """What single cells add where the ground is steep, in metres: (tile, tile)."""
    total = np.zeros((mountains.tile, mountains.tile), dtype=np.float32)
    for spacing, amplitude in ((COARSEST, 14.0), (8, 7.0), (4, 3.0)):
        count = mountains.tile // spacing
        y = np.arange(-HALO, count + HALO) + row * mountains.tile // spacing
        x = np.arange(-HALO, count + HALO) + col * mountains.tile // spacing
        lattice = _hash(mountains.seed + 200 + spacing, y[:, None], x[None, :])
        total += amplitude * _interpolate(lattice, spacing, mountains.tile)
    return total


def _steepness(height: Field) -> Field:
    fall_y, fall_x = np.gradient(height, NODE * CELL_M)
    return np.asarray(np.clip(np.hypot(fall_y, fall_x) * 1.3, 0.05, 1), dtype=np.float32)


def _noise(seed: int, rows: NDArray[np.float64], cols: NDArray[np.float64], wavelength: float) -> Field:
    """Gradient noise at any places, about -1..1, float32 of their shape (Perlin, 2002)."""
    v, u = rows / wavelength, cols / wavelength
    base_v, base_u = np.floor(v), np.floor(u)
    part_v, part_u = (v - base_v).astype(np.float32), (u - base_u).astype(np.float32)
    blend_v = part_v**3 * (part_v * (part_v * 6 - 15) + 10)
    blend_u = part_u**3 * (part_u * (part_u * 6 - 15) + 10)
    total = np.zeros(rows.shape, dtype=np.float32)
    for step_v, step_u in np.ndindex(2, 2):
        angle = np.float32(np.pi) * _hash(seed, base_v + step_v, base_u + step_u)
        slope = np.cos(angle) * (part_v - step_v) + np.sin(angle) * (part_u - step_u)
        total += slope * (blend_v if step_v else 1 - blend_v) * (blend_u if step_u else 1 - blend_u)
    return np.asarray(total * 1.4, dtype=np.float32)


def _hash(seed: int, rows: NDArray[Any], cols: NDArray[Any]) -> Field:
    """A number in -1..1 for each lattice point: multiplied and mixed bits of its place and the seed."""
    key = rows.astype(np.int64).astype(np.uint32) * np.uint32(0x9E3779B1)
    key = key + cols.astype(np.int64).astype(np.uint32) * np.uint32(0x85EBCA77)
    key += np.uint32(seed * 0x27D4EB2F % 2**32)
    key ^= key >> np.uint32(15)
    key *= np.uint32(0x2C1B3C6D)
    key ^= key >> np.uint32(12)
    key *= np.uint32(0x297A2D39)
    key ^= key >> np.uint32(15)
    return key.astype(np.float32) * np.float32(2**-31) - np.float32(1)


def _interpolate(field: Field, factor: int, size: int) -> Field:
    """A field with HALO nodes around it at `factor` times the density, without the halo: (size, size).

    Cubic B-splines: smooth to the second derivative, so hillshades show no grid.
    """
    return _denser_rows(_denser_rows(field, factor, size).T, factor, size).T


def _denser_rows(field: Field, factor: int, size: int) -> Field:
    count = size // factor
    t = np.arange(factor, dtype=np.float32)[:, None] / factor
    taps = ((1 - t) ** 3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6, (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6, t**3 / 6)
    rows = np.zeros((count, factor, field.shape[1]), dtype=np.float32)
    for step, weights in enumerate(taps):
        start = HALO - 1 + step
        rows += weights * field[start : start + count, None, :]
    return rows.reshape(size, -1)


def main(arguments: list[str] | None = None) -> int:
    """Make the tiles the command line asks for."""
    usual = Range()
    parser = argparse.ArgumentParser(description="Make a mountain range of any size.")
    parser.add_argument("folder", type=Path, help="where the tiles go")
    parser.add_argument("--size", type=int, default=usual.size, help="cells a side (default %(default)s)")
    parser.add_argument("--tile", type=int, default=usual.tile, help="of a tile (default %(default)s)")
    parser.add_argument("--seed", type=int, default=usual.seed, help="another seed, other mountains")
    parser.add_argument("--dtype", choices=sorted(NODATA), default=usual.dtype)
    given = parser.parse_args(arguments)
    try:
        mountains = Range(size=given.size, tile=given.tile, seed=given.seed, dtype=given.dtype)
    except ValueError as error:
        parser.error(str(error))
    count = len(mountains.places())
    _show(f"massif: 0 of {count} tiles made", is_last=False)
    for done, _ in enumerate(make_massif(given.folder, mountains), 1):
        _show(f"massif: {done} of {count} tiles made", is_last=done == count)
    return 0


def _show(text: str, *, is_last: bool) -> None:
    """Progress on standard error: on a terminal each line takes the place of the one before."""
    is_terminal = sys.stderr.isatty()
    if is_terminal or is_last:
        print(text, end="\r" if is_terminal and not is_last else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
