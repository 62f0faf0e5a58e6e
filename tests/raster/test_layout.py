"""What a group says of itself, attribute by attribute; `tests/test_readers.py` has it read by others."""

from __future__ import annotations

import base64
import json
import math
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS

from raster.grid import Grid
from raster.layout import (
    Description,
    array_attributes,
    coordinate_attributes,
    level_attributes,
    root_attributes,
    spatial_ref_attributes,
)
from raster.metrics.interface import VALUE, StoredArray, Unit

ALPS = Description(
    name="alps",
    metric="max",
    cell_methods="area: maximum",
    is_stepwise=False,
    generation="g1",
    title="The Alps",
    unit="m",
    vertical_datum="EGM2008",
    attribution="Somebody",
    license="CC-BY-4.0",
)
UNKNOWN = Description(
    name="x", metric="median", cell_methods="area: median", is_stepwise=True, generation="g2"
)

UTM = Grid(height=5, width=3, transform=Affine(10.0, 0.0, 500000.0, 0.0, -20.0, 5000000.0), crs="EPSG:32633")
DEGREES = replace(UTM, transform=Affine(0.5, 0.0, 7.0, 0.0, -0.25, 47.0), crs="EPSG:4326")
NOWHERE = Grid(height=5, width=3)
WKT_ONLY = replace(
    UTM, crs=CRS("+proj=tmerc +lon_0=77.5 +lat_0=1 +datum=WGS84 +type=crs").to_wkt("WKT2_2019")
)
GRIDS = {"utm": UTM, "degrees": DEGREES, "nowhere": NOWHERE, "by WKT": WKT_ONLY}
ON_EVERY_GRID = pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)


def stored(
    name: str = VALUE, dtype: str = "int16", nodata: float | None = -32768, unit: Unit = "terrain"
) -> StoredArray:
    return StoredArray(
        name=name, dtype=np.dtype(dtype), nodata=nodata, fill=0, long_name=f"{name} of elevation", unit=unit
    )


# CF


@pytest.mark.parametrize(
    ("unit", "of_terrain", "expected"),
    [
        ("terrain", "m", "m"), ("terrain", "ft", "ft"), ("terrain", None, None),
        ("terrain squared", "m", "(m)^2"), ("terrain squared", "0.1 m", "(0.1 m)^2"),
        ("terrain squared", None, None),
        ("1", "m", "1"), ("1", None, "1"),
    ],
)  # fmt: skip
def test_an_array_has_the_unit_its_metric_gives_it(
    unit: Unit, of_terrain: str | None, expected: str | None
) -> None:
    attributes = array_attributes(stored(unit=unit), UTM, replace(ALPS, unit=of_terrain))
    assert attributes.get("units") == expected


def test_only_the_values_say_what_was_done_to_cells() -> None:
    assert array_attributes(stored(), UTM, ALPS)["cell_methods"] == "area: maximum"
    part = array_attributes(stored("count", "uint32", None), UTM, ALPS)
    assert "cell_methods" not in part
    assert part["long_name"] == "count of elevation"


@pytest.mark.parametrize("nodata", [-32768, 0, 255, -(2**63)])
def test_integers_have_their_nodata_as_a_number(nodata: int) -> None:
    fill = array_attributes(stored(dtype="int64", nodata=nodata), UTM, ALPS)["_FillValue"]
    assert (fill, type(fill)) == (nodata, int)


@pytest.mark.parametrize("nodata", [math.nan, -9999.0])
def test_floats_have_their_nodata_as_xarray_encodes_it(nodata: float) -> None:
    fill = array_attributes(stored(dtype="float32", nodata=nodata), UTM, ALPS)["_FillValue"]
    (found,) = struct.unpack("<d", base64.b64decode(fill))
    assert found == nodata or (math.isnan(found) and math.isnan(nodata))


def test_without_nodata_no_cell_is_said_to_be_missing() -> None:
    assert "_FillValue" not in array_attributes(stored(nodata=None), UTM, ALPS)


@ON_EVERY_GRID
def test_arrays_name_their_grid_mapping_and_the_cells_they_stand_for(grid: Grid) -> None:
    attributes = array_attributes(stored(), grid, ALPS)
    assert attributes["grid_mapping"] == attributes["coordinates"] == "spatial_ref"
    assert attributes["spatial:registration"] == "pixel"


KILOMETRES = "+proj=utm +zone=33 +datum=WGS84 +units=km +type=crs"


@pytest.mark.parametrize(
    ("crs", "name", "unit"),
    [
        (None, None, None),
        ("EPSG:4326", "latitude", "degrees_north"),
        ("EPSG:4807", "latitude", "0.01570796326794895 rad"),  # NTF (Paris), in grads
        ("EPSG:32633", "projection_y_coordinate", "m"),
        (KILOMETRES, "projection_y_coordinate", "km"),
        ("EPSG:2222", "projection_y_coordinate", "foot"),
        ("EPSG:2263", "projection_y_coordinate", "US_survey_foot"),
        ("EPSG:2314", "projection_y_coordinate", "0.3047972654 m"),  # Trinidad, in Clarke's feet
    ],
)
def test_axes_say_what_they_are_in_units_that_udunits_knows(
    crs: str | None, name: str | None, unit: str | None
) -> None:
    y, x = coordinate_attributes("y", crs), coordinate_attributes("x", crs)
    assert (y["axis"], x["axis"]) == ("Y", "X")
    assert (y.get("standard_name"), y.get("units")) == (name, unit)
    names = {"latitude": "longitude", "projection_y_coordinate": "projection_x_coordinate", None: None}
    assert x.get("standard_name") == names[name]
    assert x.get("units") == ("degrees_east" if unit == "degrees_north" else unit)


@ON_EVERY_GRID
def test_the_grid_mapping_has_the_transform_in_gdals_order(grid: Grid) -> None:
    numbers = [float(word) for word in spatial_ref_attributes(grid, None)["GeoTransform"].split()]
    assert Affine.from_gdal(*numbers) == grid.transform


def test_the_grid_mapping_has_the_crs_and_the_vertical_datum() -> None:
    mapping = spatial_ref_attributes(UTM, "EGM2008")
    assert mapping["grid_mapping_name"] == "transverse_mercator"
    assert CRS.from_wkt(mapping["crs_wkt"]) == CRS.from_epsg(32633)
    assert mapping["geopotential_datum_name"] == "EGM2008"
    assert "geopotential_datum_name" not in spatial_ref_attributes(UTM, None)
    assert set(spatial_ref_attributes(NOWHERE, None)) == {"GeoTransform"}


# The root


def test_the_root_says_whose_it_is() -> None:
    attributes = root_attributes(ALPS, UTM)
    expected = {
        "title": "The Alps", "attribution": "Somebody", "license": "CC-BY-4.0", "vertical_datum": "EGM2008",
        "Conventions": "CF-1.11", "ziggurat": {"metric": "max", "stepwise": False, "generation": "g1"},
    }  # fmt: skip
    assert {key: attributes[key] for key in expected} == expected


def test_what_is_unknown_is_not_said() -> None:
    attributes = root_attributes(UNKNOWN, NOWHERE)
    assert attributes["title"] == "x"
    assert not attributes.keys() & {"attribution", "license", "vertical_datum", "proj:code", "proj:wkt2"}
    assert attributes["ziggurat"]["stepwise"] is True


@ON_EVERY_GRID
def test_levels_derive_from_each_other_by_the_metric_and_begin_at_one_corner(grid: Grid) -> None:
    multiscales = root_attributes(ALPS, grid)["multiscales"]
    assert multiscales["resampling_method"] == "max"
    first, *others = multiscales["layout"]
    assert not first.keys() & {"derived_from", "resampling_method"}
    assert first["transform"] == {"scale": [1.0, 1.0], "translation": [0.0, 0.0]}
    assert [each["derived_from"] for each in others] == ["0", "1", "2"]
    for each in others:
        assert each["resampling_method"] == "max"
        assert each["transform"] == {"scale": [2.0, 2.0], "translation": [0.0, 0.0]}
    assert [each["spatial:shape"] for each in multiscales["layout"]] == [[5, 3], [3, 2], [2, 1], [1, 1]]
    t = grid.transform
    for level, each in enumerate(multiscales["layout"]):
        assert each["spatial:transform"] == [t.a * 2**level, 0.0, t.c, 0.0, t.e * 2**level, t.f]


def test_the_extent_is_that_of_whole_cells() -> None:
    assert root_attributes(ALPS, UTM)["spatial:bbox"] == [500000.0, 4999900.0, 500030.0, 5000000.0]
    top = level_attributes(UTM.level(-1))  # one cell of 8 x 8 of 10 x 20 m
    assert top["spatial:bbox"] == [500000.0, 4999840.0, 500080.0, 5000000.0]
    assert top["spatial:shape"] == [1, 1]


@pytest.mark.parametrize(
    ("grid", "unit"),
    [
        (UTM, "meter"),
        (replace(UTM, crs=KILOMETRES), "kilometer"),
        (replace(UTM, crs="EPSG:2263"), "foot"),
        (replace(UTM, crs="EPSG:2314"), None),  # OME knows no Clarke's feet
        (DEGREES, None),
        (NOWHERE, None),
    ],
)
def test_ome_axes_have_a_unit_where_ome_has_one(grid: Grid, unit: str | None) -> None:
    (multiscale,) = root_attributes(ALPS, grid)["ome"]["multiscales"]
    named = {} if unit is None else {"unit": unit}
    assert multiscale["axes"] == [{"name": axis, "type": "space", **named} for axis in ("y", "x")]
    assert (multiscale["name"], multiscale["type"]) == ("alps", "max")


def test_ome_places_the_centres_of_cells() -> None:
    (multiscale,) = root_attributes(ALPS, UTM)["ome"]["multiscales"]
    placed = [(each["path"], *each["coordinateTransformations"]) for each in multiscale["datasets"]]
    for level, (path, scale, shift) in enumerate(placed):
        assert path == f"{level}/elevation"
        assert scale == {"type": "scale", "scale": [20.0 * 2**level, 10.0 * 2**level]}
        # from the centre of native cell (0, 0), in y and x
        assert shift == {"type": "translation", "translation": [10.0 * (2**level - 1), 5.0 * (2**level - 1)]}


# Conventions


def names(attributes: dict[str, Any]) -> list[str]:
    return [each["name"] for each in attributes["zarr_conventions"]]


@ON_EVERY_GRID
def test_every_node_declares_the_conventions_it_follows(grid: Grid) -> None:
    placed = ["spatial", "proj"] if grid.crs else ["spatial"]
    root = root_attributes(ALPS, grid)
    assert names(root) == ["multiscales", *placed]
    assert all(each.keys() >= {"uuid", "schema_url", "spec_url"} for each in root["zarr_conventions"])
    for node in (level_attributes(grid), array_attributes(stored(), grid, ALPS)):
        assert names(node) == placed
        assert node["spatial:dimensions"] == root["spatial:dimensions"] == ["y", "x"]
        assert node["spatial:shape"] == [5, 3]
        assert node["spatial:transform"] == list(grid.transform[:6])


def test_a_crs_is_told_by_code_and_wkt_where_it_has_a_code_and_by_wkt_where_not() -> None:
    for crs, node in (
        (UTM.crs, root_attributes(ALPS, UTM)),
        (UTM.crs, array_attributes(stored(), UTM, ALPS)),
    ):
        assert node["proj:code"] == crs
        assert CRS.from_wkt(node["proj:wkt2"]) == CRS.from_epsg(32633)
    assert "proj:wkt2" not in level_attributes(UTM)  # once a level is enough
    for node in (root_attributes(ALPS, WKT_ONLY), level_attributes(WKT_ONLY)):
        assert "proj:code" not in node
        assert node["proj:wkt2"] == WKT_ONLY.crs


@ON_EVERY_GRID
def test_all_of_it_is_json_that_every_reader_takes(grid: Grid) -> None:
    for level in range(grid.level_count):
        own = grid.level(level)
        for attributes in (
            root_attributes(ALPS, own),
            level_attributes(own),
            array_attributes(stored(dtype="float64", nodata=math.nan), own, ALPS),
            spatial_ref_attributes(own, "EGM2008"),
            coordinate_attributes("x", own.crs),
        ):
            assert json.loads(json.dumps(attributes, allow_nan=False)) == attributes
