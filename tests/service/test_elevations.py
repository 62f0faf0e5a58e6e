"""Values at points over REST: what is there, what is refused, and what happens when nothing is built."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from installations import Installation
from make_small_terrains import GOLDEN
from rest import AppClient, add_golden, add_terrain, open_client, problem_in
from service.json_bodies import read_json

CELLS = np.array(GOLDEN)


@pytest.fixture(scope="module")
def client(shared_installation: Installation) -> Iterator[AppClient]:
    """Golden, without CRS, and `alps`, of degrees and with a hole."""
    with open_client(shared_installation) as client:
        add_golden(shared_installation, client)
        cells = np.arange(12, dtype=np.float32).reshape(3, 4) * 10
        cells[1, 2] = np.nan
        np.save(shared_installation.tiles / "alps.npy", cells)
        place = {"crs": "EPSG:4326", "anchor_transform": [0.5, 0.0, 7.0, 0.0, -0.5, 48.0]}
        add_terrain(
            client,
            "alps",
            {"url": shared_installation.offer_tile("alps.npy"), "x": 0, "y": 0},
            **place,
            unit="m",
        )
        yield client


def test_a_point_by_row_and_col(client: AppClient) -> None:
    for row, col in np.ndindex(*CELLS.shape):
        answer = client.get(f"/terrain/golden/elevation?row={row}&col={col}")
        assert answer.status_code == 200
        found = answer.json()
        assert (found["elevation"], found["status"]) == (CELLS[row, col], "value")
        assert (found["row"], found["col"], found["metric"], found["unit"]) == (row, col, "max", "m")


def test_points_by_lon_and_lat_and_by_x_and_y_are_the_same(client: AppClient) -> None:
    by = [
        client.get(f"/terrain/alps/elevation?{query}").json()
        for query in ("lon=7.6&lat=47.9", "x=7.6&y=47.9")
    ]
    assert [each["elevation"] for each in by] == [10, 10]


def test_bilinear_lies_between_the_centres(client: AppClient) -> None:
    found = client.get("/terrain/alps/elevation?lon=7.5&lat=47.75&interpolation=bilinear").json()
    assert (found["elevation"], found["status"]) == (5, "value")


def test_outside_nodata_and_value_are_told_apart(client: AppClient) -> None:
    points = [{"lon": 8.2, "lat": 47.3}, {"lon": 6.9, "lat": 47.3}, {"lon": 7.2, "lat": 47.3}]
    answer = client.post("/terrain/alps/elevation", json={"points": points})
    assert answer.json()["points"] == [
        {"elevation": None, "status": "nodata"},
        {"elevation": None, "status": "outside"},
        {"elevation": 40, "status": "value"},
    ]
    assert "etag" not in answer.headers
    assert answer.headers["ziggurat-state"] == "ready"


def test_an_answer_that_the_client_has_is_304(client: AppClient) -> None:
    first = client.get("/terrain/golden/elevation?row=1&col=1")
    again = client.get(
        "/terrain/golden/elevation?row=1&col=1", headers={"If-None-Match": first.headers["etag"]}
    )
    assert again.status_code == 304
    other = client.get(
        "/terrain/golden/elevation?row=1&col=2", headers={"If-None-Match": first.headers["etag"]}
    )
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("query", "kind", "named"),
    [
        ("", "parameter-invalid", "lon"),
        ("lon=7", "parameter-invalid", "lat"),
        ("row=1", "parameter-invalid", "col"),
        ("y=1", "parameter-invalid", "x"),
        ("lon=7&lat=47&x=1&y=2", "parameter-invalid", "x, y"),
        ("lon=7&lat=47&row=1", "parameter-invalid", "row"),
        ("lon=7&lat=91", "request-invalid", "lat"),
        ("lon=361&lat=4", "request-invalid", "lon"),
        ("lon=nan&lat=4", "request-invalid", "lon"),
        ("row=inf&col=4", "request-invalid", "row"),
        ("row=1&col=4&interpolation=cubic", "request-invalid", "interpolation"),
        ("row=1&col=4&lng=4", "parameter-unknown", "lng"),
    ],
)
def test_what_names_no_point_is_refused(client: AppClient, query: str, kind: str, named: str) -> None:
    problem = problem_in(client.get(f"/terrain/alps/elevation?{query}"), 422, kind)
    assert named in problem["detail"]


@pytest.mark.parametrize(
    "points",
    [
        [],
        [{"lon": 7, "lat": 47}, {"x": 7, "y": 47}],
        [{"lon": 7, "lat": 47, "row": 1}],
        [{"lon": 7}],
        [{"lon": 7, "lat": 95}],
        [{"lng": 7, "lat": 47}],
        [7, 47],
        "7,47",
    ],
)
def test_what_are_no_points_is_refused(client: AppClient, points: Any) -> None:
    problem_in(client.post("/terrain/alps/elevation", json={"points": points}), 422, "request-invalid")


def test_degrees_lead_nowhere_without_a_crs(client: AppClient) -> None:
    assert (
        "row and col"
        in problem_in(client.get("/terrain/golden/elevation?lon=1&lat=1"), 422, "place-unknown")["detail"]
    )


def test_the_number_of_points_is_bounded(client: AppClient) -> None:
    most = client.post("/terrain/alps/elevation", json={"points": [{"x": 7.1, "y": 47.9}] * 10_000})
    assert most.json()["points"] == [{"elevation": 0, "status": "value"}] * 10_000
    more = client.post("/terrain/alps/elevation", json={"points": [{"x": 7.1, "y": 47.9}] * 10_001})
    problem = problem_in(more, 413, "points-too-many")
    assert (problem["count"], problem["limit"]) == (10_001, 10_000)


def test_mean_answers_once_it_was_built(client: AppClient) -> None:
    assert client.get("/terrain/alps/elevation?row=0&col=1").json()["metric"] == "max"
    client.get("/terrain/alps/pyramid/mean/0")
    assert client.get("/terrain/alps/elevation?row=0&col=1").json()["metric"] == "mean"
    assert client.get("/terrain/alps/elevation?row=0&col=1&metric=count").json()["elevation"] == 1
    problem_in(client.get("/terrain/alps/elevation?row=0&col=1&metric=tallest"), 404, "metric-not-found")


def test_a_terrain_across_the_antimeridian(shared_installation: Installation, client: AppClient) -> None:
    np.save(shared_installation.tiles / "line.npy", np.arange(8, dtype=np.int16).reshape(1, 8))
    place = {"crs": "OGC:CRS84", "anchor_transform": [1.0, 0.0, 176.0, 0.0, -1.0, 1.0]}
    tile = {"url": shared_installation.offer_tile("line.npy"), "x": 0, "y": 0}
    add_terrain(client, "dateline", tile, **place)
    for lon, value in ((176.5, 0), (179.9, 3), (180, 4), (-180, 4), (-179.5, 4), (-176.5, 7), (183.5, 7)):
        found = client.get(f"/terrain/dateline/elevation?lon={lon}&lat=0.5").json()
        assert found["elevation"] == value
    assert client.get("/terrain/dateline/elevation?lon=-175&lat=0.5").json()["status"] == "outside"


@pytest.mark.parametrize(("path", "name"), [("elevation", "points"), ("profile", "line")])
def test_points_beyond_the_limit_are_counted_and_not_read(client: AppClient, path: str, name: str) -> None:
    """Bodies become models in the event loop: nobody else is served meanwhile."""
    answer = client.post(f"/terrain/alps/{path}", json={name: [{"q": 1}] * 10_001})
    assert problem_in(answer, 413, "points-too-many")["detail"].startswith("10001 points")


@pytest.mark.parametrize(("path", "name"), [("elevation", "points"), ("profile", "line")])
def test_reading_points_ends_at_the_first_that_is_none(client: AppClient, path: str, name: str) -> None:
    problem = problem_in(
        client.post(f"/terrain/alps/{path}", json={name: [{"q": 1}] * 100}), 422, "request-invalid"
    )
    assert len(problem["errors"]) == 3  # of the first one: it has neither number, and a name too many


def test_a_long_body_is_read_in_a_thread(client: AppClient, monkeypatch: pytest.MonkeyPatch) -> None:
    read_in: list[asyncio.AbstractEventLoop | None] = []

    def noting(content: bytes) -> Any:
        read_in.append(asyncio._get_running_loop())
        return read_json(content)

    monkeypatch.setattr("service.json_bodies.read_json", noting)
    client.post("/terrain/alps/elevation", json={"points": [{"x": 7.1, "y": 47.9}] * 5000})
    assert read_in == [None]
