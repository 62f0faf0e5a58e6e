"""Map tiles equal what GDAL's warper, or PROJ for each cell, makes of the stored level."""

from __future__ import annotations

import morecantile
import pytest
from affine import Affine

from map_tiles import MappedTerrain, by_gdal, by_proj, make_mapped, rough, share_equal, shown
from raster.map_tiles.matrices import TileAddress, get_matrix_set
from raster.map_tiles.reading import MapTile, TileAsked, read_map_tile

MERCATOR = "WebMercatorQuad"

TERRAINS: dict[str, tuple[tuple[int, int], Affine, str]] = {
    "utm": ((700, 900), Affine(30, 0, 400_000, 0, -30, 5_500_000), "EPSG:32632"),
    "degrees": ((600, 500), Affine(1 / 120, 0, 7, 0, -1 / 120, 47), "EPSG:4326"),
    "far north": ((300, 700), Affine(1 / 60, 0, 10, 0, -1 / 60, 86), "EPSG:4326"),
    "across the antimeridian": ((400, 500), Affine(1 / 60, 0, 176, 0, -1 / 60, -15), "EPSG:4326"),
    "the globe": ((180, 360), Affine(1, 0, -180, 0, -1, 90), "EPSG:4326"),
    "the globe from Greenwich": ((180, 360), Affine(1, 0, 0, 0, -1, 90), "EPSG:4326"),
    "UTM at the antimeridian": ((600, 600), Affine(500, 0, 350_000, 0, -500, -1_600_000), "EPSG:32760"),
    "UTM across the antimeridian": ((400, 400), Affine(1000, 0, 0, 0, -1000, 5_700_000), "EPSG:32601"),
    "UTM 60 across the antimeridian": (
        (400, 400),
        Affine(1000, 0, 600_000, 0, -1000, 8_200_000),
        "EPSG:32760",
    ),
    "Mercator across the antimeridian": (
        (300, 400),
        Affine(5000, 0, 19_500_000, 0, -5000, 1_000_000),
        "EPSG:3857",
    ),
    "ellipsoidal Mercator around the globe": (
        (200, 400),
        Affine(100_187.5, 0, -20_037_500, 0, -100_187.5, 10_000_000),
        "EPSG:3395",
    ),
    "Mercator of the Pacific": ((300, 500), Affine(5000, 0, 2_500_000, 0, -5000, 1_000_000), "EPSG:3832"),
    "the north pole": ((512, 512), Affine(4000, 0, -1_024_000, 0, -4000, 1_024_000), "EPSG:3413"),
    "Lambert": ((500, 500), Affine(1000, 0, 3_900_000, 0, -1000, 3_000_000), "EPSG:3035"),
}


@pytest.fixture(scope="module")
def terrains(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MappedTerrain]:
    made = {}
    for name, (shape, transform, crs) in TERRAINS.items():
        folder = tmp_path_factory.mktemp(name.replace(" ", "-"))
        made[name] = make_mapped(folder, rough(*shape), transform, crs)
    return made


def read(terrain: MappedTerrain, matrix_set: str, address: TileAddress, side: int = 256) -> MapTile:
    return read_map_tile(terrain.mapped, TileAsked(matrix_set=matrix_set, address=address, side=side))


def address_at(matrix_set: str, lon: float, lat: float, z: int) -> TileAddress:
    tile = morecantile.tms.get(matrix_set).tile(lon, lat, z)
    matrix = get_matrix_set(matrix_set).matrices[z]
    # what lies beyond the matrix is pushed to its edge
    return TileAddress(z, min(max(tile.x, 0), matrix.columns - 1), min(max(tile.y, 0), matrix.rows - 1))


CASES = [
    ("utm", MERCATOR, 7.8, 49.55, (0, 3, 6, 8, 10, 12, 14)),
    ("utm", "WorldCRS84Quad", 7.8, 49.55, (0, 5, 8, 11)),
    ("utm", "EuropeanETRS89_LAEAQuad", 7.8, 49.55, (0, 4, 8, 10)),
    ("utm", "UTM31WGS84Quad", 7.8, 49.55, (4, 10)),
    ("degrees", MERCATOR, 8, 46, (0, 4, 7, 9, 12)),
    ("degrees", "WGS1984Quad", 8, 46, (0, 6, 9)),
    ("far north", MERCATOR, 15, 84.9, (0, 2, 5, 8)),
    ("across the antimeridian", MERCATOR, 179.9, -17, (0, 3, 5, 7, 9)),
    ("across the antimeridian", MERCATOR, -179.9, -17, (0, 3, 5, 7, 9)),
    ("the globe", MERCATOR, 179.9, 10, (0, 1, 2, 4)),
    ("the globe from Greenwich", MERCATOR, 0.1, 50, (0, 1, 2, 5)),
    ("the globe from Greenwich", MERCATOR, -0.1, 50, (0, 1, 2, 5)),
    ("UTM at the antimeridian", MERCATOR, 179.99, -16, (0, 2, 5, 8)),
    ("UTM at the antimeridian", MERCATOR, -179.99, -16, (0, 2, 5, 8)),
    # PROJ answers infinity for the far side of the globe
    ("UTM across the antimeridian", MERCATOR, 179.9, 50, (0, 1, 2, 6)),
    ("UTM across the antimeridian", MERCATOR, -179.9, 50, (0, 1, 2, 6)),
    ("UTM across the antimeridian", "WorldCRS84Quad", 179.9, 50, (0, 1, 2)),
    ("UTM across the antimeridian", "WorldMercatorWGS84Quad", -179.9, 50, (0, 1, 2)),
    ("UTM 60 across the antimeridian", MERCATOR, 179.9, -18, (0, 1, 2)),
    ("UTM 60 across the antimeridian", MERCATOR, -179.9, -18, (0, 1, 2)),
    ("Mercator across the antimeridian", MERCATOR, 179.9, 3, (0, 3, 5, 7)),
    ("Mercator across the antimeridian", MERCATOR, -179.9, 3, (0, 3, 5, 7)),
    ("Mercator across the antimeridian", "WorldCRS84Quad", -179.9, 3, (0, 2, 5, 7)),
    ("ellipsoidal Mercator around the globe", MERCATOR, 179.9, 3, (0, 1, 3)),
    ("Mercator of the Pacific", MERCATOR, 179.9, 3, (0, 3, 5, 7)),
    ("Mercator of the Pacific", "WorldCRS84Quad", -179.9, 3, (0, 2, 5, 7)),
    ("the north pole", "UPSArcticWGS84Quad", 0, 89.9, (0, 3, 5, 8)),
    ("the globe", "UPSArcticWGS84Quad", 10, 89, (0, 2, 4)),
    ("Lambert", MERCATOR, 7, 49, (0, 3, 6, 8)),
    ("Lambert", "NZTM2000Quad", 170, -40, (0, 5)),
]


@pytest.mark.parametrize(("name", "matrix_set", "lon", "lat", "zooms"), CASES)
def test_nearest_cells_are_those_of_the_stored_level(
    terrains: dict[str, MappedTerrain],
    name: str,
    matrix_set: str,
    lon: float,
    lat: float,
    zooms: tuple[int, ...],
) -> None:
    terrain = terrains[name]
    for z in zooms:
        side = 512 if z == zooms[-2] else 256
        tile = read(terrain, matrix_set, address_at(matrix_set, lon, lat, z), side)
        assert tile.values.shape == tile.valid.shape == (side, side)
        assert share_equal(shown(tile), by_proj(terrain, tile)) >= 0.999, (z, side)


@pytest.mark.parametrize("name", ["utm", "degrees", "Lambert"])
def test_what_gdal_warps_is_the_same(terrains: dict[str, MappedTerrain], name: str) -> None:
    lon, lat, zooms = {"utm": (7.8, 49.55, (8, 11, 13)), "degrees": (8, 46, (6, 9, 12))}.get(
        name, (7, 49, (5, 8))
    )
    for z in zooms:
        tile = read(terrains[name], MERCATOR, address_at(MERCATOR, lon, lat, z))
        assert tile.valid.any()
        assert share_equal(shown(tile), by_gdal(terrains[name], tile)) >= 0.999, z
