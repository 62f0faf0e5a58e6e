"""Cells as a GeoTIFF, with where they lie and what means nodata."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from raster.cells import Cells, Nodata
from raster.crs import parse_crs
from raster.grid import Grid


def encode_geotiff(
    cells: Cells,
    grid: Grid,
    nodata: Nodata,
    *,
    valid: NDArray[np.bool_] | None = None,
    unit: str | None = None,
) -> bytes:
    """A GeoTIFF of one band, compressed without loss.

    Parameters
    ----------
    cells : (height, width)
    grid : Grid
        Of that shape.
    nodata : number or None
    valid : (height, width) bool, optional
        Where there are measurements. Needed only where no nodata says so: cells that are not are masked
        then (GDAL's internal mask).
    unit : str, optional
        Of the cells.
    """
    profile = {
        "driver": "GTiff",
        "height": grid.height,
        "width": grid.width,
        "count": 1,
        "dtype": cells.dtype.name,
        "crs": None if grid.crs is None else CRS.from_wkt(parse_crs(grid.crs).to_wkt("WKT1_GDAL")),
        "transform": grid.transform,
        "nodata": nodata,
        "compress": "deflate",
        "predictor": 3 if cells.dtype.kind == "f" else 2,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # so are terrains without a place
        with MemoryFile() as file:
            with file.open(**profile) as raster:
                raster.write(cells, 1)
                if unit is not None:
                    raster.set_band_unit(1, unit)
                if nodata is None and valid is not None and not valid.all():
                    raster.write_mask(valid)
            return bytes(file.read())
