"""Creating terrains."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from catalog.errors import TerrainExists
from catalog.repository import terrains
from installations import Installation
from raster.errors import GridInvalid, TerrainTooLarge
from raster.grid import Extent
from service.creation import TerrainOrder, create_terrain
from service.house import House
from service.terrain_grids import find_grid, get_grid

ANCHOR = [10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0]
EXTENT = Extent(left=499_990, bottom=4_999_900, right=500_050, top=5_000_000)


@pytest.fixture
def house(installation: Installation) -> Iterator[House]:
    with installation.house(max_cells=1000) as house:
        yield house


def test_a_terrain_starts_without_tiles_and_without_grid(house: House) -> None:
    terrain = create_terrain(house, TerrainOrder(name="alps", title="The Alps", unit="m", tile_size=512))
    assert (terrain.name, terrain.title, terrain.unit, terrain.tile_size) == ("alps", "The Alps", "m", 512)
    assert (terrain.tile_count, terrain.revision) == (0, 0)
    assert find_grid(terrain) is None


def test_a_declared_extent_is_the_grid_and_lies_on_the_globe_before_any_tile(house: House) -> None:
    terrain = create_terrain(
        house, TerrainOrder(name="alps", crs="EPSG:32632", anchor_transform=ANCHOR, extent=EXTENT)
    )
    grid = find_grid(terrain)
    assert grid is not None
    assert (grid.shape, grid.extent) == ((10, 6), EXTENT)
    assert terrain.west == pytest.approx(9.0, abs=0.01)
    assert terrain.north == pytest.approx(45.15, abs=0.01)


def test_a_crs_is_kept_by_its_code(house: House) -> None:
    assert create_terrain(house, TerrainOrder(name="a", crs="epsg:32632")).crs == "EPSG:32632"


def test_a_name_is_taken_once(house: House) -> None:
    create_terrain(house, TerrainOrder(name="alps"))
    with pytest.raises(TerrainExists, match="alps"):
        create_terrain(house, TerrainOrder(name="alps", title="Other ones"))
    with house.database.read() as session:
        assert terrains.get_terrain(session, "alps").title is None


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (TerrainOrder(name="a", crs="EPSG:999999"), "crs"),
        (TerrainOrder(name="a", anchor_transform=[10, 1, 0, 0, -10, 0]), "anchor_transform"),
        (TerrainOrder(name="a", anchor_transform=[10, 0, 0, 0, 10, 0]), "anchor_transform"),
        (TerrainOrder(name="a", anchor_transform=ANCHOR, extent=Extent(500_003, 0, 500_050, 10)), "extent"),
        (TerrainOrder(name="a", extent=Extent(5, 0, 5, 10)), "extent"),
    ],
)
def test_a_grid_that_cannot_be_is_refused_naming_the_field(
    house: House, order: TerrainOrder, field: str
) -> None:
    with pytest.raises(GridInvalid, match=f"^{field}: "):
        create_terrain(house, order)
    with house.database.read() as session:
        assert terrains.find_terrain(session, "a") is None


def test_a_declared_extent_of_too_many_cells_is_refused(house: House) -> None:
    with pytest.raises(TerrainTooLarge, match=r"26 x 40 = 1040 cells; the limit is 1000"):
        create_terrain(house, TerrainOrder(name="a", extent=Extent(0, -26, 40, 0)))


def test_a_terrain_without_tiles_has_no_cells_to_give(house: House) -> None:
    terrain = create_terrain(house, TerrainOrder(name="alps", extent=Extent(0, -4, 4, 0)))
    with pytest.raises(Exception, match="has no tiles"):
        get_grid(terrain)
