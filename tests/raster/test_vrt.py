"""The VRT over a pyramid's levels, as GDAL reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from oracle import OracleTile, paint
from raster.grid import Grid
from raster.vrt import make_vrt
from terrains import UTM

DEGREES = Affine(1 / 1200, 0.0, 7.0, 0.0, -1 / 1200, 47.0)
CELLS = np.random.default_rng(3).integers(-400, 4000, (45, 70)).astype(np.int16)


def save_levels(folder: Path, grid: Grid, dtype: str) -> None:
    oracle = paint([OracleTile(0, 0, CELLS)])
    for level in range(grid.level_count):
        values, _ = oracle.extreme(level, "max")
        height, width = values.shape
        with rasterio.open(
            folder / f"{level}.tif", "w", driver="GTiff", height=height, width=width, count=1, dtype=dtype
        ) as file:
            file.write(values.astype(dtype), 1)


@pytest.mark.parametrize(
    ("crs", "transform", "nodata", "dtype"),
    [
        ("EPSG:32633", UTM, -9999, "int16"),
        ("EPSG:4326", DEGREES, float("nan"), "float32"),
        (None, UTM, None, "int16"),
    ],
)
def test_gdal_reads_the_level_it_needs(
    tmp_path: Path, crs: str | None, transform: Affine, nodata: float | None, dtype: str
) -> None:
    grid = Grid(height=45, width=70, transform=transform, crs=crs)
    save_levels(tmp_path, grid, dtype)
    text = make_vrt(grid, np.dtype(dtype), nodata, "m", lambda level: str(tmp_path / f"{level}.tif"))
    (tmp_path / "p.vrt").write_bytes(text)
    oracle = paint([OracleTile(0, 0, CELLS)])
    with rasterio.open(tmp_path / "p.vrt") as vrt:
        assert vrt.crs == (None if crs is None else CRS.from_string(crs))
        assert vrt.transform == transform
        assert vrt.dtypes == (dtype,)
        assert vrt.units == ("m",)
        np.testing.assert_equal(vrt.nodata, nodata)
        assert len(vrt.overviews(1)) == grid.level_count - 1
        for level in range(grid.level_count):
            values, _ = oracle.extreme(level, "max")
            np.testing.assert_array_equal(vrt.read(1, out_shape=values.shape), values)


@pytest.mark.parametrize(
    "dtype",
    ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"],
)
def test_every_dtype_has_a_name_that_gdal_knows(tmp_path: Path, dtype: str) -> None:
    grid = Grid(height=2, width=2, transform=UTM, crs=None)
    text = make_vrt(grid, np.dtype(dtype), None, None, lambda level: str(tmp_path / f"{level}.tif"))
    (tmp_path / "p.vrt").write_bytes(text)
    with rasterio.open(tmp_path / "p.vrt") as vrt:
        assert vrt.dtypes == (dtype,)
