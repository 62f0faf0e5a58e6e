"""A terrain from its creation to its end, over REST, against plain numpy at every step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from installations import Installation, make_installation
from oracle import NativeCells, OracleTile, paint
from rest import open_client, problem_in

METRICS = ("max", "min", "mean", "count")


def test_the_life_of_a_terrain(tmp_path: Path) -> None:
    installation = make_installation(tmp_path)
    random = np.random.default_rng(7)
    west = OracleTile(0, 0, random.integers(-500, 500, (37, 20), dtype=np.int16), nodata=-9)
    east = OracleTile(4, 20, random.integers(-500, 500, (41, 33), dtype=np.int16), nodata=-9)
    with open_client(installation) as client:
        made = client.post("/terrain", json={"name": "alps", "unit": "m", "nodata": -9})
        assert (made.status_code, made.headers["location"]) == (201, "/terrain/alps")
        registered = register(client, installation, {"west.npy": west, "east.npy": east})
        assert [tile["url"] for tile in registered["tiles"]] == ["west.npy", "east.npy"]
        assert (registered["revision"], registered["origin_moved"]) == (1, False)
        terrain = client.get("/terrain/alps").json()
        assert (terrain["size"], terrain["tile_count"]) == ({"height": 45, "width": 53}, 2)
        check_levels(client, paint([west, east]))
        check_statistics(client, registered["tiles"][0]["id"], west)

        # a change: the file first, which nobody notices on reads, then its registration
        above = OracleTile(-3, 20, random.integers(600, 900, (41, 33), dtype=np.int16), nodata=-9)
        np.save(installation.tiles / "east.npy", above.cells)
        check_levels(client, paint([west, east]))
        stats = f"/terrain/tile/{registered['tiles'][1]['id']}/stats"
        problem_in(client.get(stats), 409, "source-changed")
        again = register(client, installation, {"east.npy": above})
        assert (again["tiles"][0]["id"], again["origin_moved"]) == (registered["tiles"][1]["id"], True)
        assert states(client) == dict.fromkeys(METRICS, "stale")
        check_levels(client, paint([west, above]))
        assert states(client) == dict.fromkeys(METRICS, "ready")
        check_statistics(client, again["tiles"][0]["id"], above)

        # one tile less
        assert client.delete(f"/terrain/tile/{registered['tiles'][0]['id']}").status_code == 204
        assert states(client) == dict.fromkeys(METRICS, "stale")
        check_levels(client, paint([above]))

        assert client.delete("/terrain/alps").status_code == 204
        for gone in ("", "/tile", "/pyramid", "/pyramid/max", "/pyramid/max/0"):
            problem_in(client.get(f"/terrain/alps{gone}"), 404, "terrain-not-found")
        problem_in(client.get(stats), 404, "tile-not-found")
        assert client.get("/terrain").json() == {"terrains": [], "next": None}
    assert {path.name for path in installation.tiles.iterdir()} == {"west.npy", "east.npy"}


def register(client: TestClient, installation: Installation, tiles: dict[str, OracleTile]) -> Any:
    """Write tiles and register them."""
    for url, tile in tiles.items():
        np.save(installation.tiles / url, tile.cells)
    orders = [{"url": url, "x": tile.col, "y": tile.row} for url, tile in tiles.items()]
    answer = client.post("/terrain/alps/tile", json={"tiles": orders})
    assert answer.status_code == 201, answer.text
    return answer.json()


def states(client: TestClient) -> dict[str, str]:
    """State of the pyramids that were built at one time or another."""
    listed = client.get("/terrain/alps/pyramid").json()["pyramids"]
    return {each["metric"]: each["state"] for each in listed if each["metric"] in METRICS}


def check_levels(client: TestClient, native: NativeCells) -> None:
    """Every level of every metric is that of the native cells."""
    for metric in METRICS:
        for level in range(native.level_count):
            body = client.get(f"/terrain/alps/pyramid/{metric}/{level}").json()
            expected, has_data = expect(native, metric, level)
            assert (body["level_count"], body["state"]) == (native.level_count, "ready")
            found = np.array(body["values"], dtype=float)  # null is NaN
            np.testing.assert_array_equal(np.isnan(found), ~has_data)
            np.testing.assert_allclose(
                found[has_data], expected[has_data], rtol=2**-22 if metric == "mean" else 0
            )
        missing = client.get(f"/terrain/alps/pyramid/{metric}/{native.level_count}")
        problem_in(missing, 404, "level-not-found")


def expect(native: NativeCells, metric: str, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Values, and where there are any."""
    if metric == "mean":
        return native.mean(level)
    if metric == "count":
        count = native.count(level)
        return count, np.ones(count.shape, dtype=bool)
    return native.extreme(level, metric)


def check_statistics(client: TestClient, tile_id: int, tile: OracleTile) -> None:
    """A tile's statistics are numpy's of its valid cells."""
    valid = tile.cells[tile.valid].astype(float)
    found = client.get(f"/terrain/tile/{tile_id}/stats").json()
    assert (found["cell_count"], found["valid_count"]) == (tile.cells.size, valid.size)
    assert (found["min"], found["max"]) == (valid.min(), valid.max())
    assert (found["mean"], found["std"]) == pytest.approx((valid.mean(), valid.std()))
