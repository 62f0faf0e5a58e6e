"""One text for each CRS, extents in degrees."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pyproj import CRS, Transformer

from opened_files import watch_openings
from raster.crs import canonical_crs, ground_extents, is_y_first, lonlat_extent, same_crs
from raster.errors import GridInvalid
from raster.grid import Extent

EXTENT = Extent(500000, 5000000, 600000, 5100000)


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


@pytest.mark.parametrize(
    ("crs", "expected"),
    [
        ("EPSG:4326", True),
        ("OGC:CRS84", False),
        ("EPSG:32632", False),
        ("EPSG:2193", True),
        ("EPSG:3031", False),  # both axes run north, and so do those of the next ones
        ("EPSG:3413", False),
        ("EPSG:32761", True),
        ("EPSG:5042", False),
    ],
)
def test_which_coordinate_is_first_is_as_proj_has_it(crs: str, expected: bool) -> None:
    assert is_y_first(crs) is expected
    place = 170.0, -75.0
    own = Transformer.from_crs("OGC:CRS84", crs).transform(*place)
    plain = Transformer.from_crs("OGC:CRS84", crs, always_xy=True).transform(*place)
    assert own == (plain[::-1] if expected else plain)


@pytest.mark.parametrize("ellipsoid", ["WGS84", "GRS80"])
def test_a_crs_that_only_resembles_one_with_a_code_is_not_taken_for_it(ellipsoid: str) -> None:
    text = f"+proj=utm +zone=33 +ellps={ellipsoid} +type=crs"  # of an unknown datum
    assert CRS(text).to_authority() is not None
    assert canonical_crs(text).startswith("PROJCRS[")


@pytest.mark.parametrize(
    "text",
    ["bananas", "", "\0", "\ud800", "[", "{}", "EPSG:", "EPSG:-1", "EPSG:99999999999999999999", "+proj=",
     "+proj=pipeline +step +proj=utm", "(" * 100_000],
    ids=lambda text: ascii(text)[:30],
)  # fmt: skip
def test_what_is_no_crs_is_refused_by_name(text: str) -> None:
    with pytest.raises(GridInvalid, match="is not a coordinate reference system") as refused:
        canonical_crs(text)
    assert refused.value.field == "crs"
    assert repr(text[:80]) in refused.value.reason
    assert len(refused.value.reason) < 1000


@pytest.mark.parametrize("text", ["EPSG:5773", "EPSG:4978"], ids=["heights", "from the centre of the Earth"])
def test_axes_that_are_no_map_are_refused(text: str) -> None:
    with pytest.raises(GridInvalid, match=f"'{text}' has heights or the Earth's centre"):
        canonical_crs(text)


@pytest.mark.parametrize("text", ["EPSG:7415", "EPSG:9518", "EPSG:4979", 'LOCAL_CS["site",UNIT["metre",1]]'])
def test_a_map_with_heights_above_it_and_a_local_one_are_taken(text: str) -> None:
    canonical = canonical_crs(text)
    assert same_crs(canonical, text)
    assert canonical_crs(canonical) == canonical


GEOGRAPHIC = """GEOGCRS["{name}",DATUM["{datum}",ELLIPSOID["WGS 84",6378137,298.257223563]],CS[ellipsoidal,2],
AXIS["lat",north],AXIS["lon",east],ANGLEUNIT["degree",0.0174532925199433]]"""
SHIFTED = (
    f"BOUNDCRS[SOURCECRS[{GEOGRAPHIC.format(name='x', datum='d')}],"
    f"TARGETCRS[{GEOGRAPHIC.format(name='WGS 84', datum='World Geodetic System 1984')}],"
    'ABRIDGEDTRANSFORMATION["t",METHOD["NTv2",ID["EPSG",9615]],'
    'PARAMETERFILE["Latitude and longitude difference file","{file}"]]]'
)
CONVERTED = f"""PROJCRS["x",BASE{GEOGRAPHIC.format(name="WGS 84", datum="World Geodetic System 1984")},
CONVERSION["c",METHOD["{{method}}"]],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]"""
WKT1 = """GEOGCS["x",DATUM["d",SPHEROID["s",6378137,298.25],EXTENSION["PROJ4_GRIDS","{file}"]],
PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]"""
UTM = "+proj=utm +zone=33 +ellps=intl +type=crs"
FILES = {
    "init": "+init={file}:1",
    "init without plus": "init={file}:1",
    "grid": f"{UTM} +nadgrids={{file}}",
    "grid that may be missing": f"{UTM} +nadgrids=@{{file}}",
    "second grid": f"{UTM} +nadgrids=conus,{{file}}",
    "vertical grid": f"{UTM} +geoidgrids={{file}}",
    "quoted grid": f'{UTM} +nadgrids="{{file}}"',
    "grid after a space": f"{UTM} +nadgrids = {{file}}",
    "grid of a step": "+proj=hgridshift +grids={file} +type=crs",
    "file of a step": "+proj=tinshift +file={file} +type=crs",
    "WKT": SHIFTED,
    "WKT1": WKT1,
    "method in WKT": CONVERTED.replace("{method}", "PROJ hgridshift grids={file}"),
    "steps in WKT": CONVERTED.replace(
        "{method}", "PROJ-based operation method: +proj=pipeline +step +proj=tinshift +file={file}"
    ),
}


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    path = tmp_path / "canary"
    path.write_text("<1> +proj=longlat +datum=WGS84 <>\n")
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="inotify tells which files are opened")
@pytest.mark.parametrize(
    ("text", "is_json"),
    [pytest.param(text, False, id=name) for name, text in FILES.items()]
    + [
        pytest.param(FILES[name], True, id=f"{name} in PROJJSON") for name in ("grid", "WKT", "method in WKT")
    ],
)
def test_no_crs_makes_proj_open_a_file_of_its_choice(canary: Path, text: str, is_json: bool) -> None:
    named = text.format(file=canary)
    given = CRS.from_user_input(named).to_json() if is_json else named
    with watch_openings(canary.parent) as opened:
        for use in (
            canonical_crs,
            lambda crs: same_crs("EPSG:4326", crs),
            lambda crs: lonlat_extent(EXTENT, crs),
        ):
            with pytest.raises(GridInvalid, match="names a file"):
                use(given)
    assert not opened


@pytest.mark.parametrize("shift", ["+towgs84=1,2,3", "+nadgrids=@null"])
def test_shifts_without_a_file_of_ones_own_are_taken(shift: str) -> None:
    assert lonlat_extent(EXTENT, canonical_crs(f"{UTM} {shift}")) is not None


def test_extents_are_told_in_degrees() -> None:
    extent = lonlat_extent(EXTENT, "EPSG:32633")
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


@pytest.mark.parametrize(
    "crs", ['LOCAL_CS["site",UNIT["metre",1]]', "IAU_2015:49900"], ids=["a site", "Mars"]
)
def test_what_lies_nowhere_on_earth_has_no_degrees(crs: str) -> None:
    assert lonlat_extent(Extent(0, 0, 10, 10), crs) is None
    assert ground_extents(Extent(5, 45, 10, 50), crs) == []


def test_a_place_that_a_projection_cannot_reach_has_no_degrees() -> None:
    assert lonlat_extent(Extent(1e30, 1e30, 2e30, 2e30), "EPSG:32633") is None


def test_degrees_lie_in_a_turn_to_either_side_in_a_geographic_crs() -> None:
    west, here, east = ground_extents(Extent(5, 45, 10, 50), "EPSG:4326")
    assert (west, here, east) == (Extent(-355, 45, -350, 50), Extent(5, 45, 10, 50), Extent(365, 45, 370, 50))
    west, here, east = ground_extents(Extent(5, 45, 10, 50), "EPSG:4807")  # grads from Paris
    assert here.left == pytest.approx((5 - 2.3372) / 0.9, abs=0.01)
    assert east.left - here.left == pytest.approx(400)


def test_degrees_are_found_once_on_a_map() -> None:
    (found,) = ground_extents(Extent(15, 45.2, 15.1, 46), "EPSG:32633")
    assert found.left == pytest.approx(500000, abs=1)
    assert 5_000_000 < found.bottom < found.top < 5_110_000
