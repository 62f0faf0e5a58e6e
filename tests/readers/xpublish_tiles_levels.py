"""xpublish-tiles: chooses the level for a map tile."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import xarray
from xpublish_tiles.grids import guess_grid_system
from xpublish_tiles.multiscale import scan_resolution_levels

from expected import ZARR, Case, Found, report


def look(case: Case, address: str) -> Iterator[Found]:
    with xarray.open_datatree(address, engine="zarr") as tree:
        for level in scan_resolution_levels(tree):
            grid = guess_grid_system(level.dataset, "elevation")
            yield Found(cells=level.dataset["elevation"].to_numpy(), epsg=grid.crs.to_epsg())


report("xpublish-tiles", version("xpublish-tiles"), dict.fromkeys(ZARR, look))
