"""Tiles by a cell or by an extent in degrees: those that touch it, on either side of the antimeridian."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from catalog.models import Terrain
from installations import make_installation, save_geotiff
from raster.errors import GridInvalid
from raster.grid import Window
from rest import AppClient, add_terrain, open_client, problem_in
from service.errors import ParameterInvalid
from service.tile_filters import TileFilter

WEST = 176
"""Longitude of the first of eight tiles of one degree each; four lie beyond the antimeridian."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppClient]:
    """A terrain `fiji` of eight tiles in a row, 10 x 10 cells of 0.1 degrees, 17 to 16 degrees south."""
    installation = make_installation(Path(tmp_path_factory.mktemp("fiji")))
    for number in range(8):
        save_geotiff(
            installation.tiles / f"{number}.tif",
            np.full((10, 10), number, np.int16),
            transform=Affine(0.1, 0, WEST + number, 0, -0.1, -16),
            crs="EPSG:4326",
        )
    with open_client(installation) as client:
        add_terrain(client, "fiji", *({"url": f"{number}.tif"} for number in range(8)))
        add_terrain(client, "nowhere")
        yield client


def found(client: AppClient, query: str) -> str:
    answer = client.get(f"/terrain/fiji/tile?{query}")
    assert answer.status_code == 200, answer.text
    return "".join(tile["url"][0] for tile in answer.json()["tiles"])


@pytest.mark.parametrize(
    ("bbox", "tiles"),
    [
        ("177.2,-16.5,177.8,-16.4", "1"),
        ("176.5,-16.5,178.5,-16.4", "012"),
        # an edge that is touched counts
        ("177,-16.5,177,-16.5", "01"),
        ("177.2,-16,177.8,-10", "1"),
        ("177.2,-20,177.8,-17", "1"),
        ("177.2,-15.9,177.8,-10", ""),
        ("177.2,-20,177.8,-17.1", ""),
        # beyond the antimeridian, in either way to write it
        ("-179.8,-16.5,-179.2,-16.4", "4"),
        ("180.2,-16.5,180.8,-16.4", "4"),
        ("179.5,-16.5,-178.5,-16.4", "345"),
        ("179.5,-16.5,181.5,-16.4", "345"),
        ("-178.5,-16.5,176.5,-16.4", "0567"),
        ("-180,-90,180,90", "01234567"),
        ("0,-90,360,90", "01234567"),
        ("-10,-16.5,10,-16.4", ""),
    ],
)
def test_tiles_that_touch_an_extent(client: AppClient, bbox: str, tiles: str) -> None:
    assert found(client, f"bbox={bbox}") == tiles


def test_tiles_that_hold_a_cell(client: AppClient) -> None:
    assert [found(client, f"row=0&col={col}") for col in (0, 9, 10, 79)] == ["0", "0", "1", "7"]
    assert found(client, "row=9&col=45") == "4"
    for outside in ("row=10&col=0", "row=-1&col=0", "row=0&col=80", "row=0&col=-1"):
        assert found(client, outside) == ""


def test_a_cell_and_an_extent_have_to_hold_both(client: AppClient) -> None:
    assert found(client, "row=0&col=15&bbox=176.5,-16.5,178.5,-16.4") == "1"
    assert found(client, "row=0&col=35&bbox=176.5,-16.5,178.5,-16.4") == ""


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("row=3", "parameter-invalid"),
        ("col=3", "parameter-invalid"),
        ("bbox=1,2,3", "grid-invalid"),
        ("bbox=1,2,3,4,5", "grid-invalid"),
        ("bbox=1,9,3,4", "grid-invalid"),
        ("bbox=1,2,3,nan", "grid-invalid"),
        ("bbox=nan,2,3,4", "grid-invalid"),
        ("bbox=-inf,2,inf,4", "grid-invalid"),
        ("bbox=1,-91,3,4", "grid-invalid"),
        ("bbox=", "grid-invalid"),
        ("row=0&col=x", "request-invalid"),
    ],
)
def test_what_is_no_filter_is_refused(client: AppClient, query: str, kind: str) -> None:
    problem_in(client.get(f"/terrain/fiji/tile?{query}"), 422, kind)


def test_a_terrain_without_crs_lies_nowhere_on_the_globe(client: AppClient) -> None:
    problem = problem_in(client.get("/terrain/nowhere/tile?bbox=0,0,1,1"), 422, "grid-invalid")
    assert "no CRS" in problem["detail"]
    assert client.get("/terrain/nowhere/tile?row=0&col=0").json()["tiles"] == []


def test_a_filter_names_the_half_that_is_missing() -> None:
    for given, missing in (({"row": 1, "col": None}, "col"), ({"row": None, "col": 1}, "row")):
        with pytest.raises(ParameterInvalid) as refused:
            TileFilter(bbox=None, **given).cell()
        assert refused.value.parameter == missing
    assert TileFilter(row=1, col=2, bbox=None).cell() == Window(row=1, col=2, height=1, width=1)
    assert TileFilter(row=None, col=None, bbox=None).cell() is None


def test_a_terrain_with_a_crs_and_no_tiles_has_no_cells_anywhere() -> None:
    everywhere = TileFilter(row=None, col=None, bbox="-180,-90,180,90")
    assert everywhere.windows(Terrain(name="bare", crs="EPSG:4326", tile_count=0)) == []
    with pytest.raises(GridInvalid, match="no CRS"):
        everywhere.windows(Terrain(name="bare", tile_count=0))
