"""One text for each CRS, extents in degrees."""

from __future__ import annotations

import pytest
from pyproj import CRS

from raster.crs import canonical_crs, lonlat_extent, same_crs
from raster.errors import GridInvalid
from raster.grid import Extent


@pytest.mark.parametrize(
    "text",
    ["EPSG:32633", CRS.from_epsg(32633).to_wkt("WKT1_GDAL"), "+proj=utm +zone=33 +datum=WGS84 +type=crs"],
)
def test_whatever_means_a_code_becomes_that_code(text: str) -> None:
    assert canonical_crs(text) == "EPSG:32633"


def test_a_crs_without_code_becomes_wkt2() -> None:
    assert canonical_crs("+proj=tmerc +lon_0=77.5 +lat_0=1 +datum=WGS84 +type=crs").startswith("PROJCRS[")


def test_axis_order_does_not_tell_crs_apart_the_zone_does() -> None:
    assert same_crs("EPSG:4326", "OGC:CRS84")
    assert not same_crs("EPSG:32632", "EPSG:32633")


def test_nonsense_is_refused_by_name() -> None:
    with pytest.raises(GridInvalid, match="bananas"):
        canonical_crs("bananas")


def test_extents_are_told_in_degrees() -> None:
    extent = lonlat_extent(Extent(500000, 5000000, 600000, 5100000), "EPSG:32633")
    assert extent is not None
    assert (round(extent.left, 2), round(extent.bottom, 2)) == (15.0, 45.15)


@pytest.mark.parametrize(
    ("extent", "expected"),
    [
        (Extent(178.9, 51, 181, 52), Extent(178.9, 51, -179, 52)),
        (Extent(-180.5, -90.5, 180.5, 90.5), Extent(-180, -90, 180, 90)),
        (Extent(7, 47, 11, 49), Extent(7, 47, 11, 49)),
    ],
)
def test_longitudes_wrap_at_the_antimeridian(extent: Extent, expected: Extent) -> None:
    assert lonlat_extent(extent, "EPSG:4326") == expected
