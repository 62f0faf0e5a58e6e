"""Real elevation data, registered by one command line each, against brute force on the native cells.

The oracle reads the files with rasterio's own defaults and lays them by their transforms.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from installations import Installation
from oracle import NativeCells, OracleTile, paint
from raster.cells import CellType
from raster.errors import SourceUnreadable
from raster.window import StoredPyramid
from service.builds import build_pyramid
from service.creation import TerrainOrder, create_terrain
from service.errors import RegistrationRefused
from service.house import House
from service.pyramid_states import list_states
from service.registration import register_tiles
from service.terrain_grids import cell_type_of, grid_of
from service.tile_orders import TileOrder

METRICS = ("max", "min", "mean", "count")


def native_cells(files: list[Path]) -> NativeCells:
    """The files on one grid, in the order given; later ones win where they have data."""
    laid: list[OracleTile] = []
    origin: tuple[float, float] | None = None
    for file in files:
        with rasterio.open(file) as raster:
            t = raster.transform
            origin = origin or (t.c, t.f)
            row, col = (t.f - origin[1]) / t.e, (t.c - origin[0]) / t.a
            assert abs(row - round(row)) < 0.01
            assert abs(col - round(col)) < 0.01
            laid.append(OracleTile(round(row), round(col), raster.read(1), raster.nodata))
    return paint(laid)


def assert_pyramids_equal(
    house: House, terrain: str, native: NativeCells, metrics: tuple[str, ...] = METRICS
) -> None:
    """Every cell of every level of every metric."""
    for state in list_states(house, None, terrain):
        if state.metric not in metrics:
            continue
        assert state.pyramid is not None
        generation = state.pyramid.generation
        assert generation is not None
        grid, cell_type = grid_of(generation), cell_type_of(generation)
        stored = StoredPyramid(house.pyramid_root(generation.href), grid)
        assert grid.level_count == native.level_count
        for level in range(native.level_count):
            found = stored.read_window(level, grid.level(level).window)
            assert_level_equals(found, cell_type, native, state.metric, level)


def assert_level_equals(
    found: np.ndarray, cell_type: CellType, native: NativeCells, metric: str, level: int
) -> None:
    if metric == "count":
        assert_same(found, native.count(level))
        return
    expected, has_data = native.mean(level) if metric == "mean" else native.extreme(level, metric)
    assert_same(cell_type.valid(found), has_data)
    if not has_data.all():
        found, expected = found[has_data], expected[has_data]
    if metric == "mean":
        atol = 1e-12 * np.abs(expected).max(initial=0)
        assert (np.abs(found - expected) <= atol + 2**-22 * np.abs(expected)).all()
    else:
        assert_same(found, expected)


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    """Equality, quickly if it holds; numpy's own assertion takes several times as long to say so."""
    if not np.array_equal(found, expected):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("folder", "pattern", "shape"),
    [
        ("srtm3_rhine_south", "N4*", (2401, 4801)),
        ("glo30_los_angeles_2x2", "los_angeles_tile_*.tif", (381, 381)),
        ("derived_utm32_tiles_dev", "*.tif", (1200, 1600)),
        ("srtm3_pair_gabon", "N00*", (1201, 2401)),
        ("linz_strip_3", "input_dem_0*.tif", (24, 48)),
    ],
)
def test_adjacent_tiles_become_one_terrain_in_one_line(
    tmp_path: Path, dem: Path, folder: str, pattern: str, shape: tuple[int, int]
) -> None:
    installation = Installation(tmp_path, dem / folder)
    added = installation.run("add", "terrain", pattern, "--create")
    assert added.code == 0, added.stderr
    built = installation.run("build", "terrain", "--metric", ",".join(METRICS))
    assert built.code == 0, built.stderr
    native = native_cells(sorted((dem / folder).glob(pattern)))
    assert native.values.shape == shape
    with installation.house() as house:
        assert_pyramids_equal(house, "terrain", native)


def test_seams_that_disagree_are_settled_by_the_order(tmp_path: Path, dem: Path) -> None:
    installation = Installation(tmp_path, dem / "riviera_seam_conflict")
    files = [dem / "riviera_seam_conflict" / name for name in ("gh_N43E007.hgt.zip", "N43E006.hgt.zip")]
    assert installation.run("add", "riviera", *(file.name for file in files), "--create").code == 0
    assert installation.run("build", "riviera", "--metric", ",".join(METRICS)).code == 0
    members = []
    for file, row, col in zip(files, (0, 0), (1200, 0), strict=True):
        with rasterio.open(f"zip://{file}!{file.name.removeprefix('gh_').removesuffix('.zip')}") as raster:
            members.append(OracleTile(row, col, raster.read(1), raster.nodata))
    with installation.house() as house:
        assert_pyramids_equal(house, "riviera", paint(members))


SINGLES = (
    "singles_dev",
    "derived_variants_dev",
    "broken_real_dev",
    "etopo_dev",
    "gz_common_dev",
    "linz_dev",
    "npz_dev",
    "tirol_dev",
    "glo30_dateline",
    "srtm3_singles_dev",
)
SINGLE_METRICS = ("max", "mean")
"""One that keeps the cells' type and one that leaves it: a file is read the same way for all."""

UNKNOWN_KIND = "its kind is not known"
REFUSED = {
    "singles_dev/rio_rgbify_elev-rgb.tif": "3 bands",
    "derived_variants_dev/rotated.tif": "rotated",
    "derived_variants_dev/BAD_empty.tif": "damaged",
    "derived_variants_dev/BAD_short.hgt": "damaged",
    "broken_real_dev/UTM_WY.tif": "damaged",
    "broken_real_dev/N52E008hgt.zip": "not a zip archive",
    "etopo_dev/etopo20.cdf": UNKNOWN_KIND,
    "gz_common_dev/dem_nodata.dem": UNKNOWN_KIND,
    "gz_common_dev/dem_nodata_nan.nc": UNKNOWN_KIND,
    "npz_dev/jacksboro_fault_dem.npz": UNKNOWN_KIND,
}
DAMAGED_INSIDE = {"derived_variants_dev/BAD_truncated.tif", "derived_variants_dev/BAD_bitflips.tif"}


@pytest.mark.parametrize("folder", SINGLES)
def test_every_single_file_builds_right_or_is_refused_by_name_and_reason(
    tmp_path: Path, dem: Path, folder: str
) -> None:
    files = sorted((dem / folder).iterdir())
    assert files
    with Installation(tmp_path, dem).house() as house:
        for index, file in enumerate(files):
            assert_built_or_refused(house, f"t{index}", file, file.relative_to(dem).as_posix())


def assert_built_or_refused(house: House, terrain: str, file: Path, url: str) -> None:
    create_terrain(house, TerrainOrder(name=terrain))
    origin = 0 if file.suffix in {".npy", ".png"} else None
    order = TileOrder(url=url, x=origin, y=origin)
    if url in REFUSED:
        with pytest.raises(RegistrationRefused, match=REFUSED[url]) as refused:
            register_tiles(house, terrain, [order])
        assert url in str(refused.value)
        return
    register_tiles(house, terrain, [order])
    if url in DAMAGED_INSIDE:
        with pytest.raises(SourceUnreadable, match=url):
            build_pyramid(house, terrain, "max", lambda done, total: None)
        return
    for metric in SINGLE_METRICS:
        build_pyramid(house, terrain, metric, lambda done, total: None)
    assert_pyramids_equal(house, terrain, single_file(file), SINGLE_METRICS)


def single_file(file: Path) -> NativeCells:
    """One file's cells as its own documentation has them: scaled, north up."""
    if file.suffix == ".npy":
        return paint([OracleTile(0, 0, np.load(file).astype(np.int16))])
    path = f"zip://{file}!{file.stem}" if file.suffix == ".zip" else str(file)
    with rasterio.open(path) as raster:
        cells, nodata = raster.read(1), raster.nodata
        if raster.transform.e > 0 and file.suffix != ".png":
            cells = cells[::-1]
        if raster.scales[0] != 1.0:
            scaled = (cells.astype(np.float64) * raster.scales[0] + raster.offsets[0]).astype(np.float32)
            scaled[cells == nodata] = np.nan
            cells, nodata = scaled, None
    return paint([OracleTile(0, 0, cells, nodata)])


def test_tiles_on_different_grids_are_refused_with_both_sides(tmp_path: Path, dem: Path) -> None:
    installation = Installation(tmp_path, dem / "srtm3_pair_gabon_utm")
    added = installation.run("add", "gabon", str(dem / "srtm3_pair_gabon_utm"), "--create")
    assert added.code == 1
    assert "USGS_13_n00e011.tif" in added.stderr
    assert "92.45005" in added.stderr
    assert "92.50679" in added.stderr
    (gabon,) = installation.run("list", "--json").document["terrains"]
    assert gabon["tile_count"] == 0
