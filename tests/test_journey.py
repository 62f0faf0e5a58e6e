"""The whole house in one test: a terrain's life, over REST, against plain numpy on the native cells."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest

from installations import make_installation, save_geotiff
from oracle import NativeCells, OracleTile, paint
from rest import AppClient, open_client, problem_in
from terrains import UTM


def read_level(client: AppClient, metric: str, level: int) -> np.ma.MaskedArray:
    """A level from its JSON, nodata masked; its .npy has to hold the same."""
    body = client.get(f"/terrain/journey/pyramid/{metric}/{level}").json()
    rows = [[math.nan if value is None else value for value in row] for row in body["values"]]
    read = np.ma.masked_invalid(np.array(rows, dtype=np.float64))
    npy = np.load(io.BytesIO(client.get(f"/terrain/journey/pyramid/{metric}/{level}?f=npy").content))
    assert npy.dtype == body["dtype"]
    np.testing.assert_array_equal(npy[~read.mask], read.compressed())
    return read


def assert_serves(client: AppClient, native: NativeCells) -> None:
    """Every cell of every level, under every metric the oracle knows."""
    for level in range(native.level_count):
        assert read_level(client, "count", level).data.tolist() == native.count(level).tolist()
        for metric in ("max", "min", "mean"):
            expected, valid = native.mean(level) if metric == "mean" else native.extreme(level, metric)
            found = read_level(client, metric, level)
            np.testing.assert_array_equal(np.ma.getmaskarray(found), ~valid)
            np.testing.assert_allclose(found.data[valid], expected[valid], rtol=2**-22)
    problem_in(client.get(f"/terrain/journey/pyramid/max/{native.level_count}"), 404, "level-not-found")


def assert_statistics(client: AppClient, tile_id: int, tile: OracleTile) -> None:
    valid = tile.cells[tile.valid]
    found = client.get(f"/terrain/tile/{tile_id}/stats").json()
    assert (found["cell_count"], found["valid_count"]) == (tile.cells.size, valid.size)
    assert (found["min"], found["max"]) == (valid.min(), valid.max())
    assert found["mean"] == pytest.approx(valid.mean(dtype=np.float64))
    assert found["std"] == pytest.approx(valid.std(dtype=np.float64))


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # rioxarray with affine 3
def test_a_terrains_life(tmp_path: Path, catalogue_url: str) -> None:
    installation = make_installation(tmp_path, catalogue_url)
    random = np.random.default_rng(7)
    tiles = [
        OracleTile(0, 0, random.integers(-50, 900, (13, 9), dtype=np.int16), nodata=-32768),
        OracleTile(0, 9, random.integers(-50, 900, (13, 12), dtype=np.int16), nodata=-32768),
        OracleTile(16, 3, random.integers(-50, 900, (6, 14), dtype=np.int16), nodata=-32768),
    ]
    for index, tile in enumerate(tiles):
        tile.cells[1:4, 2:7] = -32768
        place = UTM * UTM.translation(tile.col, tile.row)
        save_geotiff(installation.tiles / f"{index}.tif", tile.cells, transform=place, nodata=-32768)

    with open_client(installation) as client:
        made = client.post("/terrain", json={"name": "journey", "title": "Then and back", "unit": "m"})
        assert made.status_code == 201
        assert made.headers["location"] == "/terrain/journey"
        problem_in(client.get("/terrain/journey/pyramid/max/0"), 409, "terrain-empty")

        orders = [{"url": f"{index}.tif"} for index in range(2)]
        registered = client.post("/terrain/journey/tile", json={"tiles": orders}).json()["tiles"]
        assert [(tile["y"], tile["x"]) for tile in registered] == [(0, 0), (0, 9)]
        assert_serves(client, paint(tiles[:2]))
        assert_statistics(client, registered[1]["id"], tiles[1])

        # a third tile: every pyramid is stale until somebody asks
        added = client.post("/terrain/journey/tile", json={"tiles": [{"url": "2.tif"}]}).json()["tiles"]
        states = client.get("/terrain/journey").json()["pyramids"]
        assert {states[metric] for metric in ("max", "min", "mean", "count")} == {"stale"}
        assert_serves(client, paint(tiles))
        assert_statistics(client, added[0]["id"], tiles[2])

        # the source is written anew and registered again
        changed = OracleTile(16, 3, tiles[2].cells + np.int16(1000), nodata=-32768)
        place = UTM * UTM.translation(3, 16)
        save_geotiff(installation.tiles / "2.tif", changed.cells, transform=place, nodata=-32768)
        again = client.post("/terrain/journey/tile", json={"tiles": [{"url": "2.tif"}]}).json()["tiles"]
        assert again[0]["id"] == added[0]["id"]
        assert_serves(client, paint([*tiles[:2], changed]))

        # a tile goes, and the terrain is cut to those that are left
        assert client.delete(f"/terrain/tile/{registered[0]['id']}").status_code == 204
        assert_serves(client, paint([tiles[1], changed]))

        assert client.delete("/terrain/journey").status_code == 204
        for address in ("", "/tile", "/pyramid", "/pyramid/max", "/pyramid/max/0"):
            problem_in(client.get(f"/terrain/journey{address}"), 404, "terrain-not-found")
        problem_in(client.get(f"/terrain/tile/{added[0]['id']}"), 404, "tile-not-found")
        assert client.get("/terrain").json() == {"terrains": [], "next": None}
    assert (installation.tiles / "2.tif").exists(), "sources are nobody's to delete"
