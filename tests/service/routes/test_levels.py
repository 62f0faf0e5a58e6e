"""Zoom levels over REST: computed when there is no stored version, then served from the store."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from installations import Installation, make_installation
from rest import GOLDEN, GOLDEN_LEVELS, create_golden, problem, save_golden, served

LEVEL = "/terrain/golden/pyramid/max"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = make_installation(tmp_path)
    save_golden(made)
    return made


@pytest.fixture
def client(installation: Installation) -> Iterator[TestClient]:
    with served(installation) as client:
        create_golden(client)
        yield client


@pytest.mark.parametrize("terrain", ["golden", "1"])
def test_the_levels_of_the_worked_example(client: TestClient, terrain: str) -> None:
    for level, expected in enumerate(GOLDEN_LEVELS):
        for asked in (level, level - 4):
            body = client.get(f"/terrain/{terrain}/pyramid/max/{asked}").json()
            assert body["values"] == expected
            assert (body["level"], body["level_count"]) == (level, 4)
            assert (body["level_height"], body["level_width"]) == np.shape(expected)
    missing = problem(client.get(f"/terrain/{terrain}/pyramid/max/4"), 404)
    assert "no level 4; the pyramid has levels 0 to 3" in missing["detail"]


def test_an_answer_says_all_that_its_cells_need(client: TestClient) -> None:
    answer = client.get(f"{LEVEL}/1?row=1&col=2&height=2&width=1")
    body = answer.json()
    assert body.pop("generation") == answer.headers["ziggurat-generation"]
    assert body == {
        "terrain_id": 1, "metric": "max", "level": 1, "level_count": 4,
        "row": 1, "col": 2, "height": 2, "width": 1, "level_height": 3, "level_width": 4,
        "dtype": "int16", "nodata": None, "unit": "m", "crs": None,
        "transform": [2.0, 0.0, 4.0, 0.0, -2.0, -2.0], "extent": [4.0, -6.0, 6.0, -2.0],
        "state": "ready", "values": [[53], [59]],
    }  # fmt: skip


def test_windows_are_those_of_numpy(client: TestClient) -> None:
    cells = np.array(GOLDEN)
    for row in range(5):
        for col in range(7):
            body = client.get(f"{LEVEL}/0?row={row}&col={col}&height={5 - row}&width=1").json()
            assert body["values"] == cells[row:, col : col + 1].tolist()


@pytest.mark.parametrize(
    "window",
    ["row=-1", "row=5", "col=7", "row=4&height=2", "width=8", "height=0", "width=-3", "row=10000000000"],
)
def test_windows_outside_are_refused(client: TestClient, window: str) -> None:
    problem(client.get(f"{LEVEL}/0?{window}"), 422)


@pytest.mark.parametrize("level", ["x", "1.5", "", "0x1", "1e3", f"{10**30}", "%00"])
def test_what_is_no_level_is_no_answer(client: TestClient, level: str) -> None:
    answer = client.get(f"{LEVEL}/{level}", follow_redirects=False)
    problem(answer, 422 if level else 404) if answer.status_code != 307 else None


@pytest.mark.parametrize("level", [4, -5, 10**9, -(10**15)])
def test_levels_that_the_pyramid_has_not_are_not_found(client: TestClient, level: int) -> None:
    assert problem(client.get(f"{LEVEL}/{level}"), 404)["level_count"] == 4


def test_numpy_files_are_the_same_cells(client: TestClient) -> None:
    for answer in (
        client.get(f"{LEVEL}/1?f=npy"),
        client.get(f"{LEVEL}/1", headers={"Accept": "application/x-npy"}),
    ):
        assert answer.headers["content-type"] == "application/x-npy"
        cells = np.load(io.BytesIO(answer.content), allow_pickle=False)
        assert (cells.dtype, cells.tolist()) == (np.dtype("<i2"), GOLDEN_LEVELS[1])
    assert "there are json, npy" in problem(client.get(f"{LEVEL}/1?f=xml"), 422)["detail"]


def test_nodata_is_null_and_json_has_no_nan(client: TestClient, installation: Installation) -> None:
    cells = np.array([[1.5, np.nan, np.inf], [-np.inf, 2.0, np.nan]], np.float32)
    np.save(installation.tiles / "holes.npy", cells)
    client.post("/terrain", json={"name": "holes"})
    client.post("/terrain/holes/tile", json={"tiles": [{"url": "holes.npy", "x": 0, "y": 0}]})
    answer = client.get("/terrain/holes/pyramid/max/0")
    body = json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert body["values"] == [[1.5, None, None], [None, 2.0, None]]
    assert body["nodata"] == "NaN"
    assert client.get("/terrain/holes/pyramid/count/-1").json()["values"] == [[2]]
    assert client.get("/terrain/holes/pyramid/mean/-1").json()["values"] == [[1.75]]


def test_the_second_request_opens_no_source(client: TestClient, installation: Installation) -> None:
    first = client.get(f"{LEVEL}/2")
    for tile in installation.tiles.iterdir():
        tile.unlink()
    for level, expected in enumerate(GOLDEN_LEVELS):
        assert client.get(f"{LEVEL}/{level}").json()["values"] == expected
    assert client.get(f"{LEVEL}/2").headers["etag"] == first.headers["etag"]


def test_a_client_that_has_the_window_gets_no_cells(client: TestClient, installation: Installation) -> None:
    etag = client.get(f"{LEVEL}/1").headers["etag"]
    for stored in (installation.folder / "pyramids").rglob("c/*/*"):
        stored.unlink()
    for header in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = client.get(f"{LEVEL}/1", headers={"If-None-Match": header})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    problem(client.get(f"{LEVEL}/1", headers={"If-None-Match": '"x"'}), 503)


def test_too_many_cells_name_the_limit_and_the_level_that_fits(installation: Installation) -> None:
    with served(installation, max_answer_cells=12) as client:
        create_golden(client)
        found = problem(client.get(f"{LEVEL}/0"), 413)
        assert (found["cell_count"], found["limit"], found["finest_level"]) == (35, 12, 1)
        assert client.get(f"{LEVEL}/1").json()["values"] == GOLDEN_LEVELS[1]
        assert client.get(f"{LEVEL}/0?height=2&width=6").status_code == 200


def test_a_terrain_without_tiles_has_no_levels(client: TestClient) -> None:
    client.post("/terrain", json={"name": "bare"})
    assert (
        "has no tiles; register some first"
        in problem(client.get("/terrain/bare/pyramid/max/0"), 409)["detail"]
    )


def test_a_terrain_of_one_cell_has_one_level(client: TestClient, installation: Installation) -> None:
    np.save(installation.tiles / "one.npy", np.array([[7]], np.uint8))
    client.post("/terrain", json={"name": "one"})
    client.post("/terrain/one/tile", json={"tiles": [{"url": "one.npy", "x": -3, "y": 9}]})
    for metric, value in (("max", 7), ("min", 7), ("mean", 7.0), ("count", 1)):
        body = client.get(f"/terrain/one/pyramid/{metric}/0").json()
        assert (body["values"], body["level_count"]) == ([[value]], 1)
        problem(client.get(f"/terrain/one/pyramid/{metric}/1"), 404)


def test_unknown_terrains_and_metrics_are_not_found(client: TestClient) -> None:
    problem(client.get("/terrain/nowhere/pyramid/max/0"), 404)
    problem(client.get("/terrain/99/pyramid/max/0"), 404)
    problem(client.get("/terrain/%2e%2e/pyramid/max/0"), 404)
    found = problem(client.get("/terrain/golden/pyramid/maximum/0"), 404)
    assert "there are max, min, mean, count" in found["detail"]


def test_a_mistyped_parameter_is_refused_by_name(client: TestClient) -> None:
    found = problem(client.get(f"{LEVEL}/0?heigth=2&row=1"), 422)
    assert found["unknown"] == ["heigth"]
    assert "height" in found["known"]


def test_head_is_get_without_the_body(client: TestClient) -> None:
    got, head = client.get(f"{LEVEL}/1"), client.head(f"{LEVEL}/1")
    assert (head.status_code, head.content) == (200, b"")
    for header in ("etag", "content-length", "content-type", "ziggurat-state"):
        assert head.headers[header] == got.headers[header]


def test_a_source_that_is_gone_at_the_first_build_is_told(
    client: TestClient, installation: Installation
) -> None:
    (installation.tiles / "east.npy").unlink()
    for _ in range(2):
        assert problem(client.get(f"{LEVEL}/0"), 502)["source"] == "east.npy"
    state = client.get(LEVEL).json()
    assert (state["state"], state["failure"]["error"]) == ("failed", "SourceNotFound")
    np.save(installation.tiles / "east.npy", np.zeros((5, 3), np.int16))
    assert problem(client.get(f"{LEVEL}/0"), 409)["type"] == "/problems/source-changed"
    client.post("/terrain/golden/tile", json={"tiles": [{"url": "east.npy", "x": 4, "y": 0}]})
    assert client.get(f"{LEVEL}/-1").json()["values"] == [[87]]


def test_a_damaged_shard_is_never_nodata_and_the_next_request_builds_anew(
    client: TestClient, installation: Installation
) -> None:
    first = client.get(f"{LEVEL}/0").json()["generation"]
    for damaged in (installation.folder / "pyramids").rglob("0/elevation/c/0/0"):
        damaged.write_bytes(b"")
    answer = client.get(f"{LEVEL}/0")
    problem(answer, 503)
    assert 1 <= int(answer.headers["retry-after"]) <= 5
    assert client.get(LEVEL).json()["state"] == "corrupt"
    after = client.get(f"{LEVEL}/0").json()
    assert after["values"] == GOLDEN
    assert after["generation"] > first
