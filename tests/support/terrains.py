"""Small terrains on disk, and their pyramids: what several test files make and compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from affine import Affine

from oracle import NativeCells, OracleTile
from raster.cells import CellEncoding, CellType, Nodata
from raster.decoding import DecodedTiles
from raster.grid import CELL_TRANSFORM, Grid, Window
from raster.layout import Description
from raster.metrics.interface import StoredArray
from raster.metrics.registry import Metrics, built_in_metrics
from raster.mosaic import Mosaic, MosaicCells, lay_mosaic
from raster.pyramid import BuildPlan, plan_pyramids
from raster.scheduling import ThreadScheduler
from raster.sources.opening import inspect_source
from raster.sources.roots import TileRoots
from raster.storage.local import LocalRoot
from raster.tiles import PlacedTile
from raster.window import StoredPyramid
from raster.writing import Destination, WrittenPyramid, write_pyramids

METRICS = Metrics(built_in_metrics())
UTM = Affine(10.0, 0.0, 500000.0, 0.0, -10.0, 5000000.0)


@dataclass(frozen=True)
class BuiltPyramid:
    """A pyramid on disk and what it was built by."""

    plan: BuildPlan
    written: WrittenPyramid
    stored: StoredPyramid

    @property
    def path(self) -> Path:
        """The folder of the Zarr group."""
        return Path(self.stored.root.url)

    def level(self, level: int) -> np.ndarray:
        """All values of a level."""
        return self.stored.read_window(level, self.plan.grid.level(level).window)


def save_mosaic(
    folder: Path, tiles: list[OracleTile], *, transform: Affine = CELL_TRANSFORM, crs: str | None = None
) -> Mosaic:
    """The tiles as .npy files below `folder`, and the mosaic over them."""
    box = bounding_box(tiles)
    roots = TileRoots((folder,))
    placed = []
    for index, tile in enumerate(tiles):
        url = f"{index}.npy"
        np.save(folder / url, tile.cells)
        window = Window(row=tile.row, col=tile.col, height=tile.cells.shape[0], width=tile.cells.shape[1])
        placed.append(
            PlacedTile(
                url=url,
                window=window.relative_to(box),
                encoding=CellEncoding(tile.cells.dtype.name, nodata_of(tile)),
                identity=inspect_source(roots, url).identity,
                block_height=1,
                block_width=tile.cells.shape[1],
            )
        )
    grid = Grid(height=box.height, width=box.width, transform=transform, crs=crs)
    return lay_mosaic(grid, placed, roots)


def cells_of(mosaic: Mosaic) -> np.ndarray:
    """All native cells, painted from all tiles."""
    decoded = DecodedTiles(mosaic.roots, max(mosaic.grid.shape), 2**20)
    return MosaicCells(mosaic.cell_type, decoded).read_window(mosaic.grid.window, mosaic.tiles)


def bounding_box(tiles: list[OracleTile]) -> Window:
    """The box around tiles."""
    box: Window | None = None
    for tile in tiles:
        window = Window(row=tile.row, col=tile.col, height=tile.cells.shape[0], width=tile.cells.shape[1])
        box = window if box is None else box.union(window)
    assert box is not None
    return box


def nodata_of(tile: OracleTile) -> Nodata:
    """The tile's sentinel as the catalogue has it."""
    if tile.nodata is None or tile.cells.dtype.kind == "f":
        return tile.nodata
    return int(tile.nodata)


def plan(
    mosaic: Mosaic, metric: str, generation: str, *, shard_cells: int = 2048, chunk_cells: int = 512
) -> BuildPlan:
    """The plan of a pyramid."""
    chosen = METRICS.get(metric)
    about = Description(
        name="test",
        metric=metric,
        cell_methods=chosen.cell_methods,
        is_stepwise=chosen.is_stepwise,
        generation=generation,
        unit="m",
    )
    return plan_pyramids(mosaic, [(chosen, about)], shard_cells=shard_cells, chunk_cells=chunk_cells)


def build(
    mosaic: Mosaic,
    metric: str,
    root: Path,
    *,
    shard_cells: int = 2048,
    chunk_cells: int = 512,
    workers: int = 2,
) -> BuiltPyramid:
    """Build a pyramid at `root`."""
    planned = plan(mosaic, metric, root.stem, shard_cells=shard_cells, chunk_cells=chunk_cells)
    (written,) = write_pyramids(
        planned, [Destination(root=LocalRoot(root))], ThreadScheduler(workers), lambda done, total: None
    )
    return BuiltPyramid(planned, written, StoredPyramid(LocalRoot(root), planned.grid))


def assert_equals_oracle(built: BuiltPyramid, native: NativeCells, metric: str) -> None:
    """Every cell of every level equals the oracle's."""
    assert built.plan.grid.level_count == native.level_count
    value = built.plan.pyramids[0].reduction.value
    for level in range(native.level_count):
        assert_level_equals_oracle(built.level(level), value, native, metric, level)


def assert_level_equals_oracle(
    found: np.ndarray, value: StoredArray, native: NativeCells, metric: str, level: int
) -> None:
    """Every cell of a level equals the oracle's: exactly, but for what floats cannot help.

    Means lie within 1e-12 of the largest value or one step of float32, sums of floats within that for
    each summand, deviations within 1e-9 of the largest value.
    """
    assert found.dtype == value.dtype
    expected, has_data = native.level(metric, level, value.dtype)
    about = f"{metric} level {level}"
    is_data = np.ones(found.shape, bool) if metric == "count" else value_type(value).valid(found)
    np.testing.assert_array_equal(is_data, has_data, err_msg=f"{about}: nodata")
    largest = np.abs(native.values[native.valid].astype(np.float64)).max(initial=0.0)
    rtol, atol = 0.0, 0.0
    if metric == "mean":
        rtol, atol = 2**-22 if found.dtype == np.float32 else 0.0, 1e-12 * largest
    elif metric == "sum" and found.dtype.kind == "f":
        atol = 1e-12 * largest * int(native.count(level).max())
    elif metric == "std":
        atol = 1e-9 * largest
    if rtol or atol:
        np.testing.assert_allclose(found[has_data], expected[has_data], rtol=rtol, atol=atol, err_msg=about)
    else:
        np.testing.assert_array_equal(found[has_data], expected[has_data], err_msg=about)


def value_type(value: StoredArray) -> CellType:
    """Dtype and nodata of a stored array."""
    return CellType(value.dtype, value.nodata)
