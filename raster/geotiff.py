"""Cells as a GeoTIFF, with where they lie and what means nodata."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from pyproj.exceptions import CRSError
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from raster.cells import Cells, CellType, Nodata
from raster.crs import parse_crs
from raster.grid import Grid

MOST_KEPT = 2**53
"""GDAL's tools are told nodata as a float64, which holds no larger one of 64-bit integers for sure."""


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
        Told by a mask instead (GDAL's internal one) where 64-bit integers have one beyond `MOST_KEPT`.
    valid : (height, width) bool, optional
        Where there are measurements. Needed only where no nodata says so: cells that are not are masked
        then, too.
    unit : str, optional
        Of the cells.
    """
    told = None if nodata is not None and cells.dtype.kind in "iu" and abs(nodata) > MOST_KEPT else nodata
    if told is None and valid is None:
        valid = CellType(cells.dtype, nodata).valid(cells)
    profile = {
        "driver": "GTiff",
        "height": grid.height,
        "width": grid.width,
        "count": 1,
        "dtype": cells.dtype.name,
        "crs": None if grid.crs is None else _gdal_crs(grid.crs),
        "transform": grid.transform,
        "nodata": told,
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
                if told is None and valid is not None and not valid.all():
                    raster.write_mask(valid)
            return bytes(file.read())


def _gdal_crs(text: str) -> CRS:
    crs = parse_crs(text)
    try:
        return CRS.from_wkt(crs.to_wkt("WKT1_GDAL"))
    except CRSError:  # such as Equal Earth: it is younger than WKT 1
        return CRS.from_wkt(crs.to_wkt("WKT2_2019"))
