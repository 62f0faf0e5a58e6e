"""From documents to pictures over HTTP: what TileJSON and tilesets name is there, and is what they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.windows import Window

from installations import Installation
from pictures import decoded, heights_of, indices_of
from rest import AppClient, Client, add_golden, add_terrain, open_client, opened_files, problem_in, serve

PLACE = Affine(1 / 1200, 0, 8.0, 0, -1 / 1200, 47.5)
SHAPE = 480, 700


def hills() -> np.ndarray:
    rows, cols = np.indices(SHAPE)
    return (1500 + 900 * np.sin(rows / 60) * np.cos(cols / 80)).astype(np.float32)


def build(client: Client, terrain: str, metric: str = "max") -> None:
    answer = client.post(f"/terrain/{terrain}/pyramid/{metric}", headers={"Prefer": "wait=30"})
    assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def client(shared_installation: Installation) -> Iterator[AppClient]:
    """A service with a terrain in metres, one without a unit, and the golden one, which lies nowhere."""
    np.save(shared_installation.tiles / "hills.npy", hills())
    tile = {"url": shared_installation.offer_tile("hills.npy"), "x": 0, "y": 0}
    with open_client(shared_installation) as client:
        for name, unit in (("hills", "m"), ("unknown", None)):
            place = {"crs": "EPSG:4326", "anchor_transform": list(PLACE[:6])}
            add_terrain(
                client, name, tile, unit=unit, attribution="Survey <of hills>", title="Hills", **place
            )
            build(client, name)
        build(client, "hills", "mean")
        add_golden(shared_installation, client)
        build(client, "golden")
        yield client


def document(client: AppClient, path: str) -> dict[str, Any]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def generation_of(client: AppClient, terrain: str, metric: str) -> str:
    return str(document(client, f"/terrain/{terrain}/pyramid/{metric}")["generation"])


def centre_tile(told: dict[str, Any], z: int) -> str:
    """The address of the tile in the middle of what TileJSON says."""
    lon, lat, _ = told["center"]
    x = int((lon + 180) / 360 * 2**z)
    y = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * 2**z)
    template: str = told["tiles"][0]
    return template.format(z=z, x=x, y=y)


@pytest.mark.parametrize("metric", ["max", "mean", "default"])
def test_tiles_of_tile_json_are_those_of_the_generation_for_ever(client: AppClient, metric: str) -> None:
    told = document(client, f"/terrain/hills/map/{metric}/WebMercatorQuad/hillshade/tilejson.json")
    name = "mean" if metric == "default" else metric
    address = f"http://ziggurat/terrain/hills/map/{name}@{generation_of(client, 'hills', name)}/"
    assert told["tiles"][0].startswith(address)
    tile = client.get(centre_tile(told, told["maxzoom"]))
    assert tile.status_code == 200
    assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert tile.headers["content-type"] == "image/png"
    assert len(np.unique(indices_of(tile.content))) > 20
    assert told["attribution"] == "Survey &lt;of hills&gt;"


@pytest.mark.parametrize("zoom", ["center", "maxzoom"])
@pytest.mark.parametrize(
    "style", ["", "terrain/", "viridis;rescale=0,3000/", "hillshade;azimuth=90/", "slope/", "magma/"]
)
def test_every_style_has_a_tile_json_whose_tiles_are_pictures(
    client: AppClient, style: str, zoom: str
) -> None:
    told = document(client, f"/terrain/hills/map/max/WebMercatorQuad/{style}tilejson.json")
    assert "encoding" not in told
    tile = client.get(centre_tile(told, told["center"][2] if zoom == "center" else told["maxzoom"]))
    picture = decoded(tile.content)
    assert picture.shape == (told["tileSize"], told["tileSize"], 4)
    assert picture[..., 3].any()


@pytest.mark.parametrize(("style", "encoding"), [("terrain-rgb", "mapbox"), ("terrarium", "terrarium")])
@pytest.mark.parametrize("border", [0, 1])
def test_encoded_heights_of_the_tiles_are_those_of_the_terrain(
    client: AppClient, style: str, encoding: str, border: int
) -> None:
    told = document(client, f"/terrain/hills/map/max/WebMercatorQuad/{style};border={border}/tilejson.json")
    assert told["encoding"] == encoding
    address = centre_tile(told, told["maxzoom"])
    heights = heights_of(client.get(address).content, encoding)
    expected = hills_under(address, border)
    assert heights.shape == expected.shape
    inside = ~np.isnan(expected)
    assert inside.sum() > 10_000
    # between cells the terrain is no plane
    assert abs(heights - expected)[inside].max() < 2


def hills_under(address: str, border: int) -> np.ndarray:
    """The hills as a formula, at the centres of a tile's cells; NaN outside and at the edge."""
    z, x, y = map(int, address.removesuffix(".png").split("/")[-3:])
    cells = (np.arange(-border, 256 + border) + 0.5) / 256
    lon = (x + cells) / 2**z * 360 - 180
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (y + cells) / 2**z))))
    cols, rows = (lon - PLACE.c) / PLACE.a - 0.5, (lat - PLACE.f) / PLACE.e - 0.5
    heights = 1500 + 900 * np.outer(np.sin(rows / 60), np.cos(cols / 80))
    outside = (rows < 1) | (rows > SHAPE[0] - 2)
    heights[outside] = np.nan
    heights[:, (cols < 1) | (cols > SHAPE[1] - 2)] = np.nan
    return heights


@pytest.mark.parametrize("matrix_set", ["WebMercatorQuad", "WorldCRS84Quad", "native"])
@pytest.mark.parametrize(("right", "down"), [(1, 0), (0, 1)])
def test_the_border_of_a_tile_is_its_neighbours_edge(
    client: AppClient, matrix_set: str, right: int, down: int
) -> None:
    told = document(client, f"/terrain/hills/map/max/{matrix_set}")
    finest = told["tileMatrixSetLimits"][-1]
    z, col, row = finest["tileMatrix"], finest["minTileCol"], finest["minTileRow"]
    one, other = (
        heights_of(
            client.get(f"/terrain/hills/map/max/{matrix_set}/terrarium;border=1/{z}/{x}/{y}.png").content,
            "terrarium",
        )
        for x, y in ((col, row), (col + right, row + down))
    )
    if right:
        one, other = one.T, other.T
    np.testing.assert_array_equal(one[-2:], other[:2])
    assert np.ptp(one[-2:]) > 10


def test_gdal_reads_the_heights_of_the_tiles_that_tile_json_names(installation: Installation) -> None:
    np.save(installation.tiles / "hills.npy", hills())
    tile = {"url": installation.offer_tile("hills.npy"), "x": 0, "y": 0}
    place = {"crs": "EPSG:4326", "anchor_transform": list(PLACE[:6])}
    with serve(installation) as address, httpx.Client(base_url=address) as client:
        add_terrain(client, "hills", tile, unit="m", **place)
        build(client, "hills")
        told = client.get("/terrain/hills/map/max/WebMercatorQuad/terrarium/tilejson.json").json()
        tile_address = centre_tile(told, told["maxzoom"])
        z, x, y = map(int, tile_address.removesuffix(".png").split("/")[-3:])
        with rasterio.open(as_gdal_map(told)) as seen:
            red, green, blue = seen.read(window=Window(x * 256, y * 256, 256, 256)).astype(float)
    assert z == told["maxzoom"]
    heights, expected = red * 256 + green + blue / 256 - 32768, hills_under(tile_address, 0)
    inside = ~np.isnan(expected)
    assert abs(heights - expected)[inside].max() < 2


def as_gdal_map(told: dict[str, Any]) -> str:
    """A map of GDAL's, and so QGIS's, of what TileJSON says."""
    address = told["tiles"][0].replace("{", "${")
    edge = 20037508.342789244
    return f"""<GDAL_WMS>
        <Service name="TMS"><ServerUrl>{address}</ServerUrl></Service>
        <DataWindow>
          <UpperLeftX>{-edge}</UpperLeftX><UpperLeftY>{edge}</UpperLeftY>
          <LowerRightX>{edge}</LowerRightX><LowerRightY>{-edge}</LowerRightY>
          <TileLevel>{told["maxzoom"]}</TileLevel><TileCountX>1</TileCountX><TileCountY>1</TileCountY>
          <YOrigin>top</YOrigin>
        </DataWindow>
        <Projection>EPSG:3857</Projection><BandsCount>3</BandsCount>
        <BlockSizeX>{told["tileSize"]}</BlockSizeX><BlockSizeY>{told["tileSize"]}</BlockSizeY>
      </GDAL_WMS>"""


def test_heights_of_an_unknown_unit_have_no_encoding_and_the_problem_says_what_to_do(
    client: AppClient,
) -> None:
    for path in ("tilejson.json", "0/0/0.png"):
        answer = client.get(f"/terrain/unknown/map/max/WebMercatorQuad/terrain-rgb/{path}")
        problem = problem_in(answer, 409, "height-unit-unknown")
        assert problem["unit"] is None
        assert "PATCH" in problem["detail"]
    told = document(client, "/terrain/unknown/map/max/WebMercatorQuad/hillshade/tilejson.json")
    assert client.get(centre_tile(told, told["maxzoom"])).status_code == 200


@pytest.mark.parametrize("matrix_set", ["WebMercatorQuad", "WorldCRS84Quad", "native"])
def test_the_templated_links_of_a_tileset_lead_to_pictures_within_its_limits(
    client: AppClient, matrix_set: str
) -> None:
    told = document(client, f"/terrain/hills/map/max/{matrix_set}")
    assert told["tileMatrixSet"]["id"] == matrix_set
    items = {link["type"]: link["href"] for link in told["links"] if link["rel"] == "item"}
    for limits in told["tileMatrixSetLimits"]:
        for form in ("image/png", "image/webp"):
            address = items[form].format(
                tileMatrix=limits["tileMatrix"],
                tileCol=(limits["minTileCol"] + limits["maxTileCol"]) // 2,
                tileRow=(limits["minTileRow"] + limits["maxTileRow"]) // 2,
            )
            tile = client.get(address)
            assert (tile.status_code, tile.headers["content-type"]) == (200, form)
            assert decoded(tile.content).shape == (256, 256, 4)


def test_every_link_of_the_list_leads_to_a_tileset_and_its_tile_json(client: AppClient) -> None:
    for each in document(client, "/terrain/hills/map/max")["tilesets"]:
        (link,) = each["links"]
        told = document(client, link["href"])
        assert told["title"] == each["title"]
        for other in told["links"]:
            if other["rel"] in {"alternate", "self", "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"}:
                assert client.get(other["href"]).status_code == 200, other


@pytest.mark.parametrize("style", ["hillshade", "slope"])
def test_a_tilted_plane_has_one_colour_in_all_tiles_up_to_its_edge(
    client: AppClient, shared_installation: Installation, style: str
) -> None:
    name = f"plane-{style}"
    rows, cols = np.indices((300, 520))
    np.save(shared_installation.tiles / f"{name}.npy", (100 + 3.0 * rows + 2.0 * cols).astype(np.float32))
    tile = {"url": shared_installation.offer_tile(f"{name}.npy"), "x": 0, "y": 0}
    place = {"crs": "EPSG:32632", "anchor_transform": [10, 0, 500000, 0, -10, 5200000]}
    add_terrain(client, name, tile, unit="m", **place)
    build(client, name)
    finest = document(client, f"/terrain/{name}/map/max/native")["tileMatrixSetLimits"][-1]
    colours = set()
    for x in range(finest["maxTileCol"] + 1):
        for y in range(finest["maxTileRow"] + 1):
            answer = client.get(f"/terrain/{name}/map/max/native/{style}/{finest['tileMatrix']}/{x}/{y}.png")
            colours |= set(np.unique(indices_of(answer.content)).tolist())
    assert len(colours - {0}) == 1
    assert 0 in colours, "beyond the terrain it is transparent"


def test_a_terrain_that_lies_nowhere_has_its_own_matrix(client: AppClient) -> None:
    told = document(client, "/terrain/golden/map/max")
    assert [each["links"][0]["href"].rpartition("/")[2] for each in told["tilesets"]] == ["native"]
    tile_json = document(client, "/terrain/golden/map/max/native/grey;rescale=0,87/tilejson.json")
    assert "bounds" not in tile_json
    top = indices_of(client.get(tile_json["tiles"][0].format(z=0, x=0, y=0)).content)
    assert top[0, 0] == 255, "the highest cell is at the end of the ramp"
    assert not top[1:, 1:].any()
    answer = client.get("/terrain/golden/map/max/WebMercatorQuad/tilejson.json")
    assert "native" in problem_in(answer, 422, "terrain-not-on-map")["detail"]


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("nowhere/map/max/WebMercatorQuad/tilejson.json", 404, "terrain-not-found"),
        ("hills/map/maximum/WebMercatorQuad/tilejson.json", 404, "metric-not-found"),
        ("hills/map/max/Nope/tilejson.json", 404, "matrix-set-not-found"),
        ("hills/map/max/Nope", 404, "matrix-set-not-found"),
        ("hills/map/max/WebMercatorQuad/jet/tilejson.json", 404, "style-unknown"),
        ("hills/map/max/WebMercatorQuad/jet", 404, "style-unknown"),
        ("hills/map/max/WebMercatorQuad/viridis;rescale=1/tilejson.json", 422, "style-parameter-invalid"),
        ("hills/map/max@g0/WebMercatorQuad/tilejson.json", 410, "generation-not-found"),
        ("hills/map/max/NZTM2000Quad/tilejson.json", 422, "terrain-not-on-map"),
        ("hills/map/max/WebMercatorQuad/tilejson.json?rescale=0,1", 422, "parameter-unknown"),
    ],
)
def test_what_there_is_not_is_a_problem(client: AppClient, path: str, status: int, kind: str) -> None:
    problem_in(client.get(f"/terrain/{path}"), status, kind)


PATHS = (
    "",
    "/WebMercatorQuad",
    "/native/terrain",
    "/WebMercatorQuad/tilejson.json",
    "/native/slope/tilejson.json",
)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("is_pinned", [False, True], ids=["current", "pinned"])
def test_who_has_a_document_is_not_sent_it_again_and_no_cells_are_read(
    client: AppClient, shared_installation: Installation, path: str, is_pinned: bool
) -> None:
    pin = f"@{generation_of(client, 'hills', 'max')}" if is_pinned else ""
    address = f"/terrain/hills/map/max{pin}{path}"
    answer = client.get(address)
    kept = "public, max-age=3600" if is_pinned else "public, max-age=60, stale-while-revalidate=600"
    assert answer.headers["cache-control"] == kept
    with opened_files.below(shared_installation.folder / "pyramids") as opened:
        again = client.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content, opened) == (304, b"", [])
    assert client.head(address).headers["etag"] == answer.headers["etag"]


def test_a_new_generation_has_new_tiles_and_a_new_document(installation: Installation) -> None:
    with open_client(installation) as client:
        add_golden(installation, client)
        build(client, "golden")
        before = client.get("/terrain/golden/map/max/native/tilejson.json")
        west = client.get("/terrain/golden/tile").json()["tiles"][0]["id"]
        assert client.patch(f"/terrain/tile/{west}", json={"priority": 5}).status_code == 200
        build(client, "golden")
        changed = client.get(
            "/terrain/golden/map/max/native/tilejson.json", headers={"If-None-Match": before.headers["etag"]}
        )
        assert changed.status_code == 200
        assert changed.json()["tiles"] != before.json()["tiles"]
        old_tile = before.json()["tiles"][0].format(z=0, x=0, y=0)
        assert client.get(old_tile).status_code == 200, "within its time of grace"


def test_a_terrain_that_was_never_built_has_no_documents_yet(unbuilt: Installation) -> None:
    with open_client(unbuilt, anonymous_build_cells=0, auth="keys") as client:
        answer = client.get("/terrain/golden/map/max/native/tilejson.json")
        problem_in(answer, 409, "build-needs-key")
