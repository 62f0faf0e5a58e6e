"""The terrain that every contestant works on: float32 tiles of the generated mountain range."""

from __future__ import annotations

from pathlib import Path

from affine import Affine

from raster.grid import Grid, Window
from raster.layout import Description
from raster.metrics.registry import Metrics, built_in_metrics
from raster.mosaic import Mosaic, lay_mosaic
from raster.pyramid import BuildPlan, plan_pyramids
from raster.sources.opening import inspect_source
from raster.sources.roots import TileRoots
from raster.tiles import PlacedTile

CRS = "EPSG:32632"
CELL_M = 10.0
METRIC = "max"


def open_mosaic(folder: Path) -> Mosaic:
    """The tiles in a folder as one terrain; opens each of them once, as registration does."""
    roots = TileRoots((folder,))
    tiles = [_place(roots, path) for path in sorted(folder.glob("*.tif"))]
    height = max(tile.window.row_stop for tile in tiles)
    width = max(tile.window.col_stop for tile in tiles)
    transform = Affine(CELL_M, 0, 600_000, 0, -CELL_M, 5_240_000)
    return lay_mosaic(Grid(height=height, width=width, transform=transform, crs=CRS), tiles, roots)


def _place(roots: TileRoots, path: Path) -> PlacedTile:
    info = inspect_source(roots, path.name)
    _, row, col = path.stem.split("-")
    window = Window(
        row=int(row) * info.height, col=int(col) * info.width, height=info.height, width=info.width
    )
    return PlacedTile(
        url=path.name,
        window=window,
        encoding=info.encoding,
        identity=info.identity,
        block_height=info.block_height,
        block_width=info.block_width,
    )


def plan(mosaic: Mosaic) -> BuildPlan:
    """One pyramid of the highest cells."""
    metric = Metrics(built_in_metrics()).get(METRIC)
    about = Description(
        name="massif",
        metric=metric.name,
        cell_methods=metric.cell_methods,
        is_stepwise=metric.is_stepwise,
        generation="g0",
        unit="m",
    )
    return plan_pyramids(mosaic, [(metric, about)])
