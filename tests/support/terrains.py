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
from raster.metrics.registry import Metrics, built_in_metrics
from raster.mosaic import Mosaic, MosaicCells, lay_mosaic
from raster.pyramid import BuildPlan, plan_pyramids
from raster.scheduling import ThreadScheduler
from raster.sources.opening import inspect_source
from raster.sources.roots import TileRoots
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
        planned, [Destination(root=root)], ThreadScheduler(workers), lambda done, total: None
    )
    return BuiltPyramid(planned, written, StoredPyramid(root, planned.grid))


def assert_equals_oracle(built: BuiltPyramid, native: NativeCells, metric: str) -> None:
    """Every cell of every level equals the oracle's: exactly, means to one step of the stored type."""
    assert built.plan.grid.level_count == native.level_count
    for level in range(native.level_count):
        found = built.level(level)
        if metric == "count":
            np.testing.assert_array_equal(found, native.count(level))
            continue
        value = built.plan.pyramids[0].reduction.value
        expected, has_data = native.mean(level) if metric == "mean" else native.extreme(level, metric)
        is_data = CellType(value.dtype, value.nodata).valid(found)
        np.testing.assert_array_equal(is_data, has_data, err_msg=f"{metric} level {level}: nodata")
        if metric == "mean":
            _assert_means(found[has_data], expected[has_data], native)
        else:
            np.testing.assert_array_equal(
                found[has_data], expected[has_data], err_msg=f"{metric} level {level}"
            )


def _assert_means(found: np.ndarray, expected: np.ndarray, native: NativeCells) -> None:
    """float64 within 1e-12 of the largest value, float32 within one step of that rounded."""
    largest = np.abs(native.values[native.valid].astype(np.float64)).max(initial=0.0)
    if found.dtype == np.float32:
        np.testing.assert_allclose(found, expected, rtol=2**-22, atol=1e-12 * largest)
    else:
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * largest)
