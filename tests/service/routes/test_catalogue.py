"""Terrains, tiles, statistics and pyramids over REST."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from installations import Installation, save_geotiff
from rest import AppClient, add_golden, add_terrain, problem_in

UTM = Affine(1000.0, 0.0, 500_000.0, 0.0, -1000.0, 5_000_000.0)


def test_the_list_takes_as_many_statements_for_one_terrain_as_for_many(
    client: AppClient, installation: Installation, statements: list[str]
) -> None:
    counts = []
    for number in range(60):
        np.save(installation.tiles / f"{number}.npy", np.full((3, 3), number, np.int16))
        tiles = [{"url": f"{number}.npy", "x": 0, "y": 0}]
        add_terrain(client, f"t{number:02}", *(tiles if number % 2 else []))
        statements.clear()
        found = client.get("/terrain?limit=1000").json()["terrains"]
        assert [terrain["tile_count"] for terrain in found] == [n % 2 for n in range(number + 1)]
        counts.append(len(statements))
    assert set(counts) == {1}


def test_pages_follow_each_other_and_unchanged_ones_are_not_sent_again(client: AppClient) -> None:
    for name in ("a", "b", "c", "ba"):
        add_terrain(client, name)
    names, address = [], "/terrain?limit=1&q=b"
    while address:
        answer = client.get(address)
        names += [terrain["name"] for terrain in answer.json()["terrains"]]
        again = client.get(address, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        address = answer.json()["next"]
        assert answer.headers.get("link") == (f'<{address}>; rel="next"' if address else None)
    assert names == ["b", "ba"]


def test_terrains_and_tiles_are_found_where_they_lie(client: AppClient, installation: Installation) -> None:
    for col in range(3):
        place = UTM @ Affine.translation(10 * col, 0)
        save_geotiff(installation.tiles / f"{col}.tif", np.ones((10, 10), np.int16), transform=place)
    add_terrain(client, "alps", *({"url": f"{col}.tif"} for col in range(3)))
    add_terrain(client, "elsewhere")
    assert [t["name"] for t in client.get("/terrain?bbox=9,45,10,46").json()["terrains"]] == ["alps"]
    assert client.get("/terrain?bbox=-9,45,-8,46").json()["terrains"] == []

    def urls(query: str) -> list[str]:
        return [tile["url"] for tile in client.get(f"/terrain/alps/tile?{query}").json()["tiles"]]

    assert urls("") == ["0.tif", "1.tif", "2.tif"]
    assert urls("row=3&col=10") == ["1.tif"]
    assert urls("bbox=9.0,45.0,9.1,45.2") == ["0.tif"]
    assert urls("bbox=9.0,45.0,9.14,45.2") == ["0.tif", "1.tif"]
    assert urls("bbox=10,45,11,45.2") == []
    for query in ("row=3", "col=3", "bbox=1,2,3", "bbox=0,50,1,40"):
        problem_in(client.get(f"/terrain/alps/tile?{query}"), 422)
    problem_in(client.get("/terrain/elsewhere/tile?bbox=0,0,1,1"), 422)


def test_a_terrain_is_created_changed_and_deleted(client: AppClient) -> None:
    made = client.post("/terrain", json={"name": "alps", "title": "Alps"})
    assert (made.status_code, made.headers["location"]) == (201, "/terrain/alps")
    problem_in(client.post("/terrain", json={"name": "alps"}), 409)
    changed = client.patch("/terrain/1", json={"title": "The Alps", "unit": "m"}).json()
    assert (changed["title"], changed["unit"], changed["name"]) == ("The Alps", "m", "alps")
    assert client.get("/terrain/alps").json()["pyramids"]["max"] == "absent"
    assert client.delete("/terrain/alps").status_code == 204
    problem_in(client.get("/terrain/alps"), 404)
    assert client.post("/terrain", json={"name": "alps"}).json()["id"] > made.json()["id"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Alps"}, {"name": "tile"}, {"name": "1a"}, {"name": ""}, {"name": "a" * 101}, {},
        {"name": "a", "color": "red"}, {"name": "a", "title": "\x00"}, {"name": "a", "tile_size": 0},
        {"name": "a", "crs": "EPSG:0"}, {"name": "a", "anchor_transform": [1, 0, 0, 0, 1, 0]},
        {"name": "a", "anchor_transform": [1, 0.5, 0, 0, -1, 0]}, {"name": "a", "anchor_transform": [1, 2]},
        {"name": "a", "extent": {"left": 0, "bottom": 0, "right": 0.5, "top": 1}},
        {"name": "a", "extent": {"left": 0, "bottom": 0, "right": 1e9, "top": 1e9}},
    ],
)  # fmt: skip
def test_a_terrain_that_cannot_be_is_refused(client: AppClient, body: dict[str, object]) -> None:
    problem_in(client.post("/terrain", json=body), 422)
    assert client.get("/terrain").json()["terrains"] == []


def test_one_bad_tile_among_many_registers_none(client: AppClient, installation: Installation) -> None:
    add_terrain(client, "alps")
    good = np.ones((2, 2), np.int16)
    np.save(installation.tiles / "good.npy", good)
    np.save(installation.tiles / "long.npy", good.astype(np.int64))
    np.save(installation.tiles / "cube.npy", np.ones((2, 2, 2), np.int16))
    save_bands(installation.tiles / "colours.tif", np.ones((3, 2, 2), np.uint8))
    (installation.folder / "secret.npy").write_bytes((installation.tiles / "good.npy").read_bytes())
    (installation.tiles / "notes.txt").write_text("no raster")
    reasons = {
        "missing.npy": "source-not-found", "../secret.npy": "source-forbidden",
        "long.npy": "source-refused", "cube.npy": "source-refused", "notes.txt": "source-refused",
        "colours.tif": "source-refused",
        "http://127.0.0.1/a.tif": "source-forbidden",
    }  # fmt: skip
    tiles = [{"url": url, "x": 0, "y": 0} for url in ("good.npy", *reasons)]
    body = problem_in(client.post("/terrain/alps/tile", json={"tiles": tiles}), 422, "registration-refused")
    assert {each["source"]: each["type"] for each in body["errors"]} == {
        url: f"/problems/{kind}" for url, kind in reasons.items()
    }
    assert str(installation.folder) not in json.dumps(body)
    assert client.get("/terrain/alps").json()["tile_count"] == 0


def save_bands(path: Path, bands: np.ndarray) -> None:
    """A raster of several bands."""
    count, height, width = bands.shape
    shape = {"count": count, "height": height, "width": width}
    with rasterio.open(path, "w", driver="GTiff", dtype=bands.dtype, transform=UTM, **shape) as raster:
        raster.write(bands)


def test_statistics_are_of_valid_cells_and_of_the_registered_bytes(
    client: AppClient, installation: Installation
) -> None:
    np.save(installation.tiles / "a.npy", np.array([[2**31 - 1, -(2**31)], [0, -1]], np.int32))
    np.save(installation.tiles / "b.npy", np.full((2, 2), np.nan))
    tiles = [{"url": "a.npy", "x": 0, "y": 0, "nodata": 0}, {"url": "b.npy", "x": 2, "y": 0}]
    add_terrain(client, "alps", *tiles)
    found = client.get("/terrain/tile/1/stats").json()
    assert found["valid_count"] == 3
    assert (found["min"], found["max"], found["mean"]) == (-(2**31), 2**31 - 1, -2 / 3)
    empty = dict.fromkeys(("min", "max", "mean", "std"))
    assert client.get("/terrain/tile/2/stats").json() == {"cell_count": 4, "valid_count": 0, **empty}
    np.save(installation.tiles / "a.npy", np.ones((2, 2), np.float64))
    problem_in(client.get("/terrain/tile/1/stats"), 409, "source-changed")
    (installation.tiles / "a.npy").unlink()
    problem_in(client.get("/terrain/tile/1/stats"), 502, "source-not-found")
    problem_in(client.get("/terrain/tile/99/stats"), 404)
    problem_in(client.get("/terrain/tile/x/stats"), 422)


def test_a_tile_is_changed_and_taken_away(client: AppClient, installation: Installation) -> None:
    add_golden(installation, client)
    before = client.get("/terrain/golden").json()["revision"]
    assert client.patch("/terrain/tile/1", json={"priority": 3}).json()["priority"] == 3
    assert client.get("/terrain/golden").json()["revision"] == before + 1
    assert client.delete("/terrain/tile/2").status_code == 204
    assert client.get("/terrain/golden").json()["size"] == {"height": 5, "width": 4}
    problem_in(client.get("/terrain/tile/2"), 404)


def test_a_build_is_asked_for_and_a_pyramid_dropped(client: AppClient, installation: Installation) -> None:
    add_golden(installation, client)
    asked = client.post("/terrain/golden/pyramid/max", headers={"Prefer": "wait=30"})
    assert (asked.status_code, asked.json()["state"]) == (200, "ready")
    states = {each["metric"]: each["state"] for each in client.get("/terrain/1/pyramid").json()["pyramids"]}
    assert states.pop("max") == "ready"
    assert set(states.values()) == {"absent"}
    assert client.delete("/terrain/golden/pyramid/max").status_code == 204
    assert client.get("/terrain/golden/pyramid/max").json()["state"] == "absent"
    problem_in(client.get("/terrain/golden/pyramid/maximum"), 404)
    problem_in(client.post("/terrain/bare/pyramid/max"), 404)


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/terrain?limit=1000000000", {}, 422),
        ("GET", "/terrain?limit=0", {}, 422),
        ("GET", "/terrain?after=nonsense", {}, 422),
        ("GET", "/terrain?bbox=a,b,c,d", {}, 422),
        ("GET", "/terrain?lmit=3", {}, 422),
        ("GET", "/terrain/%00", {}, 404),
        ("GET", "/terrain/99999999999999999999999", {}, 404),
        ("GET", "/terrain/tile/99999999999999999999999", {}, 422),
        ("GET", "/nowhere", {}, 404),
        ("PUT", "/terrain", {}, 405),
        ("POST", "/terrain", {"content": b"{"}, 415),
        ("POST", "/terrain", {"content": b"\xff\xfe", "headers": {"content-type": "application/json"}}, 400),
        ("POST", "/terrain", {"content": b"[1]", "headers": {"content-type": "application/json"}}, 422),
        ("POST", "/terrain/golden/tile", {"json": {"tiles": []}}, 422),
        (
            "POST",
            "/terrain/golden/tile",
            {"json": {"tiles": [{"url": "west.npy", "x": 10**400, "y": 0}]}},
            422,
        ),
        ("POST", "/terrain/golden/tile", {"json": {"tiles": [{"url": "west.npy", "x": 2**60, "y": 0}]}}, 422),
        ("POST", "/terrain/golden/tile", {"json": {"tiles": [{"url": "a\x00b", "x": 0, "y": 0}]}}, 422),
        ("POST", "/terrain/golden/tile", {"json": {"tiles": 2 * [{"url": "west.npy", "x": 0, "y": 0}]}}, 422),
        ("POST", "/terrain/golden/tile", {"json": {"tiles": [{"url": "west.npy"}]}}, 422),
        ("POST", "/terrain/nowhere/tile", {"json": {"tiles": [{"url": "west.npy"}]}}, 404),
    ],
)
def test_bad_requests_are_clear_problems_and_change_nothing(
    golden: AppClient, method: str, path: str, options: dict[str, object], status: int
) -> None:
    before = golden.get("/terrain").json()
    problem_in(golden.request(method, path, **options), status)
    assert golden.get("/terrain").json() == before
