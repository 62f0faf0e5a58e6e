"""Boxes on the ground as windows: every cell that is touched, by plain arithmetic and by rasterio.warp."""

from __future__ import annotations

import math

import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.warp import transform_bounds

from raster.box_errors import BoxOutside, BoxSplit
from raster.crs import transformation
from raster.grid import Extent, Grid, Window
from raster.snapping import lay_box

UTM = Grid(height=60, width=80, transform=Affine(30, 0, 500_000, 0, -30, 5_200_000), crs="EPSG:32632")
ALPS = Grid(height=40, width=50, transform=Affine(0.25, 0, 5, 0, -0.25, 50), crs="EPSG:4326")
BARE = Grid(height=40, width=50)
DATELINE = Grid(height=10, width=20, transform=Affine(1, 0, 170, 0, -1, 5), crs="EPSG:4326")
GLOBE = Grid(height=18, width=36, transform=Affine(10, 0, -180, 0, -10, 90), crs="OGC:CRS84")


def snap_box(grid: Grid, box: Extent, crs: str | None) -> Window:
    return lay_box(grid, box, crs).snap(grid)


def touched(grid: Grid, box: Extent) -> Window | None:
    """Cell by cell: those that share an area with the box."""
    cells = [
        (row, col)
        for row in range(grid.height)
        for col in range(grid.width)
        if overlaps(grid.part(Window(row=row, col=col, height=1, width=1)).extent, box)
    ]
    if not cells:
        return None
    (row, col), (last_row, last_col) = cells[0], cells[-1]
    return Window(row=row, col=col, height=last_row - row + 1, width=last_col - col + 1)


def overlaps(cell: Extent, box: Extent) -> bool:
    beside = cell.left < box.right and box.left < cell.right
    return beside and cell.bottom < box.top and box.bottom < cell.top


@given(
    left=st.integers(-40, 260),
    bottom=st.integers(-40, 220),
    width=st.integers(1, 300),
    height=st.integers(1, 300),
)
def test_a_box_in_the_grid_s_own_crs(left: int, bottom: int, width: int, height: int) -> None:
    """In quarters of a cell, which floats hold exactly, so that many edges lie on those of cells."""
    grid = Grid(height=20, width=25, transform=Affine(4, 0, 96, 0, -4, 160))
    box = Extent(left, bottom, left + width, bottom + height)
    expected = touched(grid, box)
    if expected is None:
        # what only shares an edge touches nothing
        with pytest.raises(BoxOutside):
            snap_box(grid, box, None)
    else:
        assert snap_box(grid, box, None) == expected


@given(
    x=st.floats(500_100, 502_000),
    y=st.floats(5_198_500, 5_199_900),
    width=st.floats(10, 400),
    height=st.floats(10, 300),
)
def test_a_box_of_degrees_on_a_map(x: float, y: float, width: float, height: float) -> None:
    """The cells of the box around it, as rasterio.warp makes that; a cell more or less where both differ."""
    degrees = transform_bounds(UTM.crs, "OGC:CRS84", x, y, x + width, y + height)
    found = snap_box(UTM, Extent(*degrees), "OGC:CRS84")
    left, bottom, right, top = transform_bounds("OGC:CRS84", UTM.crs, *degrees, densify_pts=181)
    assert abs(found.col - math.floor((left - 500_000) / 30)) <= 1
    assert abs(found.row - math.floor((5_200_000 - min(top, 5_200_000)) / 30)) <= 1
    extent = UTM.part(found).extent
    assert extent.left <= max(left, 500_000) + 0.01
    assert extent.right >= min(right, 502_400) - 0.01
    assert extent.bottom <= max(bottom, 5_198_200) + 0.01
    assert extent.top >= min(top, 5_200_000) - 0.01
    assert extent.right - extent.left <= right - left + 60
    assert extent.top - extent.bottom <= top - bottom + 60


@pytest.mark.parametrize("crs", ["OGC:CRS84", "EPSG:4326", "EPSG:4258"])
def test_the_whole_world_is_the_whole_grid(crs: str) -> None:
    for grid in (UTM, ALPS, GLOBE, DATELINE):
        assert snap_box(grid, Extent(-180, -90, 180, 90), crs) == grid.window


def test_the_whole_world_of_web_mercator_is_the_whole_map() -> None:
    edge = 20037508.342789244
    assert snap_box(UTM, Extent(-edge, -edge, edge, edge), "EPSG:3857") == UTM.window


@pytest.mark.parametrize(
    ("left", "right", "cols"),
    [
        (175.5, -175.5, (5, 10)),  # 175 to 185
        (175.5, 184.5, (5, 10)),
        (-184.5, -175.5, (5, 10)),
        (-179.5, -178.5, (10, 2)),
        (180, 181, (10, 1)),
        (171.2, 171.4, (1, 1)),
        (-175.5, 175.5, None),  # the other way round: both ends, and not what is between them
    ],
)
def test_across_the_antimeridian(left: float, right: float, cols: tuple[int, int] | None) -> None:
    box = Extent(left, 0.5, right, 1.5)
    for crs in (None, "OGC:CRS84", "EPSG:4326"):
        if cols is None:
            with pytest.raises(BoxSplit):
                snap_box(DATELINE, box, crs)
        else:
            assert snap_box(DATELINE, box, crs) == Window(row=3, col=cols[0], height=2, width=cols[1])


def test_a_box_over_both_ends_of_the_globe_is_two_windows() -> None:
    with pytest.raises(BoxSplit) as caught:
        snap_box(GLOBE, Extent(165, 0, -165, 10), "OGC:CRS84")
    assert (caught.value.one, caught.value.other) == (
        "row=8 col=0 height=1 width=2",
        "row=8 col=34 height=1 width=2",
    )


def test_a_box_of_a_map_on_the_globe() -> None:
    """UTM zone 60 reaches beyond 180 degrees."""
    found = snap_box(DATELINE, Extent(500_000, 0, 1_055_000, 100_000), "EPSG:32660")
    assert found == Window(row=4, col=7, height=1, width=5)


@pytest.mark.parametrize(
    ("box", "window"),
    [
        (Extent(3, -3, 3, -3), Window(row=3, col=3, height=1, width=1)),
        (Extent(50, -40, 50, -40), Window(row=39, col=49, height=1, width=1)),
        (Extent(0, -40, 0, 0), Window(row=0, col=0, height=40, width=1)),
        (Extent(2.0000000001, -5, 3.9999999999, -3), Window(row=3, col=2, height=2, width=2)),
        (Extent(1.9999999999, -5, 4.0000000001, -3), Window(row=3, col=2, height=2, width=2)),
        (Extent(-1e300, -1e300, 1e300, 1e300), BARE.window),
    ],
)
def test_lines_points_and_edges_that_were_computed(box: Extent, window: Window) -> None:
    assert snap_box(BARE, box, None) == window


@pytest.mark.parametrize(
    ("grid", "box", "crs"),
    [
        (BARE, Extent(51, -3, 60, -2), None),
        (BARE, Extent(1, -3, 2, -2), "OGC:CRS84"),
        (UTM, Extent(100, 10, 101, 11), "OGC:CRS84"),
        (ALPS, Extent(45, 6, 47, 8), "OGC:CRS84"),
        (ALPS, Extent(0, 0, 1, 1), "EPSG:32660"),
    ],
)
def test_a_box_elsewhere_is_refused(grid: Grid, box: Extent, crs: str | None) -> None:
    with pytest.raises(BoxOutside):
        snap_box(grid, box, crs)


def test_a_box_is_laid_once_for_all_levels() -> None:
    box = Extent(3, 46, 12, 50)
    wide = Grid(height=1500, width=2000, transform=UTM.transform, crs=UTM.crs)
    laid = lay_box(wide, box, "OGC:CRS84")
    asked = transformation.cache_info()
    snapped = [laid.snap(wide.level(level)) for level in range(wide.level_count)]
    assert transformation.cache_info() == asked
    assert snapped == [snap_box(wide.level(level), box, "OGC:CRS84") for level in range(wide.level_count)]


def test_transformations_are_kept() -> None:
    snap_box(UTM, Extent(9.0, 46.94, 9.02, 46.95), "EPSG:4258")
    made = transformation.cache_info().misses
    snap_box(UTM, Extent(9.01, 46.94, 9.02, 46.95), "EPSG:4258")
    assert transformation.cache_info().misses == made
