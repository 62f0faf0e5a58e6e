"""Values along lines over REST."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from pyproj import Geod

from installations import Installation
from make_small_terrains import GOLDEN
from rest import AppClient, add_golden, add_terrain, open_client, problem_in

CELLS = np.array(GOLDEN)


@pytest.fixture(scope="module")
def client(shared_installation: Installation) -> Iterator[AppClient]:
    """Golden, without CRS; `alps`, of degrees; `valley`, of metres."""
    with open_client(shared_installation) as client:
        add_golden(shared_installation, client)
        np.save(shared_installation.tiles / "alps.npy", np.arange(12, dtype=np.float32).reshape(3, 4) * 10)
        tile = {"url": shared_installation.offer_tile("alps.npy"), "x": 0, "y": 0}
        degrees = {"crs": "EPSG:4326", "anchor_transform": [0.5, 0.0, 7.0, 0.0, -0.5, 48.0]}
        metres = {"crs": "EPSG:32632", "anchor_transform": [10, 0.0, 400_000, 0.0, -10, 5_300_000]}
        add_terrain(client, "alps", tile, **degrees)
        add_terrain(client, "valley", tile, **metres)
        add_terrain(client, "albers", tile, **metres | {"crs": "EPSG:5070"})
        yield client


def test_a_row_of_cells(client: AppClient) -> None:
    found = client.get("/terrain/golden/profile?axes=rowcol&line=2,0;2,6&samples=7").json()
    assert [each["elevation"] for each in found["samples"]] == CELLS[2].tolist()
    assert [each["col"] for each in found["samples"]] == list(range(7))
    assert [each["distance"] for each in found["samples"]] == list(range(7))
    assert (found["length"], found["distance_unit"]) == (6, None)


def test_on_the_globe_distances_are_metres_along_geodesics(client: AppClient) -> None:
    found = client.get("/terrain/alps/profile?line=7.1,47.9;8.9,46.6;7.1,46.6&samples=50").json()
    geod = Geod(ellps="WGS84")
    assert math.isclose(found["length"], geod.line_length([7.1, 8.9, 7.1], [47.9, 46.6, 46.6]), abs_tol=1e-3)
    assert found["distance_unit"] == "metre"
    lons, lats = ([each[name] for each in found["samples"]] for name in ("lon", "lat"))
    for lon, lat, each in zip(lons, lats, found["samples"], strict=True):
        at = client.get(f"/terrain/alps/elevation?lon={lon!r}&lat={lat!r}").json()
        assert (at["elevation"], at["status"]) == (each["elevation"], each["status"])


def test_in_metres_the_line_is_straight_and_leaves_the_terrain(client: AppClient) -> None:
    line = [{"x": 399_990, "y": 5_299_995}, {"x": 400_050, "y": 5_299_995}]
    found = client.post("/terrain/valley/profile", json={"line": line, "samples": 7}).json()
    assert [(each["elevation"], each["status"]) for each in found["samples"]] == [
        (None, "outside"),
        *((value, "value") for value in (0, 10, 20, 30, 30)),  # the right edge is the last cell's
        (None, "outside"),
    ]
    assert found["samples"][3] == {
        "distance": 30,
        "x": 400_020,
        "y": 5_299_995,
        "elevation": 20,
        "status": "value",
    }
    assert (found["length"], found["distance_unit"]) == (60, "metre")


def test_a_line_of_degrees_on_a_terrain_of_metres_comes_back_in_degrees(client: AppClient) -> None:
    corner = client.get("/terrain/valley").json()["lonlat_extent"]
    line = [{"lon": corner["left"], "lat": corner["top"]}, {"lon": corner["right"], "lat": corner["bottom"]}]
    found = client.post("/terrain/valley/profile", json={"line": line, "samples": 2}).json()
    for vertex, sample in zip(line, found["samples"], strict=True):
        assert math.isclose(sample["lon"], vertex["lon"], abs_tol=1e-9)
        assert math.isclose(sample["lat"], vertex["lat"], abs_tol=1e-9)
    assert math.isclose(found["length"], 50, rel_tol=0.05)


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("line=7,47", 422, "line-invalid"),
        ("line=7,47;8", 422, "line-invalid"),
        ("line=7,47;8,47,9", 422, "line-invalid"),
        ("line=7,47;8,north", 422, "line-invalid"),
        ("line=7,47;8,nan", 422, "line-invalid"),
        ("axes=rowcol&line=0,0;4_6,9", 422, "line-invalid"),
        ("line=7,47;8,91", 422, "line-invalid"),
        ("axes=xy&line=0,0;1e300,91", 200, None),
        ("line=7,47;8,47&samples=1", 422, "request-invalid"),
        ("line=7,47;8,47&samples=10001", 413, "points-too-many"),
        ("line=7,47;8,47&axes=latlon", 422, "request-invalid"),
        ("samples=7", 422, "request-invalid"),
    ],
)
def test_what_is_no_line_is_refused(client: AppClient, query: str, status: int, kind: str | None) -> None:
    answer = client.get(f"/terrain/valley/profile?{query}")
    if kind is None:
        assert answer.status_code == status
    else:
        problem_in(answer, status, kind)


def test_the_number_of_vertices_is_bounded(client: AppClient) -> None:
    line = [{"row": 0, "col": 0}] * 10_001
    problem_in(client.post("/terrain/golden/profile", json={"line": line}), 413, "points-too-many")
    problem_in(client.post("/terrain/golden/profile", json={"line": line[:1]}), 422, "request-invalid")
    problem_in(client.get("/terrain/golden/profile?line=1,1;2,2"), 422, "place-unknown")


@pytest.mark.parametrize("terrain", ["golden", "valley", "alps"])
@pytest.mark.parametrize("axes", ["xy", "rowcol"])
@pytest.mark.parametrize("far", ["1e3", "1e9", "1e17", "1e300", "1.7e308"])
def test_lines_that_go_far_are_answered_or_refused(
    client: AppClient, terrain: str, axes: str, far: str
) -> None:
    answer = client.get(f"/terrain/{terrain}/profile?axes={axes}&line=-{far},0;{far},-{far}&samples=9")
    if answer.status_code != 200:
        problem_in(answer, 422, "line-invalid")


def test_a_vertex_that_has_no_place_is_named(client: AppClient) -> None:
    problem = problem_in(client.get("/terrain/valley/profile?line=9,47;99,0"), 422, "line-invalid")
    assert "vertex 1" in problem["detail"]


def test_a_line_through_no_place_on_the_globe_is_refused(client: AppClient) -> None:
    """Beside the pole the map of a cone has a gap: a straight line through it has no degrees there."""
    answer = client.get("/terrain/albers/profile?line=0,89;180,89&samples=5")
    assert "sample 1 has no lon and lat" in problem_in(answer, 422, "line-invalid")["detail"]
    answer = client.get("/v1/albers?locations=89,0|89,180&samples=5")
    assert (answer.status_code, answer.json()["status"]) == (400, "INVALID_REQUEST")
