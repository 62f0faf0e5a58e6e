"""GeoTIFFs as rasterio reads them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from affine import Affine
from rasterio.io import MemoryFile

from raster.cells import SOURCE_DTYPES
from raster.geotiff import encode_geotiff
from raster.grid import Grid

TRANSFORM = Affine(30, 0, 400_000, 0, -30, 5_500_000)


@pytest.mark.parametrize("dtype", [*SOURCE_DTYPES, "int64", "uint64"])
@pytest.mark.parametrize("crs", [None, "EPSG:32632", "EPSG:4326", "EPSG:8857", "EPSG:4979"])
def test_cells_place_nodata_and_unit_come_back(dtype: str, crs: str | None) -> None:
    cells: np.ndarray[Any, Any] = np.arange(35).reshape(5, 7).astype(dtype)
    nodata = math.nan if cells.dtype.kind == "f" else 3
    data = encode_geotiff(cells, Grid(height=5, width=7, transform=TRANSFORM, crs=crs), nodata, unit="m")
    with MemoryFile(data) as file, file.open() as raster:
        assert raster.dtypes == (dtype,)
        assert np.array_equal(raster.read(1), cells)
        assert raster.transform == TRANSFORM
        assert (None if raster.crs is None else raster.crs.to_string()) == crs
        assert raster.units == ("m",)
        assert math.isnan(raster.nodata) if cells.dtype.kind == "f" else raster.nodata == 3


def test_without_nodata_a_mask_says_where_there_is_none() -> None:
    cells, valid = np.full((4, 6), 9, np.uint8), np.ones((4, 6), bool)
    valid[1:3, 2:] = False
    data = encode_geotiff(cells, Grid(height=4, width=6, transform=TRANSFORM), None, valid=valid)
    with MemoryFile(data) as file, file.open() as raster:
        assert raster.nodata is None
        assert np.array_equal(raster.read_masks(1) > 0, valid)


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [
        ("int64", -(2**63)),
        ("int64", 2**63 - 1),
        ("uint64", 2**64 - 1),
        ("int64", 2**53 + 1),
        ("int64", -(2**53)),
    ],
)
def test_a_nodata_that_float64_does_not_hold_is_a_mask(dtype: str, nodata: int) -> None:
    cells = np.arange(24).reshape(4, 6).astype(dtype)  # with a 1 and a 9, of which many digits begin
    cells[1:3, 2:] = nodata
    data = encode_geotiff(cells, Grid(height=4, width=6, transform=TRANSFORM), nodata)
    with MemoryFile(data) as file, file.open() as raster:
        assert raster.nodata in (None, nodata)
        read = raster.read(1, masked=True)
        assert np.array_equal(np.ma.getmaskarray(read), cells == nodata)
        assert np.array_equal(read.data, cells)
