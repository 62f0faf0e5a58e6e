"""Where tiles lie, and which are refused with both sides named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from affine import Affine

from raster.errors import GridInvalid, PlacementRefused, TerrainTooLarge
from raster.grid import Extent, Window
from raster.placement import (
    Anchor,
    Placing,
    check_inside,
    check_size,
    declared_anchor,
    declared_window,
    place_tiles,
)

GROUND = Affine(30.0, 0, 600000, 0, -30.0, 5200000)
ANCHORED = Anchor(transform=GROUND, crs="EPSG:32633")
TILE = Placing(source="t.tif", height=100, width=200, transform=GROUND, crs="EPSG:32633")


def place(anchor: Anchor, *tiles: Placing, has_tiles: bool = False) -> list[Window | PlacementRefused]:
    return place_tiles(anchor, list(tiles), has_tiles=has_tiles)[1]


def refusal(anchor: Anchor, tile: Placing, *, has_tiles: bool = True) -> str:
    (place_,) = place(anchor, tile, has_tiles=has_tiles)
    assert isinstance(place_, PlacementRefused)
    return place_.reason


def moved(cols: float, rows: float, **changes: Any) -> Placing:
    return replace(TILE, transform=GROUND @ Affine.translation(cols, rows), **changes)


def test_the_first_georeferenced_tile_fixes_the_grid() -> None:
    anchor, places = place_tiles(Anchor(), [TILE, moved(200, -100)], has_tiles=False)
    assert anchor == ANCHORED
    assert places == [
        Window(row=0, col=0, height=100, width=200),
        Window(row=-100, col=200, height=100, width=200),
    ]


def test_x_and_y_of_the_first_tile_shift_the_anchor() -> None:
    anchor, places = place_tiles(Anchor(), [replace(TILE, x=10, y=-20)], has_tiles=False)
    assert anchor.transform == Affine(30.0, 0, 600000 - 300, 0, -30.0, 5200000 - 600)
    assert places == [Window(row=-20, col=10, height=100, width=200)]


def test_tiles_without_georeferencing_need_x_and_y() -> None:
    plain = Placing(source="a.npy", height=2, width=3)
    assert "give its x and y" in refusal(Anchor(), plain)
    assert "go together" in refusal(Anchor(), replace(plain, x=4))
    assert place(Anchor(), replace(plain, x=-4, y=7)) == [Window(row=7, col=-4, height=2, width=3)]


def test_a_hundredth_of_a_cell_off_the_grid_is_rounding_more_is_refused() -> None:
    assert place(ANCHORED, moved(3.009, -2.009)) == [Window(row=-2, col=3, height=100, width=200)]
    assert "cells off the terrain's grid" in refusal(ANCHORED, moved(3.02, 0))
    assert "cells off the terrain's grid" in refusal(ANCHORED, moved(3, 0.5))


def test_cells_that_drift_apart_over_the_tile_are_refused_with_both_sizes() -> None:
    fine = replace(TILE, transform=Affine(30.0 * (1 + 0.009 / 200), 0, 600000, 0, -30.0, 5200000))
    assert place(ANCHORED, fine) == [Window(row=0, col=0, height=100, width=200)]
    coarse = replace(TILE, transform=Affine(30.0 * (1 + 0.011 / 200), 0, 600000, 0, -30.0, 5200000))
    reason = refusal(ANCHORED, coarse)
    assert "30.0" in reason
    assert "drift" in reason


def test_another_crs_is_refused_naming_both() -> None:
    reason = refusal(ANCHORED, replace(TILE, crs="EPSG:32632"))
    assert "EPSG:32632" in reason
    assert "EPSG:32633" in reason


def test_the_same_crs_in_other_words_is_the_same() -> None:
    other_words = replace(TILE, crs="+proj=utm +zone=33 +datum=WGS84 +type=crs")
    assert place(ANCHORED, other_words) == [Window(row=0, col=0, height=100, width=200)]


def test_a_tile_without_crs_takes_the_terrains() -> None:
    assert place(ANCHORED, replace(TILE, crs=None)) == [Window(row=0, col=0, height=100, width=200)]


def test_a_crs_cannot_come_after_tiles_that_had_none() -> None:
    assert "terrain's is none" in refusal(Anchor(transform=GROUND), TILE, has_tiles=True)
    assert place_tiles(Anchor(transform=GROUND), [TILE], has_tiles=False)[0] == ANCHORED


def test_given_x_and_y_must_agree_with_the_transform() -> None:
    assert place(ANCHORED, moved(5, 6, x=5, y=6)) == [Window(row=6, col=5, height=100, width=200)]
    assert "x=5, y=7 were given, its transform says x=5, y=6" in refusal(ANCHORED, moved(5, 6, x=5, y=7))


def test_a_georeferenced_tile_joins_unreferenced_ones_only_with_x_and_y() -> None:
    assert "tie them together" in refusal(Anchor(), TILE, has_tiles=True)
    anchor, _ = place_tiles(Anchor(), [replace(TILE, x=1, y=1)], has_tiles=True)
    assert anchor.transform == GROUND @ Affine.translation(-1, -1)


def test_one_refused_tile_does_not_hide_the_others() -> None:
    places = place(ANCHORED, moved(0.5, 0), moved(1, 0), moved(0.5, 0))
    assert [type(each) for each in places] == [PlacementRefused, Window, PlacementRefused]


@pytest.mark.parametrize(
    ("ground", "own"),
    [
        (GROUND, Affine(30.0, 0, 1e308, 0, -30.0, 0)),
        (Affine(1.0, 0, -1e308, 0, -1.0, 0), Affine(1.0, 0, 1e308, 0, -1.0, 0)),
        (Affine(5e-324, 0, 0, 0, -5e-324, 0), Affine(5e-324, 0, 1, 0, -5e-324, 0)),
        (Affine(1.0, 0, 0, 0, -1.0, 0), Affine(1.0, 0, 0, 0, -1.0, -(2.0**53))),
    ],
)
def test_a_tile_so_far_off_that_it_has_no_place_is_refused(ground: Affine, own: Affine) -> None:
    assert "too far off" in refusal(Anchor(transform=ground), replace(TILE, transform=own, crs=None))


def test_a_tile_at_the_end_of_whole_numbers_has_a_place() -> None:
    far = replace(TILE, transform=Affine(1.0, 0, 2.0**53 - 1, 0, -1.0, 0), crs=None)
    (window,) = place(Anchor(transform=Affine(1.0, 0, 0, 0, -1.0, 0)), far)
    assert isinstance(window, Window)
    assert window.col == 2**53 - 1


def test_a_refused_tile_fixes_no_anchor() -> None:
    anchor, places = place_tiles(Anchor(crs="EPSG:32632"), [TILE, replace(TILE, crs=None)], has_tiles=False)
    assert [type(each) for each in places] == [PlacementRefused, Window]
    assert anchor == Anchor(transform=GROUND, crs="EPSG:32632")


def test_a_georeferenced_tile_may_follow_x_and_y_of_the_same_registration() -> None:
    plain = Placing(source="a.npy", height=2, width=3, x=0, y=0)
    _, places = place_tiles(Anchor(), [plain, TILE], has_tiles=False)
    assert isinstance(places[1], PlacementRefused)
    anchor, places = place_tiles(Anchor(), [TILE, plain], has_tiles=False)
    assert anchor == ANCHORED
    assert places[1] == Window(row=0, col=0, height=2, width=3)


def test_the_drift_of_a_long_tile_counts_over_its_length() -> None:
    stretched = Affine(30.0, 0, 600000, 0, -30.0 * (1 + 1e-4), 5200000)
    assert place(ANCHORED, replace(TILE, transform=stretched)) == [
        Window(row=0, col=0, height=100, width=200)
    ]
    assert "drift" in refusal(ANCHORED, replace(TILE, transform=stretched, height=101))


@pytest.mark.parametrize(
    "transform",
    [
        [1.0, 0.1, 0.0, 0.0, -1.0, 0.0],
        [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0],
        [float("inf"), 0.0, 0.0, 0.0, -1.0, 0.0],
        [1.0, 0.0, float("nan"), 0.0, -1.0, 0.0],
    ],
)
def test_only_north_up_anchors_can_be_declared(transform: list[float]) -> None:
    with pytest.raises(GridInvalid, match="anchor_transform"):
        declared_anchor(transform, None)


def test_an_unknown_crs_is_refused() -> None:
    with pytest.raises(GridInvalid, match="not a coordinate reference system"):
        declared_anchor(None, "EPSG:notacode")


def test_a_declared_extent_becomes_cells() -> None:
    extent = Extent(600000 - 60, 5200000 - 90, 600000 + 30, 5200000)
    assert declared_window(ANCHORED, extent) == Window(row=0, col=-2, height=3, width=3)
    assert declared_window(Anchor(), Extent(0, -5, 7, 0)) == Window(row=0, col=0, height=5, width=7)


@pytest.mark.parametrize("extent", [Extent(0, -5, 7.5, 0), Extent(0, 0, 7, 0), Extent(7, -5, 0, 0)])
def test_a_declared_extent_off_the_grid_or_empty_is_refused(extent: Extent) -> None:
    with pytest.raises(GridInvalid, match="extent"):
        declared_window(Anchor(), extent)


@pytest.mark.parametrize("edge", [float("inf"), -float("inf"), float("nan"), 1e300])
def test_a_declared_extent_without_end_is_refused(edge: float) -> None:
    for extent in (
        Extent(edge, -5, 7, 0),
        Extent(0, edge, 7, 0),
        Extent(0, -5, edge, 0),
        Extent(0, -5, 7, edge),
    ):
        with pytest.raises(GridInvalid, match="extent"):
            declared_window(ANCHORED, extent)


def test_tiles_outside_the_declared_extent_are_refused() -> None:
    declared = Window(row=0, col=0, height=5, width=7)
    check_inside(declared, "a", Window(row=0, col=0, height=5, width=7))
    with pytest.raises(PlacementRefused, match="leave the terrain's declared extent"):
        check_inside(declared, "a", Window(row=0, col=1, height=5, width=7))


def test_a_mistyped_tile_is_caught_by_the_limit_of_cells() -> None:
    check_size(Window(row=0, col=0, height=10, width=10), 100)
    with pytest.raises(TerrainTooLarge, match="mistyped"):
        check_size(Window(row=0, col=0, height=10, width=11), 100)
