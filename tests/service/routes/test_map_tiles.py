"""Map tiles over REST: what is sent, what may be kept, and what happens where nothing is built."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from affine import Affine
from PIL import Image
from rasterio.io import MemoryFile

from catalog.models import Generation
from catalog.repository.keys import Scope
from held_metric import METRICS, Hold
from installations import Installation, save_geotiff
from map_tiles import rough
from raster.cells import CellType
from raster.grid import Grid
from raster.map_tiles import reading
from raster.map_tiles.ground import CellFinder, make_finder
from raster.window import StoredPyramid
from rest import (
    AppClient,
    add_golden,
    add_terrain,
    cover_cell,
    open_client,
    opened_files,
    problem_in,
    row_count,
    until,
)
from service import map_tiles as map_tiles_of_service
from service.keys import issue_key
from service.map_tiles import ValueRange
from stored_files import StoredFile

NODATA = -9999.0
Z, X, Y = 12, 2134, 1395
TILE = f"{Z}/{X}/{Y}"
MAP = "/terrain/alps/map"


def add_alps(installation: Installation, client: AppClient) -> None:
    """A terrain of UTM with a hole."""
    cells = rough(400, 500)
    cells[50:90, 60:200] = NODATA
    transform = Affine(30, 0, 400_000, 0, -30, 5_500_000)
    save_geotiff(installation.tiles / "alps.tif", cells, transform=transform, nodata=NODATA)
    add_terrain(client, "alps", {"url": installation.offer_tile("alps.tif")}, unit="m")


def build(client: AppClient, terrain: str, metric: str = "max") -> dict[str, Any]:
    answer = client.post(f"/terrain/{terrain}/pyramid/{metric}", headers={"Prefer": "wait=30"})
    assert answer.status_code == 200
    state: dict[str, Any] = answer.json()
    return state


@pytest.fixture(scope="module")
def alps(shared_installation: Installation) -> Iterator[AppClient]:
    """Golden and alps, both built under `max`; tests leave them as they are."""
    with open_client(shared_installation) as client:
        add_golden(shared_installation, client)
        add_alps(shared_installation, client)
        for terrain in ("golden", "alps"):
            build(client, terrain)
        yield client


def npy(answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    return np.asarray(np.load(io.BytesIO(answer.content)))


# What is sent


def test_values_are_the_cells_of_the_level(alps: AppClient) -> None:
    values = npy(alps.get(f"{MAP}/max/WebMercatorQuad/{TILE}.npy"))
    assert values.shape == (256, 256)
    cells = npy(alps.get("/terrain/alps/pyramid/max/0?f=npy"))
    there = values[~np.isnan(values)]
    assert 100 < np.unique(there).size < there.size
    assert np.isin(there, cells).all()
    assert npy(alps.get(f"{MAP}/max/WebMercatorQuad/{TILE}@2x.npy")).shape == (512, 512)


def test_a_native_tile_is_the_level_itself(alps: AppClient) -> None:
    level = npy(alps.get("/terrain/golden/pyramid/max/1?f=npy"))
    values = npy(alps.get("/terrain/golden/map/max/native/2/0/0.npy"))
    assert np.array_equal(values[: level.shape[0], : level.shape[1]], level)
    assert values.dtype == level.dtype


def test_what_is_outside_is_told_where_there_is_no_nodata(alps: AppClient) -> None:
    assert alps.get("/terrain/golden").json()["nodata"] is None
    answer = alps.get("/terrain/golden/map/max/native/3/0/0.npy")
    values, fill = npy(answer), int(answer.headers["ziggurat-fill"])
    is_outside = values == fill
    inside = npy(alps.get("/terrain/golden/pyramid/max/0?f=npy"))
    assert is_outside.sum() == values.size - inside.size
    with MemoryFile(alps.get("/terrain/golden/map/max/native/3/0/0.tif").content) as file, file.open() as tif:
        assert np.array_equal(tif.read_masks(1) == 0, is_outside)
    assert alps.get(f"{MAP}/max/WebMercatorQuad/{TILE}.npy").headers["ziggurat-fill"] == "nan"
    assert "ziggurat-fill" not in alps.get(f"{MAP}/max/WebMercatorQuad/{TILE}.tif").headers


def test_a_geotiff_has_the_place_of_the_tile_and_the_nodata_of_the_pyramid(alps: AppClient) -> None:
    answer = alps.get(f"{MAP}/max/WebMercatorQuad/{TILE}.tif")
    assert answer.headers["content-type"] == "image/tiff"
    with MemoryFile(answer.content) as file, file.open() as raster:
        cell = 2 * math.pi * 6378137 / 2**Z / 256
        assert raster.crs.to_epsg() == 3857
        assert raster.transform.almost_equals(
            Affine(cell, 0, (X - 2 ** (Z - 1)) * 256 * cell, 0, -cell, (2 ** (Z - 1) - Y) * 256 * cell), 1e-6
        )
        assert math.isnan(raster.nodata)
        assert raster.units == ("m",)
        values = npy(alps.get(f"{MAP}/max/WebMercatorQuad/{TILE}.npy"))
        assert np.array_equal(raster.read(1), values, equal_nan=True)


def test_a_geotiff_of_64_bit_sums_masks_the_gap_between_tiles(
    installation: Installation, client: AppClient
) -> None:
    tiles = []
    for x in (0, 6):
        np.save(installation.tiles / f"{x}.npy", np.arange(12, dtype=np.int16).reshape(3, 4))
        tiles.append({"url": installation.offer_tile(f"{x}.npy"), "x": x, "y": 0})
    add_terrain(client, "apart", *tiles)
    build(client, "apart", "sum")
    for address in ("pyramid/sum/0?f=tif", "map/sum/native/4/0/0.tif"):
        answer = client.get(f"/terrain/apart/{address}")
        with MemoryFile(answer.content) as file, file.open() as raster:
            assert raster.dtypes == ("int64",)
            read = raster.read(1, masked=True)[:3, :10]
        assert np.ma.getmaskarray(read).all(axis=0).tolist() == [4 <= col < 6 for col in range(10)]
        assert np.ma.getmaskarray(read).sum() == 6
        assert read.sum() == 2 * 66


@pytest.mark.parametrize("form", ["png", "webp"])
@pytest.mark.parametrize(
    "style", ["", "hillshade/", "slope/", "grey;rescale=0,100/", "terrain-rgb/", "terrarium;border=1/"]
)
@pytest.mark.parametrize("side", [256, 512])
def test_pictures(alps: AppClient, form: str, style: str, side: int) -> None:
    twice = "@2x" if side == 512 else ""
    answer = alps.get(f"{MAP}/max/WebMercatorQuad/{style}{TILE}{twice}.{form}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == f"image/{form}"
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.size == ((side + 2, side + 2) if "border" in style else (side, side))
    colours = np.asarray(picture.convert("RGBA")).reshape(-1, 4)
    assert np.unique(colours, axis=0).shape[0] > 3


def test_terrain_rgb_are_the_heights_at_level_0_between_cells(alps: AppClient) -> None:
    answer = alps.get(f"{MAP}/max/WebMercatorQuad/terrain-rgb/14/{4 * X + 2}/{4 * Y + 2}.png")
    colours = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB")).astype(np.int64)
    heights = -10_000 + (colours @ [65536, 256, 1]) / 10
    cells = npy(alps.get("/terrain/alps/pyramid/max/0?f=npy"))
    inside = heights[heights != 0]
    assert inside.size > 1000
    assert inside.min() >= np.nanmin(cells) - 0.05
    assert inside.max() <= np.nanmax(cells) + 0.05
    assert (
        np.unique(inside).size
        > np.unique(npy(alps.get(f"{MAP}/max/WebMercatorQuad/14/{4 * X + 2}/{4 * Y + 2}.npy"))).size
    )


def test_what_lies_beside_the_terrain_is_blank_and_no_error(alps: AppClient) -> None:
    assert np.isnan(npy(alps.get(f"{MAP}/max/WebMercatorQuad/{Z}/10/10.npy"))).all()
    blank = alps.get(f"{MAP}/max/WebMercatorQuad/{Z}/10/10.png")
    assert not np.asarray(Image.open(io.BytesIO(blank.content)).convert("RGBA"))[..., 3].any()
    low = alps.get(f"{MAP}/max/WebMercatorQuad/terrarium;nodata_height=-5;border=1/{Z}/10/10.png")
    colours = np.asarray(Image.open(io.BytesIO(low.content)).convert("RGB")).astype(float)
    assert colours.shape == (258, 258, 3)
    assert (colours @ [256, 1, 1 / 256] - 32768 == -5).all()


# What is refused


@pytest.mark.parametrize(
    ("address", "status", "kind"),
    [
        ("max/nope/0/0/0.npy", 404, "matrix-set-not-found"),
        ("max/GNOSISGlobalGrid/0/0/0.npy", 404, "matrix-set-not-found"),
        ("max/WebMercatorQuad/25/0/0.npy", 404, "map-tile-not-found"),
        ("max/WebMercatorQuad/1/2/0.png", 404, "map-tile-not-found"),
        ("max/native/10/0/0.npy", 404, "map-tile-not-found"),
        ("max/WebMercatorQuad/nope/0/0/0.png", 404, "style-unknown"),
        ("max/WebMercatorQuad/viridis;x=1/0/0/0.png", 422, "style-parameter-invalid"),
        ("max/WebMercatorQuad/terrain-rgb/0/0/0.jpg", 422, "encoding-lossy"),
        ("max/WebMercatorQuad/viridis/0/0/0.npy", 422, "format-not-supported"),
        ("max/WebMercatorQuad/0/0/0.jpg", 422, "format-not-supported"),
        ("max/WebMercatorQuad/0/0/0@3x.png", 422, "request-invalid"),
        ("max/WebMercatorQuad/0/0/-1.png", 422, "request-invalid"),
        ("max/WebMercatorQuad/x/0/0.png", 422, "request-invalid"),
        ("nope/WebMercatorQuad/0/0/0.png", 404, "metric-not-found"),
        ("max@g1/WebMercatorQuad/0/0/0.png", 410, "generation-not-found"),
        ("max@/WebMercatorQuad/0/0/0.png", 410, "generation-not-found"),
        ("default@g1/WebMercatorQuad/0/0/0.png", 410, "generation-not-found"),
        ("max/WebMercatorQuad/0/0/0.png?style=x", 422, "parameter-unknown"),
    ],
)
def test_what_is_no_map_tile_is_refused(alps: AppClient, address: str, status: int, kind: str) -> None:
    problem_in(alps.get(f"{MAP}/{address}"), status, kind)


def test_without_a_crs_the_problem_names_the_way_out(alps: AppClient) -> None:
    problem = problem_in(
        alps.get("/terrain/golden/map/max/WebMercatorQuad/0/0/0.png"), 422, "terrain-not-on-map"
    )
    assert "native" in problem["way_out"]


PLANT = 'ENGCRS["plant",EDATUM["plant"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'


@pytest.mark.parametrize("crs", ["IAU_2015:49900", PLANT], ids=["Mars", "a plant"])
def test_what_does_not_lie_on_the_earth_has_its_own_matrix_alone(
    installation: Installation, client: AppClient, crs: str
) -> None:
    np.save(installation.tiles / "a.npy", rough(20, 30))
    place = {"crs": crs, "anchor_transform": [1, 0, 0, 0, -1, 10]}
    add_terrain(client, "afar", {"url": installation.offer_tile("a.npy"), "x": 0, "y": 0}, **place, unit="m")
    build(client, "afar")
    address = "/terrain/afar/map/max"
    for tile in ("WebMercatorQuad/0/0/0.png", "WorldCRS84Quad/tilejson.json", "WebMercatorQuad"):
        problem_in(client.get(f"{address}/{tile}"), 422, "terrain-not-on-map")
    assert [each["title"] for each in client.get(address).json()["tilesets"]] == ["afar, max, native"]
    assert client.get(f"{address}/native/hillshade/0/0/0.png").status_code == 200
    problem_in(client.get("/terrain/afar/elevation?lon=1&lat=1"), 422, "place-unknown")


def test_a_map_of_no_terrain_or_of_one_without_tiles(alps: AppClient) -> None:
    problem_in(alps.get("/terrain/nowhere/map/max/native/0/0/0.png"), 404, "terrain-not-found")
    add_terrain(alps, "empty")
    problem_in(alps.get("/terrain/empty/map/default/native/0/0/0.png"), 409, "terrain-empty")


# What may be kept


def test_a_pinned_tile_is_for_ever_and_the_current_one_for_a_minute(alps: AppClient) -> None:
    current = alps.get(f"{MAP}/max/WebMercatorQuad/{TILE}.png")
    generation = current.headers["ziggurat-generation"]
    pinned = alps.get(f"{MAP}/max@{generation}/WebMercatorQuad/{TILE}.png")
    assert pinned.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert current.headers["cache-control"] == "public, max-age=60, stale-while-revalidate=600"
    assert pinned.content == current.content
    assert pinned.headers["etag"] == current.headers["etag"]


def test_a_tag_tells_apart_whatever_differs(alps: AppClient) -> None:
    addresses = [
        f"WebMercatorQuad/{TILE}.npy",
        f"WebMercatorQuad/{TILE}.png",
        f"WebMercatorQuad/{TILE}@2x.png",
        f"WebMercatorQuad/{TILE}.webp",
        f"WebMercatorQuad/hillshade/{TILE}.png",
        f"WebMercatorQuad/hillshade;azimuth=10/{TILE}.png",
        f"WebMercatorQuad/{Z}/{X}/{Y + 1}.png",
        "native/0/0/0.png",
    ]
    tags = [alps.get(f"{MAP}/max/{address}").headers["etag"] for address in addresses]
    assert len(set(tags)) == len(tags)
    default = alps.get(f"{MAP}/max/WebMercatorQuad/viridis/{TILE}.png")
    assert default.headers["etag"] == tags[1], "the default style by its name"
    assert default.content == alps.get(f"{MAP}/max/{addresses[1]}").content


def test_what_the_client_has_costs_no_cells(installation: Installation) -> None:
    folder = installation.store_folder
    with open_client(installation) as client:
        add_alps(installation, client)
        generation = build(client, "alps")["generation"]
        tiles = [f"WebMercatorQuad/{TILE}.{form}" for form in ("npy", "tif", "png", "webp")]
        tags = {tile: client.get(f"{MAP}/max/{tile}").headers["etag"] for tile in tiles}
    with open_client(installation) as client, opened_files.below(folder) as opened:
        for metric in ("max", f"max@{generation}", "default"):
            for tile, tag in tags.items():
                answer = client.get(f"{MAP}/{metric}/{tile}", headers={"If-None-Match": tag})
                assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert opened == []
        assert client.get(f"{MAP}/max/{tiles[0]}").status_code == 200
        assert opened != []


def test_a_pinned_tile_asks_the_catalogue_once(alps: AppClient, statements: list[str]) -> None:
    generation = alps.get(f"{MAP}/max/WebMercatorQuad/{TILE}.png").headers["ziggurat-generation"]
    address = f"{MAP}/max@{generation}/WebMercatorQuad/{Z}"
    alps.get(f"{address}/{X}/{Y}.png")
    statements.clear()
    for x in range(X - 1, X + 3):
        assert alps.get(f"{address}/{x}/{Y}.png").status_code == 200
    assert statements == []
    assert alps.get("/terrain/alps").status_code == 200
    assert statements != []


def test_a_generation_is_made_ready_once_by_whatever_address_it_is_shown(
    installation: Installation, client: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its nodata is NaN, which is not even the same as itself when it is read again."""
    made, ranges = list[str](), list[StoredPyramid]()
    read_range = map_tiles_of_service._read_range

    def counted(map_crs: str, grid: Grid) -> CellFinder:
        made.append(map_crs)
        return make_finder(map_crs, grid)

    def counted_ranges(stored: StoredPyramid, cell_type: CellType) -> ValueRange:
        ranges.append(stored)
        return read_range(stored, cell_type)

    monkeypatch.setattr(reading, "make_finder", counted)
    monkeypatch.setattr(map_tiles_of_service, "_read_range", counted_ranges)
    add_alps(installation, client)
    generation = build(client, "alps")["generation"]
    for metric in ("max", "default", f"max@{generation}"):
        for tile in (TILE, f"{Z}/{X + 1}/{Y}"):
            assert client.get(f"{MAP}/{metric}/WebMercatorQuad/{tile}.png").status_code == 200
    assert made == ["EPSG:3857"]
    assert len(ranges) == 1


def test_pages_of_any_origin_may_read_tiles_and_their_tags(alps: AppClient) -> None:
    answer = alps.get(f"{MAP}/max/WebMercatorQuad/{TILE}.png", headers={"Origin": "https://maps.example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"]
    assert {"ETag", "Ziggurat-State", "Ziggurat-Generation"} <= set(exposed.split(", "))


def test_a_head_has_the_headers_alone(alps: AppClient) -> None:
    address = f"{MAP}/max/WebMercatorQuad/{TILE}.png"
    full, head = alps.get(address), alps.head(address)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-type", "cache-control", "content-length"):
        assert head.headers[name] == full.headers[name]


# Which generation


def test_the_default_is_the_mean_once_it_is_built(installation: Installation, client: AppClient) -> None:
    add_golden(installation, client)
    address = "/terrain/golden/map/default/native/0/0/0.npy"
    first = build(client, "golden", "max")["generation"]
    assert client.get(address).headers["ziggurat-generation"] == first
    second = build(client, "golden", "mean")["generation"]
    answer = client.get(address)
    assert answer.headers["ziggurat-generation"] == second
    assert npy(answer)[0, 0] == pytest.approx(np.mean(npy(client.get("/terrain/golden/pyramid/max/0?f=npy"))))


def test_what_is_not_built_is_built_when_it_is_asked_for(
    installation: Installation, client: AppClient
) -> None:
    add_golden(installation, client)
    answer = client.get("/terrain/golden/map/default/native/0/0/0.npy")
    if answer.status_code == 503:  # the machine is slow
        problem_in(answer, 503, "pyramid-pending")
        until(lambda: client.get("/terrain/golden/pyramid/max").json()["state"] == "ready")
        answer = client.get("/terrain/golden/map/default/native/0/0/0.npy")
    assert npy(answer)[0, 0] == 87


def test_while_it_is_built_there_is_nothing_to_show(installation: Installation, hold: Hold) -> None:
    with open_client(installation, metrics=(METRICS,)) as client:
        add_golden(installation, client)
        address = "/terrain/golden/map/held/native/0/0/0.png"
        answers = [client.get(address) for _ in range(2)]
        for answer in answers:
            problem_in(answer, 503, "pyramid-pending")
            assert 1 <= int(answer.headers["retry-after"]) <= 5
            assert answer.headers["cache-control"] == "no-store"
        until(hold.has_begun)
        hold.open()
        until(lambda: client.get(address).status_code == 200)
    assert row_count(installation, Generation) == 1


def test_an_old_generation_is_shown_while_the_new_one_is_built(
    installation: Installation, hold: Hold
) -> None:
    with open_client(installation, metrics=(METRICS,)) as client:
        hold.open()
        add_golden(installation, client)
        old = build(client, "golden", "held")["generation"]
        address = "/terrain/golden/map/held/native/0/0/0.npy"
        assert client.get(address).headers["ziggurat-state"] == "ready"
        hold.close()
        cover_cell(installation, client, "peak.npy", 99)
        answer = client.get(address)
        assert (answer.headers["ziggurat-state"], answer.headers["ziggurat-generation"]) == ("stale", old)
        assert npy(answer)[0, 0] == 87
        until(hold.has_begun)
        hold.open()
        until(lambda: client.get(address).headers["ziggurat-state"] == "ready")
        assert npy(client.get(address))[0, 0] == 99
        pinned = client.get(f"/terrain/golden/map/held@{old}/native/0/0/0.npy")
        assert npy(pinned)[0, 0] == 87


def test_who_may_not_build_is_told_whom_to_ask(installation: Installation) -> None:
    with open_client(installation) as client:
        add_golden(installation, client)
    with open_client(installation, auth="keys", anonymous_build_cells=0) as client:
        problem = problem_in(
            client.get("/terrain/golden/map/default/native/0/0/0.png"), 409, "build-needs-key"
        )
        assert problem["order"] == "/terrain/golden/pyramid/max"


def test_who_may_have_a_pyramid_renewed_does_so_just_after_somebody_who_may_not(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "service.map_tiles.CURRENT_S", 600.0
    )  # the second one finds what the first one had kept
    with installation.house() as house:
        key = issue_key(house, "builder", Scope.BUILD, None).text
    address = "/terrain/golden/map/max/native/0/0/0.npy"
    with open_client(installation) as client:
        add_golden(installation, client)
        build(client, "golden", "max")
        cover_cell(installation, client, "peak.npy", 99)
    with open_client(installation, auth="keys", anonymous_build_cells=0) as client:
        assert client.get(address).headers["ziggurat-state"] == "stale"
        assert row_count(installation, Generation) == 1
        client.get(address, headers={"Authorization": f"Bearer {key}"})
        until(lambda: row_count(installation, Generation) == 2)


def test_a_collected_generation_is_gone(installation: Installation, client: AppClient) -> None:
    add_golden(installation, client)
    old = build(client, "golden")["generation"]
    client.delete("/terrain/golden/pyramid/max")
    build(client, "golden")
    said = installation.run("gc", GRACE_S="0")
    assert said.code == 0, said.stderr
    problem_in(client.get(f"/terrain/golden/map/max@{old}/native/0/0/0.png"), 410, "generation-not-found")


def test_a_generation_that_is_gone_while_it_is_shown_is_not_called_damaged(
    installation: Installation, client: AppClient
) -> None:
    installation.needs_folders("takes files away")
    add_alps(installation, client)
    state = build(client, "alps")
    address = f"/terrain/alps/map/max@{state['generation']}/native"
    assert client.get(f"{address}/0/0/0.npy").status_code == 200
    assert client.delete("/terrain/alps").status_code == 204
    for file in Path(state["store_url"]).rglob("c/*/*"):
        file.unlink()
    assert client.get(f"{address}/0/0/0.npy").status_code == 200, "its chunk is kept"
    for _ in range(2):
        problem_in(client.get(f"{address}/9/0/0.npy"), 410, "generation-not-found")


def test_a_damaged_pyramid_is_never_shown_and_built_anew(
    installation: Installation, client: AppClient
) -> None:
    add_golden(installation, client)
    state = build(client, "golden")
    file = StoredFile(state["store_url"]) / "3/elevation/c/0/0"
    file.write_bytes(file.read_bytes()[:-1])
    address = "/terrain/golden/map/max/native/0/0/0.npy"
    answer = client.get(address)
    problem_in(answer, 503, "pyramid-corrupt")
    assert int(answer.headers["retry-after"]) > 0
    until(lambda: client.get(address).status_code == 200)
    assert client.get(address).headers["ziggurat-generation"] != state["generation"]


def test_heights_in_an_unknown_unit_are_not_encoded(installation: Installation, client: AppClient) -> None:
    np.save(installation.tiles / "a.npy", np.zeros((3, 3), np.int16))
    add_terrain(client, "plain", {"url": installation.offer_tile("a.npy"), "x": 0, "y": 0})
    build(client, "plain")
    problem_in(client.get("/terrain/plain/map/max/native/terrain-rgb/0/0/0.png"), 409, "height-unit-unknown")
    assert client.get("/terrain/plain/map/max/native/0/0/0.png").status_code == 200
