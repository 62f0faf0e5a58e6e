"""Documents about a terrain's maps: as the standards have them, right at the antimeridian, safe as HTML."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import morecantile
import pytest
from affine import Affine
from pyproj import CRS

from catalog.models import Generation, Terrain
from raster.grid import Grid, Window
from raster.map_tiles.errors import TerrainNotOnMap
from service.map_documents import MapOf, tile_json, tileset, tileset_list
from service.rendering.errors import HeightUnitUnknown
from service.rendering.style_words import parse_style

BASE = "https://maps.example.org/"
GENERATION = "g20260704t120000000000-0a1b2c3d"

TILE_JSON_SCHEMA = {
    # that of TileJSON 3.0.0, without `vector_layers`: its text has them of vector tiles only
    "type": "object",
    "required": ["tilejson", "tiles"],
    "properties": {
        "tilejson": {"type": "string", "pattern": r"^3\.\d+\.\d+$"},
        "tiles": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "pattern": r"^https?://.*\{z\}/\{x\}/\{y\}"},
        },
        "name": {"type": "string"},
        "description": {"type": "string"},
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
        "attribution": {"type": "string"},
        "scheme": {"enum": ["xyz", "tms"]},
        "minzoom": {"type": "integer", "minimum": 0, "maximum": 30},
        "maxzoom": {"type": "integer", "minimum": 0, "maximum": 30},
        "bounds": {
            "type": "array",
            "minItems": 4,
            "maxItems": 4,
            "prefixItems": [
                {"type": "number", "minimum": low, "maximum": -low} for low in (-180, -90, -180, -90)
            ],
        },
        "center": {"type": "array", "minItems": 3, "maxItems": 3, "items": {"type": "number"}},
        "tileSize": {"enum": [256, 512]},
        "encoding": {"enum": ["mapbox", "terrarium"]},
        "emptyResponse": {"enum": ["blank", "missing"]},
    },
    "additionalProperties": False,
}

TILESET_SCHEMA = {
    # OGC 20-057, requirement /req/tileset/success, and OGC 17-083r4, tile set metadata
    "type": "object",
    "required": ["title", "dataType", "crs", "links", "tileMatrixSet", "tileMatrixSetLimits"],
    "properties": {
        "dataType": {"const": "map"},
        "tileMatrixSetURI": {"type": "string", "pattern": "^http"},
        "tileMatrixSet": {
            "type": "object",
            "required": ["id", "crs", "tileMatrices"],
            "properties": {
                "tileMatrices": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "required": [
                            "id",
                            "scaleDenominator",
                            "cellSize",
                            "pointOfOrigin",
                            "tileWidth",
                            "tileHeight",
                            "matrixWidth",
                            "matrixHeight",
                        ],
                        "properties": {
                            "id": {"type": "string"},
                            "cellSize": {"type": "number", "exclusiveMinimum": 0},
                            "matrixWidth": {"type": "integer", "minimum": 1},
                            "matrixHeight": {"type": "integer", "minimum": 1},
                        },
                    },
                }
            },
        },
        "tileMatrixSetLimits": {
            "type": "array",
            "minItems": 1,
            "items": {
                "required": ["tileMatrix", "minTileRow", "maxTileRow", "minTileCol", "maxTileCol"],
                "properties": {"tileMatrix": {"type": "string"}},
            },
        },
        "links": {
            "type": "array",
            "items": {
                "required": ["rel", "href"],
                "properties": {"href": {"type": "string", "pattern": "^https://maps.example.org/"}},
            },
        },
    },
}

DEGREES = Grid(height=2401, width=4801, transform=Affine(1 / 1200, 0, 7, 0, -1 / 1200, 49), crs="EPSG:4326")
FIJI = Grid(height=100, width=200, transform=Affine(0.01, 0, 179, 0, -0.01, -16), crs="EPSG:4326")
UTM = Grid(height=2100, width=2600, transform=Affine(10, 0, 5e5, 0, -10, 5e6), crs="EPSG:32633")
NOWHERE = Grid(height=700, width=1300)


def map_of(grid: Grid = DEGREES, unit: str | None = "m", **terrain: Any) -> MapOf:
    generation = Generation(
        id=GENERATION,
        metric="max",
        height=grid.height,
        width=grid.width,
        transform=list(grid.transform[:6]),
        crs=grid.crs,
        unit=unit,
    )
    return MapOf(Terrain(name="rhine", **terrain), generation, "default", BASE)


def told(body: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(body.as_json())
    return document


@pytest.mark.parametrize("text", [None, "hillshade", "viridis;rescale=0,4000", "terrarium;border=1"])
@pytest.mark.parametrize("matrix_set", ["WebMercatorQuad", "WorldCRS84Quad", "native"])
def test_tile_json_is_as_its_schema_says(text: str | None, matrix_set: str) -> None:
    shown = map_of(title="Rhine", description="A valley", attribution="NASA")
    document = told(tile_json(shown, matrix_set, parse_style(text)))
    jsonschema.validate(document, TILE_JSON_SCHEMA, jsonschema.Draft202012Validator)
    assert document["name"] == "Rhine, max"
    style = text or "viridis"
    assert document["tiles"] == [
        f"{BASE}terrain/rhine/map/max@{GENERATION}/{matrix_set}/{style}/{{z}}/{{x}}/{{y}}.png"
    ]
    assert document["tileSize"] == 256
    assert document["bounds"] == pytest.approx([7, 49 - 2401 / 1200, 7 + 4801 / 1200, 49])


@pytest.mark.parametrize(
    ("text", "encoding"), [("terrain-rgb", "mapbox"), ("terrarium", "terrarium"), ("slope", None)]
)
def test_tile_json_names_the_encoding_of_heights(text: str, encoding: str | None) -> None:
    assert told(tile_json(map_of(), "WebMercatorQuad", parse_style(text))).get("encoding") == encoding


def test_zooms_are_from_the_coarsest_to_the_terrains_own() -> None:
    document = told(tile_json(map_of(), "WebMercatorQuad", parse_style(None)))
    assert (document["minzoom"], document["maxzoom"]) == (0, 11)
    lon, lat, zoom = document["center"]
    assert (lon, lat) == pytest.approx((7 + 4801 / 2400, 49 - 2401 / 2400))
    assert 5 <= zoom <= 8


def test_bounds_do_not_wrap_around_the_antimeridian_and_the_centre_lies_on_the_terrain() -> None:
    document = told(tile_json(map_of(FIJI), "WebMercatorQuad", parse_style(None)))
    jsonschema.validate(document, TILE_JSON_SCHEMA, jsonschema.Draft202012Validator)
    assert document["bounds"] == pytest.approx([-180, -17, 180, -16])
    assert abs(document["center"][0]) == pytest.approx(180)
    assert document["center"][2] > 4


def test_a_globe_has_its_centre_in_the_middle() -> None:
    globe = Grid(height=18, width=36, transform=Affine(10, 0, -180, 0, -10, 90), crs="EPSG:4326")
    document = told(tile_json(map_of(globe), "WorldCRS84Quad", parse_style(None)))
    assert document["bounds"] == [-180, -90, 180, 90]
    assert document["center"] == [0, 0, 0]


def test_a_terrain_without_crs_has_tiles_and_no_bounds() -> None:
    document = told(tile_json(map_of(NOWHERE), "native", parse_style(None)))
    assert "bounds" not in document
    assert "center" not in document
    assert document["maxzoom"] == 11
    with pytest.raises(TerrainNotOnMap):
        tile_json(map_of(NOWHERE), "WebMercatorQuad", parse_style(None))


def test_an_attribution_is_no_part_of_a_page() -> None:
    shown = map_of(attribution='© <img src=x onerror="steal()"> & Co')
    document = told(tile_json(shown, "native", parse_style(None)))
    assert document["attribution"] == '© &lt;img src=x onerror="steal()"&gt; &amp; Co'


@pytest.mark.parametrize("unit", [None, "1"])
def test_encodings_of_an_unknown_unit_are_refused_at_once(unit: str | None) -> None:
    for document in (tile_json, tileset):
        with pytest.raises(HeightUnitUnknown):
            document(map_of(unit=unit), "native", parse_style("terrarium"))


@pytest.mark.parametrize("matrix_set", ["WebMercatorQuad", "WorldCRS84Quad", "native"])
@pytest.mark.parametrize("grid", [DEGREES, FIJI], ids=["rhine", "antimeridian"])
def test_a_tileset_is_as_the_standard_says(matrix_set: str, grid: Grid) -> None:
    document = told(tileset(map_of(grid), matrix_set, None))
    jsonschema.validate(document, TILESET_SCHEMA, jsonschema.Draft202012Validator)
    ids = {each["id"] for each in document["tileMatrixSet"]["tileMatrices"]}
    limits = document["tileMatrixSetLimits"]
    assert {each["tileMatrix"] for each in limits} <= ids
    for each in limits:
        assert each["minTileRow"] <= each["maxTileRow"]
        assert each["minTileCol"] <= each["maxTileCol"]
    box = document["boundingBox"]
    assert box["crs"].endswith("CRS84")
    assert (box["lowerLeft"][0] > box["upperRight"][0]) is (grid is FIJI)


def test_a_tileset_has_templated_links_to_its_pictures() -> None:
    document = told(tileset(map_of(), "WebMercatorQuad", parse_style("hillshade")))
    items = {link["type"]: link for link in document["links"] if link["rel"] == "item"}
    drawn = f"{BASE}terrain/rhine/map/max@{GENERATION}/WebMercatorQuad/hillshade"
    assert items["image/png"]["href"] == f"{drawn}/{{tileMatrix}}/{{tileCol}}/{{tileRow}}.png"
    assert all(link["templated"] for link in items.values())
    rels = {link["rel"] for link in document["links"]}
    assert {"self", "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"} <= rels
    self_link = next(link for link in document["links"] if link["rel"] == "self")
    # who keeps the address is told of newer generations
    assert self_link["href"] == f"{BASE}terrain/rhine/map/default/WebMercatorQuad/hillshade"


def test_the_list_has_the_sets_the_terrain_lies_on() -> None:
    ids = [link["href"].rpartition("/")[2] for link in links_of(told(tileset_list(map_of())))]
    assert ids[0] == "native"
    assert {"WebMercatorQuad", "WorldCRS84Quad", "EuropeanETRS89_LAEAQuad"} <= set(ids)
    assert "NZTM2000Quad" not in ids
    nowhere = links_of(told(tileset_list(map_of(NOWHERE))))
    assert [link["href"].rpartition("/")[2] for link in nowhere] == ["native"]


def links_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    for each in document["tilesets"]:
        assert each["dataType"] == "map"
        assert each["crs"]
    return [link for each in document["tilesets"] for link in each["links"] if link["rel"] == "self"]


def test_native_matrices_are_the_levels_from_the_coarsest() -> None:
    document = told(tileset(map_of(NOWHERE), "native", None))
    matrices = document["tileMatrixSet"]["tileMatrices"]
    assert [each["cellSize"] for each in matrices] == [2.0 ** (11 - z) for z in range(12)]
    assert (matrices[-1]["matrixWidth"], matrices[-1]["matrixHeight"]) == (6, 3)
    assert "boundingBox" not in document


def test_native_matrices_begin_where_the_crs_counts_from() -> None:
    degrees = told(tileset(map_of(), "native", None))["tileMatrixSet"]["tileMatrices"][0]
    assert degrees["pointOfOrigin"] == [49, 7], "EPSG:4326 has the latitude first"
    oblong = Grid(height=9, width=9, transform=Affine(20, 0, 5e5, 0, -10, 5e6), crs="EPSG:32633")
    metres = told(tileset(map_of(oblong), "native", None))["tileMatrixSet"]["tileMatrices"][-1]
    assert metres["pointOfOrigin"] == [5e5, 5e6]
    assert (metres["cellSize"], metres["cellHeight"]) == (20, 10)
    assert metres["scaleDenominator"] == pytest.approx(20 / 0.00028)
    polar = Grid(height=9, width=9, transform=Affine(10, 0, -3e6, 0, -10, 2e6), crs="EPSG:3031")
    around = told(tileset(map_of(polar), "native", None))["tileMatrixSet"]["tileMatrices"][0]
    assert around["pointOfOrigin"] == [-3e6, 2e6], "both its axes run north, x first"


@pytest.mark.parametrize("grid", [DEGREES, UTM], ids=["degrees", "metres"])
def test_morecantile_finds_the_tiles_of_native_matrices_where_the_levels_are(grid: Grid) -> None:
    told_set = told(tileset(map_of(grid), "native", None))["tileMatrixSet"]
    read = morecantile.TileMatrixSet.model_validate(told_set)
    count = grid.level_count
    for z in (count - 1, count - 2):
        level = grid.level(count - 1 - z)
        bounds = read.xy_bounds(morecantile.Tile(1, 1, z))
        extent = level.part(Window(row=256, col=256, height=256, width=256)).extent
        expected = (extent.left, extent.bottom, extent.right, extent.top)
        assert bounds == pytest.approx(expected, rel=1e-12)


def test_a_crs_without_a_code_is_told_as_proj_json() -> None:
    text = "+proj=laea +lat_0=10 +lon_0=20 +datum=WGS84 +units=m"
    grid = Grid(height=9, width=9, transform=Affine(20, 0, 0, 0, -20, 0), crs=CRS(text).to_wkt("WKT2_2019"))
    crs = told(tileset(map_of(grid), "native", None))["crs"]
    assert CRS.from_json_dict(crs["wkt"]) == CRS(text)
