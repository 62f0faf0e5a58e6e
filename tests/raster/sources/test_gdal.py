"""Tiles in GDAL's formats: what is read from good files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import Resampling

from raster.cells import SOURCE_DTYPES, CellEncoding
from raster.grid import Window
from raster.sources.gdal import BLOCK_CACHE_BYTES
from raster.sources.opening import open_source
from raster.sources.roots import TileRoots
from source_files import NORTH_UP, PLACED, ramp, read_all, save_raster

ESRI_HEADER = "ncols 3\nnrows 2\nxllcorner 100.5\nyllcorner 200.25\ncellsize 4.9977\nNODATA_value -9999\n"


@pytest.mark.parametrize("dtype", SOURCE_DTYPES)
def test_every_dtype_is_read_with_its_place_on_the_ground(tmp_path: Path, dtype: str) -> None:
    cells = ramp(9, 14, dtype)
    info, found = read_all(save_raster(tmp_path / "a.tif", cells, **PLACED))
    np.testing.assert_array_equal(found, cells)
    assert found.dtype == cells.dtype
    assert info.encoding == CellEncoding(dtype)
    assert (info.height, info.width) == (9, 14)
    assert (info.transform, info.crs, info.south_up) == (NORTH_UP, "EPSG:32632", False)


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"blockysize": 1},
        {"tiled": True, "blockxsize": 16, "blockysize": 32},
        {"compress": "deflate", "predictor": 2},
        {"compress": "zstd", "tiled": True, "blockxsize": 16, "blockysize": 16},
        {"compress": "lzw"},
        {"compress": "packbits"},
        {"endianness": "big"},
        {"endianness": "big", "compress": "deflate", "predictor": 2, "bigtiff": "yes"},
        {"bigtiff": "yes", "sparse_ok": True},
    ],
    ids=str,
)
def test_windows_of_every_layout_of_geotiff_equal_numpys_slices(
    tmp_path: Path, layout: dict[str, Any]
) -> None:
    cells = ramp(50, 70)
    save_raster(tmp_path / "a.tif", cells, **layout)
    with open_source(TileRoots((tmp_path,)), "a.tif") as source:
        for row, col, height, width in ((0, 0, 50, 70), (49, 69, 1, 1), (15, 31, 20, 7), (0, 16, 50, 16)):
            window = Window(row=row, col=col, height=height, width=width)
            np.testing.assert_array_equal(source.read_window(window), cells[window.slices])
        pieces = [source.read_window(window) for window in source.info.windows(1000)]
    assert sum(piece.size for piece in pieces) == cells.size


def test_blocks_are_those_of_the_file(tmp_path: Path) -> None:
    save_raster(tmp_path / "tiled.tif", ramp(50, 70), tiled=True, blockxsize=16, blockysize=32)
    save_raster(tmp_path / "strips.tif", ramp(50, 70), blockysize=5)
    save_raster(tmp_path / "stream.png", ramp(50, 70, "uint16"), "PNG")
    (tmp_path / "whole.asc").write_text(ESRI_HEADER + "1 2 3\n4 5 6\n")
    (tmp_path / "N47E007.hgt").write_bytes(bytes(2 * 1201 * 1201))
    shapes = {}
    for name in ("tiled.tif", "strips.tif", "stream.png", "whole.asc", "N47E007.hgt"):
        info, _ = read_all(tmp_path / name)
        shapes[name] = info.block_height, info.block_width
    assert shapes == {
        "tiled.tif": (32, 16),
        "strips.tif": (5, 70),
        "stream.png": (50, 70),  # one stream
        "whole.asc": (2, 3),  # read from the start
        "N47E007.hgt": (1201, 1201),
    }


def test_overviews_in_the_file_are_not_taken_for_cells(tmp_path: Path) -> None:
    cells = ramp(64, 64)
    path = save_raster(tmp_path / "a.tif", cells, tiled=True, blockxsize=16, blockysize=16)
    with rasterio.open(path, "r+") as raster:
        raster.build_overviews([2, 4], Resampling.average)
    np.testing.assert_array_equal(read_all(path)[1], cells)


def test_scale_and_offset_are_told_and_not_applied(tmp_path: Path) -> None:
    cells = ramp(3, 4, "uint16")
    path = save_raster(tmp_path / "a.tif", cells, scale=0.1, offset=-1000.0, nodata=7)
    info, found = read_all(path)
    np.testing.assert_array_equal(found, cells)
    assert info.encoding == CellEncoding("uint16", 7, 0.1, -1000.0)
    heights = info.encoding.decode(found, info.encoding.cell_type)
    expected = np.where(cells == 7, np.nan, cells.astype(np.float64) * 0.1 - 1000.0).astype(np.float32)
    np.testing.assert_array_equal(heights, expected)


@pytest.mark.parametrize(
    ("dtype", "written", "told"),
    [
        ("int16", -32768, -32768),
        ("uint8", 255, 255),
        ("float64", -9999.1, -9999.1),
        ("float32", -9999.0058, float(np.float32(-9999.0058))),
        ("float32", -3.4028234663852886e38, -3.4028234663852886e38),
        ("float32", -3.40282346638529e38, -3.4028234663852886e38),
        ("int16", None, None),
    ],
)
def test_the_sentinel_is_a_value_of_the_dtype(
    tmp_path: Path, dtype: str, written: float | None, told: float | None
) -> None:
    info, _ = read_all(save_raster(tmp_path / "a.tif", ramp(3, 4, dtype), nodata=written))
    assert info.encoding.nodata == told


@pytest.mark.parametrize(
    ("dtype", "word"),
    [
        ("uint8", "-9999"),
        ("int16", "1e30"),
        ("int16", "0.5"),
        ("uint16", "nan"),
        ("float32", "-1.7976931348623157e+308"),
        ("float32", "1e39"),
        ("float64", "-inf"),
    ],
)
def test_a_sentinel_that_no_cell_can_have_is_none(tmp_path: Path, dtype: str, word: str) -> None:
    path = save_raster(tmp_path / "a.tif", ramp(3, 4, dtype), nodata=77)
    # GDAL writes none that does not fit; the tag is text, padded here with what it ignores
    data = path.read_bytes()
    assert data.count(b"77\x00") == 1
    path.write_bytes(_with_nodata_tag(data, word))
    info, _ = read_all(path)
    assert info.encoding.nodata is None


def _with_nodata_tag(data: bytes, word: str) -> bytes:
    """A little-endian TIFF whose nodata tag (42113) is another word, put at the end of the file."""
    position = data.index((42113).to_bytes(2, "little") + (2).to_bytes(2, "little"))
    text = word.encode() + b"\0"
    entry = len(text).to_bytes(4, "little")
    where = len(data).to_bytes(4, "little") if len(text) > 4 else text.ljust(4, b"\0")
    return data[: position + 4] + entry + where + data[position + 12 :] + text


def test_nan_and_infinities_of_floats_are_read_as_they_are(tmp_path: Path) -> None:
    cells = np.array([[1.5, np.nan], [np.inf, -np.inf]], np.float32)
    info, found = read_all(save_raster(tmp_path / "a.tif", cells, nodata=math.nan))
    np.testing.assert_array_equal(found, cells)
    assert info.encoding.nodata is not None
    assert math.isnan(info.encoding.nodata)


def test_a_south_up_file_is_delivered_north_up(tmp_path: Path) -> None:
    cells = ramp(6, 4)
    path = save_raster(tmp_path / "a.tif", cells, transform=Affine(10, 0, 500, 0, 10, 900))
    info, found = read_all(path)
    assert info.south_up
    assert info.transform == Affine(10, 0, 500, 0, -10, 960)
    np.testing.assert_array_equal(found, cells[::-1])
    with open_source(TileRoots((tmp_path,)), "a.tif") as source:
        window = Window(row=1, col=1, height=2, width=3)
        np.testing.assert_array_equal(source.read_window(window), cells[::-1][window.slices])


def test_a_file_without_georeferencing_has_no_transform(tmp_path: Path) -> None:
    info, _ = read_all(save_raster(tmp_path / "a.tif", ramp(3, 4)))
    assert (info.transform, info.crs) == (None, None)


@pytest.mark.parametrize("side", [1201, 3601])
def test_srtm_tiles_lie_where_their_name_says_half_a_cell_out(tmp_path: Path, side: int) -> None:
    cells = np.zeros((side, side), ">i2")
    cells[0, 0], cells[-1, -1], cells[5, 7] = 4000, -5, -32768
    (tmp_path / "S02W010.hgt").write_bytes(cells.tobytes())
    info, found = read_all(tmp_path / "S02W010.hgt")
    step = 1 / (side - 1)
    assert info.transform is not None
    np.testing.assert_allclose(
        info.transform[:6], (step, 0, -10 - step / 2, 0, -step, -1 + step / 2), rtol=0, atol=1e-12
    )
    assert info.crs == "EPSG:4326"
    assert info.encoding == CellEncoding("int16", -32768)
    np.testing.assert_array_equal(found, cells)


def test_esri_ascii_keeps_fractions_of_heights_and_of_the_cell_size(tmp_path: Path) -> None:
    path = tmp_path / "a.asc"
    path.write_text(ESRI_HEADER + "1 2 3\n4.25 -9999 6\n")
    info, found = read_all(path)
    np.testing.assert_array_equal(found, np.array([[1, 2, 3], [4.25, -9999, 6]], np.float32))
    assert info.encoding == CellEncoding("float32", -9999.0)
    assert info.transform == Affine(4.9977, 0, 100.5, 0, -4.9977, 200.25 + 2 * 4.9977)
    assert info.crs is None


def test_esri_ascii_may_name_the_centre_of_the_corner_cell(tmp_path: Path) -> None:
    path = tmp_path / "a.asc"
    path.write_text("NCOLS 2\nNROWS 1\nXLLCENTER 10\nYLLCENTER 20\nCELLSIZE 2\n7 8\n")
    info, found = read_all(path)
    assert info.transform == Affine(2, 0, 9, 0, -2, 21)
    assert found.tolist() == [[7, 8]]


def test_the_smallest_esri_ascii_file_is_long_enough(tmp_path: Path) -> None:
    path = tmp_path / "a.asc"
    path.write_text("ncols 1000\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\n" + " ".join("7" * 2000))
    assert (read_all(path)[1] == 7).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_grey_pngs_are_read(tmp_path: Path, dtype: str) -> None:
    cells = ramp(20, 30, dtype) * 100
    info, found = read_all(save_raster(tmp_path / "a.png", cells, "PNG"))
    np.testing.assert_array_equal(found, cells)
    assert (info.encoding, info.transform, info.crs) == (CellEncoding(dtype), None, None)


def test_gdals_block_cache_is_bounded_in_bytes_for_the_whole_process(tmp_path: Path) -> None:
    read_all(save_raster(tmp_path / "a.tif", ramp(3, 4)))
    assert rasterio.env.get_gdal_config("GDAL_CACHEMAX") == BLOCK_CACHE_BYTES


def test_many_openings_leave_nothing_behind(tmp_path: Path) -> None:
    save_raster(tmp_path / "a.tif", ramp(3, 4))
    (tmp_path / "b.tif").write_bytes(b"no TIFF")
    before = open_files()
    for _ in range(5):
        read_all(tmp_path / "a.tif")
        with pytest.raises(Exception, match="damaged"):
            read_all(tmp_path / "b.tif")
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
