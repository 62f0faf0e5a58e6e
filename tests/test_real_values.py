"""Values at points of real terrains: where tiles meet there is no gap, and each value is that of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from installations import Installation
from rest import AppClient, open_client

RHINE = "srtm3_rhine_south"


@pytest.fixture(scope="module")
def client(dem: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppClient]:
    installation = Installation(tmp_path_factory.mktemp("real"), dem / RHINE)
    assert installation.run("add", "rhine", "N4*", "--create").code == 0
    with open_client(installation, max_points=100_000) as client:
        yield client


@pytest.fixture(scope="module")
def places(dem: Path) -> list[dict[str, float]]:
    """Along all borders of tiles, on them and up to two cells beside them, and anywhere else."""
    borders_lon, borders_lat = np.arange(7.0, 12.0), np.arange(47.0, 50.0)
    rng = np.random.default_rng(2)
    with rasterio.open(min((dem / RHINE).glob("N4*"))) as first:
        cell = first.transform.a
    beside = np.array([-2, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 2]) * cell
    lons = [lon + by for lon in borders_lon for by in beside for _ in range(60)]
    lats = [rng.uniform(47, 49) for _ in lons]
    more_lats = [lat + by for lat in borders_lat for by in beside for _ in range(60)]
    more_lons = [rng.uniform(7, 11) for _ in more_lats]
    return [
        {"lon": float(lon), "lat": float(lat)}
        for lon, lat in zip([*lons, *more_lons], [*lats, *more_lats], strict=True)
    ]


def values_of_files(folder: Path, places: list[dict[str, float]]) -> list[set[int]]:
    """What the files that hold a place say there, voids left out."""
    found: list[set[int]] = [set() for _ in places]
    for path in sorted(folder.glob("N4*")):
        with rasterio.open(path) as raster:
            cells, nodata = raster.read(1), raster.nodata
            for index, place in enumerate(places):
                col, row = ~raster.transform @ (place["lon"], place["lat"])
                # a place on a line between cells is in both of them
                for r in {int(np.floor(row - 1e-6)), int(np.floor(row + 1e-6))}:
                    for c in {int(np.floor(col - 1e-6)), int(np.floor(col + 1e-6))}:
                        if 0 <= r < cells.shape[0] and 0 <= c < cells.shape[1] and cells[r, c] != nodata:
                            found[index].add(int(cells[r, c]))
    return found


def test_every_value_is_that_of_a_file_and_none_is_lost_at_a_border(
    client: AppClient, dem: Path, places: list[dict[str, float]]
) -> None:
    expected = values_of_files(dem / RHINE, places)
    nearest = client.post("/terrain/rhine/elevation", json={"points": places}).json()["points"]
    bilinear = client.post(
        "/terrain/rhine/elevation", json={"points": places, "interpolation": "bilinear"}
    ).json()["points"]
    assert sum(len(each) > 0 for each in expected) > 3000
    for place, values, near, between in zip(places, expected, nearest, bilinear, strict=True):
        assert near["status"] == between["status"]
        if values:
            assert near["status"] == "value", place
            assert near["elevation"] in values, place
            assert isinstance(between["elevation"], float)
        else:
            assert near["elevation"] is None


def test_a_profile_across_all_tiles_has_no_gap(client: AppClient) -> None:
    answer = client.get("/terrain/rhine/profile?line=7.1,47.8;10.9,48.3&samples=5000")
    samples = answer.json()["samples"]
    assert {each["status"] for each in samples} == {"value"}
    heights = np.array([each["elevation"] for each in samples])
    assert 150 < heights.min() < heights.max() < 1500
    assert np.abs(np.diff(heights)).max() < 400
