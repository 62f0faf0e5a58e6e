"""Clients of Open Topo Data: what they send is understood, and what they get is what they know."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from installations import Installation
from rest import AppClient, add_golden, add_terrain, open_client
from service.elevations import PointsAsked
from service.errors import ParameterInvalid
from service.opentopodata import parse_locations
from service.value_errors import PointsTooMany

POLYLINE = "_p~iF~ps|U_ulLnnqC_mqNvxq`@"
DECODED = [(38.5, -120.2), (40.7, -120.95), (43.252, -126.453)]
"""The example of Google's own description."""


@pytest.fixture(scope="module")
def client(shared_installation: Installation) -> Iterator[AppClient]:
    with open_client(shared_installation) as client:
        add_golden(shared_installation, client)
        client.post("/terrain", json={"name": "empty"})
        cells = np.arange(12, dtype=np.float32).reshape(3, 4) * 10
        cells[1, 2] = np.nan
        np.save(shared_installation.tiles / "alps.npy", cells)
        tile = {"url": shared_installation.offer_tile("alps.npy"), "x": 0, "y": 0}
        add_terrain(client, "alps", tile, crs="EPSG:4326", anchor_transform=[0.5, 0.0, 7.0, 0.0, -0.5, 48.0])
        yield client


def test_an_answer_has_the_shape_that_clients_know(client: AppClient) -> None:
    answer = client.get("/v1/alps", params={"locations": "47.75,7.5|10,10"})
    assert answer.status_code == 200
    assert answer.json() == {
        "results": [
            {"elevation": 5.0, "location": {"lat": 47.75, "lng": 7.5}, "dataset": "alps"},
            {"elevation": None, "location": {"lat": 10.0, "lng": 10.0}, "dataset": "alps"},
        ],
        "status": "OK",
    }


def test_post_is_the_same(client: AppClient) -> None:
    asked = {"locations": "47.75,7.5|47.3,8.2", "interpolation": "nearest", "nodata_value": -9999}
    got = client.get("/v1/alps", params=asked).json()
    assert got == client.post("/v1/alps", json=asked).json()
    assert [each["elevation"] for each in got["results"]] == [10, -9999]


def test_a_form_is_the_same(client: AppClient) -> None:
    asked = {
        "locations": "47.75,7.5|47.3,8.2",
        "interpolation": "nearest",
        "nodata_value": -9999,
        "samples": 3,
    }
    answer = client.post("/v1/alps", data=asked | {"format": "json"})
    assert answer.status_code == 200
    assert answer.json() == client.get("/v1/alps", params=asked).json()
    long = client.post("/v1/alps", data={"locations": "|".join(["47.75,7.5"] * 9000)})
    assert [each["elevation"] for each in long.json()["results"]] == [5] * 9000


@pytest.mark.parametrize(
    "form", ["", "locations", "locations=47,7&locations=48,7", "locations=47,7&dataset=alps", "locations=%ff"]
)
def test_a_form_is_read_strictly(client: AppClient, form: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.post("/v1/alps", content=form.encode(), headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (400, "INVALID_REQUEST")


def test_the_format_is_json(client: AppClient) -> None:
    found = client.get("/v1/alps?locations=47.75,7.5&format=json")
    assert found.json() == client.get("/v1/alps?locations=47.75,7.5").json()
    assert client.get("/v1/alps?locations=47.75,7.5&format=geojson").status_code == 400


def test_the_number_of_locations_is_bounded(client: AppClient) -> None:
    answer = client.post("/v1/alps", json={"locations": "|".join(["47,7"] * 10_001)})
    assert (answer.status_code, answer.json()["status"]) == (400, "INVALID_REQUEST")
    assert "10001 points in one request; at most 10000" in answer.json()["error"]


@pytest.mark.parametrize("text", ["no,number|" * 11, "?" * 22, POLYLINE * 4, "1,1|" * 11])
def test_locations_beyond_the_limit_are_counted_and_not_read(text: str) -> None:
    with pytest.raises(PointsTooMany) as caught:
        parse_locations(text, 10)
    assert caught.value.count in {11, 12}


@pytest.mark.parametrize(
    "text", ["4_6,9", "\u0664\u0666,9", " 46,9", "46,nan", "46,1e999", "46,0x9", "46,9,1"]
)
def test_numbers_are_spelled_as_everywhere(text: str) -> None:
    with pytest.raises(ParameterInvalid):
        parse_locations(text, 10)


def test_nodata_may_be_asked_for_as_null(client: AppClient) -> None:
    found = client.get("/v1/alps?locations=47.3,8.2&nodata_value=null").json()
    assert found["results"][0]["elevation"] is None


def test_samples_lie_along_the_line(client: AppClient) -> None:
    found = client.get("/v1/alps?locations=47.75,7.25|47.75,8.75&samples=4&interpolation=nearest").json()
    assert [each["elevation"] for each in found["results"]] == [0, 10, 20, 30]
    lngs = [each["location"]["lng"] for each in found["results"]]
    np.testing.assert_allclose(lngs, [7.25, 7.75, 8.25, 8.75], atol=1e-4)  # a geodesic, no parallel


def test_a_polyline_is_understood() -> None:
    assert rounded(parse_locations(POLYLINE, 3)) == DECODED


@pytest.mark.parametrize("text", ["_p~iF~ps|U_ulL", "_p~iF~", "_p~iF ps|U", "ÿÿÿ", "~" * 40, "_p~iF"])
def test_what_is_no_polyline_is_refused(text: str) -> None:
    with pytest.raises(ParameterInvalid):
        parse_locations(text, 100)


def rounded(points: PointsAsked) -> list[tuple[float, float]]:
    return [(round(lat, 5), round(lon, 5)) for lon, lat in zip(points.first, points.second, strict=True)]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", "locations"),
        ("locations=", "none given"),
        ("locations=|", "none given"),
        ("locations=47.75", "location"),
        ("locations=47.75,7.5|47", "location 2"),
        ("locations=47.75,7.5|a,b", "location 2"),
        ("locations=47.75,7.5,3", "location 1"),
        ("locations=91,7.5", "location 1"),
        ("locations=47,181", "location 1"),
        ("locations=nan,7", "location 1"),
        ("locations=47,7&interpolation=cubic", "interpolation"),
        ("locations=47,7&samples=1", "samples"),
        ("locations=47,7&samples=5", "one location is no line"),
        ("locations=47,7&nodata_value=nan", "nodata_value"),
        ("locations=47,7&format=geojson", "format"),
        ("locations=" + "|".join(["47,7"] * 1001), "at most 5000"),
        ("locations=47,7|48,8&samples=10001", "at most 10000"),
    ],
)
def test_what_cannot_be_answered_is_told_in_their_words(client: AppClient, query: str, named: str) -> None:
    answer = client.get(f"/v1/alps?{query}")
    assert answer.status_code == 400
    assert answer.json()["status"] == "INVALID_REQUEST"
    assert named in answer.json()["error"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(("terrain", "status"), [("nowhere", 404), ("empty", 409), ("golden", 400)])
def test_terrains_that_cannot_answer(client: AppClient, terrain: str, status: int) -> None:
    answer = client.get(f"/v1/{terrain}?locations=47,7")
    assert (answer.status_code, answer.json()["status"]) == (status, "INVALID_REQUEST")


def test_a_body_that_is_no_json_is_told_in_their_words(client: AppClient) -> None:
    answer = client.post("/v1/alps", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (400, "INVALID_REQUEST")


def test_all_places_of_a_long_request_are_answered_in_order(client: AppClient) -> None:
    rng = np.random.default_rng(5)
    lats, lons = rng.uniform(46.5, 48, 3000).round(6), rng.uniform(7, 9, 3000).round(6)
    text = "|".join(f"{lat},{lon}" for lat, lon in zip(lats, lons, strict=True))
    found = client.post("/v1/alps", json={"locations": text, "interpolation": "nearest"}).json()["results"]
    for lat, lon, each in zip(lats, lons, found, strict=True):
        row, col = math.floor((48 - lat) * 2), math.floor((lon - 7) * 2)
        assert each["location"] == {"lat": lat, "lng": lon}
        assert each["elevation"] == (None if (row, col) == (1, 2) else (row * 4 + col) * 10)
