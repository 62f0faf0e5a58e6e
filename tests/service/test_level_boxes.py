"""Windows that are named by a box, levels by their fineness, and formats for programs of maps."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator

import numpy as np
import pytest
import rasterio.windows
from PIL import Image
from rasterio.io import MemoryFile
from rasterio.warp import transform_bounds

from installations import Installation
from make_small_terrains import GOLDEN
from raster.grid import Extent, Grid
from raster.snapping import LaidBox, lay_box
from rest import AppClient, add_golden, add_terrain, open_client, problem_in
from service.boxes import name_bbox, parse_bbox_crs
from service.crs_names import crs_member

LEFT, TOP = 500_000, 5_200_000
VALLEY = np.random.default_rng(4).integers(200, 900, (40, 60)).astype(np.int16)


@pytest.mark.parametrize("crs", ["EPSG:32632", "OGC:CRS84", "IAU_2015:30100", "ESRI:54030"])
def test_what_an_answer_calls_a_crs_can_be_asked_for(crs: str) -> None:
    named = name_bbox(Extent(1, 2, 3, 4), crs)["Content-Crs"].strip("<>")
    assert named == crs_member(crs)
    assert [parse_bbox_crs(text) for text in (named, crs, f"[{crs}]")] == [crs] * 3


@pytest.fixture(scope="module")
def client(shared_installation: Installation) -> Iterator[AppClient]:
    """Golden, without CRS; `valley`, of metres with cells of 30; `alps`, of degrees, floats with a hole."""
    with open_client(shared_installation, max_answer_cells=1000) as client:
        add_golden(shared_installation, client)
        cells = np.arange(12, dtype=np.float32).reshape(3, 4) / 7
        cells[1, 2] = np.nan
        np.save(shared_installation.tiles / "alps.npy", cells)
        np.save(shared_installation.tiles / "valley.npy", VALLEY)
        offered = map(shared_installation.offer_tile, ("alps.npy", "valley.npy"))
        alps, valley = ({"url": url, "x": 0, "y": 0} for url in offered)
        degrees = {"crs": "EPSG:4326", "anchor_transform": [0.5, 0.0, 7.0, 0.0, -0.5, 48.0]}
        metres = {"crs": "EPSG:32632", "anchor_transform": [30, 0, LEFT, 0, -30, TOP]}
        add_terrain(client, "alps", alps, **degrees, unit="m")
        add_terrain(client, "valley", valley, **metres, unit="m")
        yield client


def test_a_box_is_snapped_outward_and_the_answer_says_where(client: AppClient) -> None:
    box = f"{LEFT + 95},{TOP - 200},{LEFT + 181},{TOP - 121}"
    answer = client.get(f"/terrain/valley/pyramid/max/0?bbox={box}&bbox-crs=EPSG:32632")
    found = answer.json()
    assert found["values"] == VALLEY[4:7, 3:7].tolist()
    assert (found["row"], found["col"], found["height"], found["width"]) == (4, 3, 3, 4)
    assert found["extent"] == [LEFT + 90, TOP - 210, LEFT + 210, TOP - 120]
    assert answer.headers["content-bbox"] == f"{LEFT + 90}.0,{TOP - 210}.0,{LEFT + 210}.0,{TOP - 120}.0"
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/EPSG/0/32632>"


@pytest.mark.parametrize(
    ("box", "crs"),
    [
        ("7.6,46.6,8.4,47.4", None),
        ("7.6,46.6,8.4,47.4", "OGC:CRS84"),
        ("7.6,46.6,8.4,47.4", "http://www.opengis.net/def/crs/OGC/1.3/CRS84"),
        ("46.6,7.6,47.4,8.4", "EPSG:4326"),
        ("46.6,7.6,47.4,8.4", "[EPSG:4326]"),
        ("46.6,7.6,47.4,8.4", "http://www.opengis.net/def/crs/EPSG/0/4326"),
        ("7.6,46.6,8.4,47.4", "terrain"),
    ],
)
def test_numbers_are_in_the_order_of_the_crs(client: AppClient, box: str, crs: str | None) -> None:
    query = {"bbox": box} if crs is None else {"bbox": box, "bbox-crs": crs}
    answer = client.get("/terrain/alps/pyramid/max/0", params=query)
    found = answer.json()
    assert (found["row"], found["col"], found["height"], found["width"]) == (1, 1, 2, 2)
    assert answer.headers["content-bbox"] == "46.5,7.5,47.5,8.5"
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/EPSG/0/4326>"


def test_degrees_in_the_wrong_order_are_told_so(client: AppClient) -> None:
    answer = client.get("/terrain/alps/pyramid/max/0?bbox=46.6,7.6,47.4,8.4")
    assert "EPSG:4326 is latitude, longitude" in problem_in(answer, 422, "box-outside")["detail"]


def test_a_box_of_degrees_on_a_map_holds_what_it_should(client: AppClient) -> None:
    ground = (LEFT + 300, TOP - 900, LEFT + 600, TOP - 600)
    degrees = transform_bounds("EPSG:32632", "OGC:CRS84", *ground)
    found = client.get(f"/terrain/valley/pyramid/max/0?bbox={','.join(map(repr, degrees))}").json()
    left, bottom, right, top = found["extent"]
    assert left <= ground[0] < ground[2] <= right
    assert bottom <= ground[1] < ground[3] <= top
    assert right - left <= 300 + 120
    assert (
        found["values"]
        == VALLEY[found["row"] :][: found["height"], found["col"] :][:, : found["width"]].tolist()
    )


def test_without_a_crs_a_box_is_of_the_terrain(client: AppClient) -> None:
    found = client.get("/terrain/golden/pyramid/max/0?bbox=1.5,-3,3.5,-1.5&bbox-crs=terrain").json()
    assert found["values"] == np.array(GOLDEN)[1:3, 1:4].tolist()
    problem_in(client.get("/terrain/golden/pyramid/max/0?bbox=1.5,-3,3.5,-1.5"), 422, "box-outside")


@pytest.mark.parametrize(
    ("resolution", "level"), [(1, 0), (30, 0), (59.9, 0), (60, 1), (61, 1), (240, 3), (1e9, 6)]
)
def test_the_coarsest_level_that_is_fine_enough(client: AppClient, resolution: float, level: int) -> None:
    box = f"bbox={LEFT},{TOP - 90},{LEFT + 90},{TOP}&bbox-crs=terrain"
    answer = client.get(f"/terrain/valley/pyramid/max/auto?resolution={resolution}&{box}")
    assert answer.json()["level"] == level


@pytest.mark.parametrize(("max_size", "level"), [(1, 6), (2, 5), (14, 3), (15, 2), (29, 2), (30, 1)])
def test_the_finest_level_that_is_small_enough(client: AppClient, max_size: int, level: int) -> None:
    found = client.get(f"/terrain/valley/pyramid/max/auto?max_size={max_size}").json()
    assert (found["level"], max(found["height"], found["width"]) <= max_size) == (level, True)


def test_boxes_are_placed_in_threads_and_once(client: AppClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """PROJ takes its time, and in the event loop nobody else would be served meanwhile."""
    box = f"bbox={LEFT},{TOP - 300},{LEFT + 300},{TOP}&bbox-crs=EPSG:32632"
    address = f"/terrain/valley/pyramid/max/auto?max_size=1&{box}"
    assert client.get(address).status_code == 200
    asked: list[asyncio.AbstractEventLoop | None] = []

    def noting(grid: Grid, extent: Extent, crs: str | None) -> LaidBox:
        asked.append(asyncio._get_running_loop())
        return lay_box(grid, extent, crs)

    monkeypatch.setattr("service.windows.lay_box", noting)
    assert client.get(address).status_code == 200
    assert asked == [None]


def test_a_box_may_be_finer_than_the_whole(client: AppClient) -> None:
    box = f"bbox={LEFT},{TOP - 300},{LEFT + 300},{TOP}&bbox-crs=terrain"
    found = client.get(f"/terrain/valley/pyramid/max/auto?max_size=10&{box}").json()
    assert (found["level"], found["height"], found["width"]) == (0, 10, 10)


def test_auto_alone_is_the_finest_that_one_answer_may_hold(client: AppClient) -> None:
    found = client.get("/terrain/valley/pyramid/max/auto").json()
    assert (found["level"], found["height"] * found["width"]) == (1, 600)
    problem_in(client.get("/terrain/valley/pyramid/max/0"), 413, "window-too-large")


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("0?bbox=7,46,8,47&row=1", 422, "parameter-invalid"),
        ("0?bbox-crs=EPSG:4326", 422, "parameter-invalid"),
        ("0?resolution=30", 422, "parameter-invalid"),
        ("0?max_size=30", 422, "parameter-invalid"),
        ("auto?row=1", 422, "parameter-invalid"),
        ("auto?resolution=30&max_size=30", 422, "parameter-invalid"),
        ("auto?resolution=0", 422, "request-invalid"),
        ("auto?max_size=0", 422, "request-invalid"),
        ("fine", 422, "request-invalid"),
        ("0?bbox=7,46,8", 422, "parameter-invalid"),
        ("0?bbox=7,46,8,nan", 422, "parameter-invalid"),
        ("0?bbox=7,47,8,46", 422, "parameter-invalid"),
        ("0?bbox=7,46,8,91", 422, "parameter-invalid"),
        ("0?bbox=7,46,8,47&bbox-crs=EPSG:999999", 422, "grid-invalid"),
        ("0?bbox=7,46,8,47&bbox-crs=EPSG:4978", 422, "grid-invalid"),
        ("0?bbox=7,46,8,47&bbox-crs=%2Bproj=utm", 422, "parameter-invalid"),
        ("0?bbox=9,0,7,1&bbox-crs=EPSG:32632", 422, "parameter-invalid"),
        ("0?bbox=7,46,8,47&box=1", 422, "parameter-unknown"),
        ("9?bbox=7,46,8,47", 404, "level-not-found"),
    ],
)
def test_what_names_no_window_is_refused(client: AppClient, path: str, status: int, kind: str) -> None:
    problem_in(client.get(f"/terrain/alps/pyramid/max/{path}"), status, kind)


def test_an_answer_that_the_client_has_is_the_same_by_cells_and_by_a_box(client: AppClient) -> None:
    by_cells = client.get("/terrain/alps/pyramid/max/0?row=1&col=1&height=2&width=2")
    by_box = client.get("/terrain/alps/pyramid/max/0?bbox=7.6,46.6,8.4,47.4")
    assert by_cells.headers["etag"] == by_box.headers["etag"]
    tag = {"If-None-Match": by_cells.headers["etag"]}
    assert client.get("/terrain/alps/pyramid/max/0?bbox=7.6,46.6,8.4,47.4", headers=tag).status_code == 304


@pytest.mark.parametrize("terrain", ["alps", "valley", "golden"])
@pytest.mark.parametrize("query", ["1", "1?row=0&col=1&height=1&width=1"])
def test_a_geotiff_lies_where_it_should(client: AppClient, terrain: str, query: str) -> None:
    told = client.get(f"/terrain/{terrain}/pyramid/max/{query}").json()
    answer = client.get(f"/terrain/{terrain}/pyramid/max/{query}", headers={"Accept": "image/tiff"})
    assert answer.headers["content-type"] == "image/tiff"
    with MemoryFile(answer.content) as file, file.open() as raster:
        assert list(raster.transform)[:6] == told["transform"]
        assert (raster.crs and raster.crs.to_string()) == told["crs"]
        assert raster.dtypes == (told["dtype"],)
        nodata = raster.nodata
        assert (nodata is None) == (told["nodata"] is None)
        assert nodata is None or np.isnan(nodata) == (told["nodata"] == "NaN")
        values = raster.read(1, masked=True)
        assert [[None if v is np.ma.masked else v for v in row] for row in values.tolist()] == told["values"]


def test_a_geotiff_of_a_box_fits_what_rasterio_makes_of_the_terrain(client: AppClient) -> None:
    box = (LEFT + 100, TOP - 700, LEFT + 900, TOP - 100)
    answer = client.get(
        f"/terrain/valley/pyramid/max/0?f=tif&bbox={','.join(map(str, box))}&bbox-crs=EPSG:32632"
    )
    with MemoryFile(answer.content) as file, file.open() as raster:
        window = rasterio.windows.from_bounds(*box, transform=raster.transform)
        assert min(window.row_off, window.col_off) >= -1e-9
        row, col = round((TOP - raster.bounds.top) / 30), round((raster.bounds.left - LEFT) / 30)
        np.testing.assert_array_equal(
            raster.read(1), VALLEY[row : row + raster.height, col : col + raster.width]
        )


def test_a_png_holds_integers_exactly(client: AppClient) -> None:
    answer = client.get("/terrain/valley/pyramid/max/0?f=png&height=10&width=20")
    assert answer.headers["content-type"] == "image/png"
    np.testing.assert_array_equal(decoded(answer.content), VALLEY[:10, :20])


def test_a_png_holds_floats_to_a_65534th_of_their_range_and_nodata_as_0(client: AppClient) -> None:
    answer = client.get("/terrain/alps/pyramid/max/0?f=png")
    values = np.arange(12).reshape(3, 4) / 7
    values[1, 2] = np.nan
    np.testing.assert_allclose(decoded(answer.content), values, atol=11 / 7 / 65534)


def decoded(png: bytes) -> np.ndarray:
    picture = Image.open(io.BytesIO(png))
    assert isinstance(picture.info, dict)
    greys = np.asarray(picture).astype(np.float64)
    values = float(picture.info["offset"]) + float(picture.info["scale"]) * greys
    return np.where(greys == 0, np.nan, values)
