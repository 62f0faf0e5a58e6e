"""What map tiles promise beside their places: levels, seams, smoothness, native cells, chunks read once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import morecantile
import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from map_tiles import MappedTerrain, by_proj, make_mapped, rough, share_equal, shown
from raster.cells import Cells
from raster.chunk_cache import ENTRY_BYTES
from raster.chunks import ChunkPlace, StoredChunks
from raster.map_tiles import gathering
from raster.map_tiles.errors import MapTileNotFound, MatrixSetNotFound, TerrainNotOnMap
from raster.map_tiles.matrices import NATIVE, TileAddress, get_matrix_set, known_matrix_sets
from raster.map_tiles.reading import MapTile, Smooth, TileAsked, read_map_tile

MERCATOR = "WebMercatorQuad"
NODATA = -9999.0


def holed(height: int, width: int) -> np.ndarray:
    """Heights with a hole, and single cells that are missing."""
    cells = rough(height, width)
    cells[100:180, 60:200] = NODATA
    cells[::17, ::13] = NODATA
    return cells


@pytest.fixture(scope="module")
def utm(tmp_path_factory: pytest.TempPathFactory) -> MappedTerrain:
    transform = Affine(30, 0, 400_000, 0, -30, 5_500_000)
    folder = tmp_path_factory.mktemp("utm")
    return make_mapped(folder, holed(450, 500), transform, "EPSG:32632", metric="mean", nodata=NODATA)


@pytest.fixture(scope="module")
def degrees(tmp_path_factory: pytest.TempPathFactory) -> MappedTerrain:
    transform = Affine(1 / 120, 0, 7, 0, -1 / 120, 62)
    return make_mapped(
        tmp_path_factory.mktemp("degrees"), holed(400, 700), transform, "EPSG:4326", nodata=NODATA
    )


def read(
    terrain: MappedTerrain,
    address: TileAddress,
    matrix_set: str = MERCATOR,
    *,
    side: int = 256,
    halo: int = 0,
    smooth: Smooth = "never",
) -> MapTile:
    asked = TileAsked(matrix_set=matrix_set, address=address, side=side, halo=halo, smooth=smooth)
    return read_map_tile(terrain.mapped, asked)


def at(lon: float, lat: float, z: int) -> TileAddress:
    x = (lon + 180) / 360 * 2**z
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z
    return TileAddress(z, int(x), int(y))


# Levels


def test_the_level_is_the_coarsest_one_that_is_fine_enough(utm: MappedTerrain) -> None:
    last = utm.grid.level_count - 1
    for z in range(15):
        tile = read(utm, at(7.75, 49.6, z))
        # Mercator stretches by 1 / cos(latitude), UTM by less than a thousandth
        cell_m = 156543.03392804097 / 2**z * math.cos(math.radians(49.6))
        wanted = math.log2(cell_m / 30)
        assert tile.level == min(max(0, math.floor(wanted + 0.01)), last) or abs(wanted % 1) < 0.01


def test_what_is_fine_enough_is_told_where_the_terrain_lies(degrees: MappedTerrain) -> None:
    """At the equator, the centre of the whole world's tile, twice as coarse a level would do."""
    tile = read(degrees, TileAddress(0, 0, 0))
    rows_per_cell = 360 / 256 * math.cos(math.radians(59)) * 120
    assert tile.level == math.floor(math.log2(rows_per_cell)) == 6


@pytest.mark.parametrize("place", range(6))
def test_a_map_made_of_the_terrains_own_cells_shows_each_of_them(tmp_path: Path, place: int) -> None:
    """Somewhere a quotient of coordinates is a little less than the two that it should be."""
    matrix_set, crs = (MERCATOR, "EPSG:3857") if place % 2 else ("WorldCRS84Quad", "EPSG:4326")
    x, y = 2**5 * (5 * place + 1), 2**5 * (3 * place + 2)
    finest = get_matrix_set(matrix_set).tile(TileAddress(10, x, y)).grid.transform
    terrain = make_mapped(tmp_path, rough(300, 300), finest, crs)
    for level in range(4):
        tile = read(terrain, TileAddress(10 - level, x >> level, y >> level), matrix_set)
        assert tile.level == level
        cells = terrain.level(level)
        side = min(256, cells.shape[0])
        assert np.array_equal(tile.values[:side, :side], cells[:side, :side])


# Seams


@given(st.data())
@settings(max_examples=25)
def test_a_halo_holds_the_cells_of_the_neighbours(
    utm: MappedTerrain, degrees: MappedTerrain, data: st.DataObject
) -> None:
    terrain, lon, lat = data.draw(st.sampled_from([(utm, 7.7, 49.6), (degrees, 9.0, 60.0)]))
    z = data.draw(st.integers(7, 13))
    smooth: Smooth = data.draw(st.sampled_from(["never", "always"]))
    around = at(lon, lat, z)
    here = TileAddress(z, around.x + data.draw(st.integers(-1, 1)), around.y + data.draw(st.integers(-1, 1)))
    tile = read(terrain, here, halo=2, smooth=smooth)
    below = read(terrain, TileAddress(z, here.x, here.y + 1), halo=2, smooth=smooth)
    right = read(terrain, TileAddress(z, here.x + 1, here.y), halo=2, smooth=smooth)
    for one, other, mine, its in (
        (tile, below, np.s_[-4:, :], np.s_[:4, :]),
        (tile, right, np.s_[:, -4:], np.s_[:, :4]),
    ):
        if one.level == other.level:
            share = share_equal(shown(one)[mine], shown(other)[its])
            assert share >= 0.999 if smooth == "never" else share >= 0.99


def test_a_halo_is_the_tile_with_more_around_it(utm: MappedTerrain) -> None:
    for address in (at(7.7, 49.6, 11), at(7.7, 49.6, 13)):
        plain, wide = read(utm, address), read(utm, address, halo=3)
        assert wide.values.shape == (262, 262)
        assert np.array_equal(shown(wide)[3:-3, 3:-3], shown(plain), equal_nan=True)
        assert wide.grid.transform.almost_equals(plain.grid.transform @ Affine.translation(-3, -3))


@pytest.mark.parametrize(("left", "x"), [(170.0, 0), (-180.0, 31)], ids=["east of it", "west of it"])
def test_a_halo_reaches_across_the_antimeridian(tmp_path: Path, left: float, x: int) -> None:
    """Where the terrain ends just there, and the tile has none of it."""
    transform = Affine(0.05, 0, left, 0, -0.05, 5)
    terrain = make_mapped(tmp_path, rough(200, 200), transform, "EPSG:4326")
    tile = read(terrain, TileAddress(5, x, 16), halo=2)
    beyond = np.s_[2:-2, :2] if x == 0 else np.s_[2:-2, -2:]
    assert not tile.valid[2:-2, 2:-2].any()
    assert tile.valid[beyond].mean() > 0.4
    assert share_equal(shown(tile), by_proj(terrain, tile)) >= 0.999


# Between cells


def test_between_cells_a_plane_stays_a_plane_and_nodata_weighs_nothing(tmp_path: Path) -> None:
    row, col = np.mgrid[0:300, 0:300].astype(np.float32)
    plane = 3 * row - 2 * col + 1000
    plane[140:150, 100:200] = NODATA
    transform = Affine(30, 0, 400_000, 0, -30, 5_500_000)
    terrain = make_mapped(tmp_path, plane, transform, "EPSG:32632", nodata=NODATA)
    address = at(7.67, 49.603, 13)
    tile, nearest = read(terrain, address, smooth="natively"), read(terrain, address)
    assert tile.level == 0
    assert np.array_equal(tile.valid, nearest.valid)
    assert 0 < tile.valid.mean() < 1
    rows, cols = cells_of(tile)
    expected = 3 * (rows - 0.5) - 2 * (cols - 0.5) + 1000
    around = np.ones_like(tile.valid)
    for down in (-0.5, 0.5):
        for right in (-0.5, 0.5):
            there = np.floor(rows + down).astype(int), np.floor(cols + right).astype(int)
            inside = (there[0] >= 0) & (there[0] < 300) & (there[1] >= 0) & (there[1] < 300)
            around &= inside
            around[inside] &= plane[there[0][inside], there[1][inside]] != NODATA
    assert around.mean() > 0.3
    assert np.abs(tile.values - expected)[around].max() < 0.02
    # where some of the four are missing the others make the value
    partly = tile.valid & ~around
    assert partly.any()
    assert np.abs(tile.values - expected)[partly].max() < 3


@pytest.mark.parametrize("twice", [0, 1], ids=["each column once", "the first column again at the end"])
def test_around_the_globe_the_first_column_follows_the_last(tmp_path: Path, twice: int) -> None:
    cells = np.pad(rough(180, 360), ((0, 0), (0, twice)), mode="wrap")
    terrain = make_mapped(tmp_path, cells, Affine(1, 0, 0, 0, -1, 90), "EPSG:4326")
    tile = read(terrain, TileAddress(5, 15, 10), smooth="natively")  # west of Greenwich
    assert tile.level == 0
    col = -11.25 + 11.25 * (np.arange(256) + 0.5) / 256 - 0.5
    northing = math.pi * (1 - 2 * (10 + (np.arange(256) + 0.5) / 256) / 32)
    row = 90 - np.degrees(np.arctan(np.sinh(northing))) - 0.5
    first, above = np.floor(col).astype(int), np.floor(row).astype(int)[:, None]
    right, down = col - first, row[:, None] - above
    corners = [cells[above + i, (first + j) % 360].astype(np.float64) for i in (0, 1) for j in (0, 1)]
    expected = (corners[0] * (1 - right) + corners[1] * right) * (1 - down) + (
        corners[2] * (1 - right) + corners[3] * right
    ) * down
    assert (first[-1], first[-10]) == (-1, -1)
    assert tile.valid.all()
    assert np.abs(tile.values - expected).max() < 0.05


def cells_of(tile: MapTile) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a UTM terrain's level 0 under a tile's cells."""
    grid = tile.grid
    x = grid.transform.c + (np.arange(grid.width) + 0.5) * grid.transform.a
    y = grid.transform.f + (np.arange(grid.height) + 0.5) * grid.transform.e
    east, north = Transformer.from_crs(grid.crs, "EPSG:32632", always_xy=True).transform(*np.meshgrid(x, y))
    return (5_500_000 - north) / 30, (east - 400_000) / 30


# Addresses


@given(st.data())
@settings(max_examples=20)
def test_whatever_tile_is_asked_for_is_right(
    utm: MappedTerrain, degrees: MappedTerrain, data: st.DataObject
) -> None:
    terrain = data.draw(st.sampled_from([utm, degrees]))
    matrix_set = data.draw(st.sampled_from(known_matrix_sets()))
    matrices = get_matrix_set(matrix_set).matrices
    z = data.draw(st.sampled_from(sorted(matrices)))
    address = TileAddress(
        z,
        data.draw(st.integers(0, matrices[z].columns - 1)),
        data.draw(st.integers(0, matrices[z].rows - 1)),
    )
    tile = read(terrain, address, matrix_set)
    assert tile.values.shape == tile.valid.shape == tile.grid.shape == (256, 256)
    assert np.isnan(tile.values[~tile.valid]).all()
    assert share_equal(shown(tile), by_proj(terrain, tile)) >= 0.999


@pytest.mark.parametrize("name", known_matrix_sets())
def test_matrices_lie_where_morecantile_says(name: str) -> None:
    registered, ours = morecantile.tms.get(name), get_matrix_set(name)
    for z in (min(ours.matrices), 3, 9):
        matrix = ours.matrices[z]
        for x, y in ((0, 0), (matrix.columns - 1, matrix.rows - 1)):
            bounds, extent = registered.xy_bounds(morecantile.Tile(x, y, z)), ours.tile(TileAddress(z, x, y))
            ground = extent.grid.extent
            assert (ground.left, ground.bottom, ground.right, ground.top) == pytest.approx(bounds, abs=1e-5)


@pytest.mark.parametrize(
    ("z", "x", "y", "limits"),
    [
        (25, 0, 0, "z is 0 to 24"),
        (3, 8, 0, "at z 3 x is 0 to 7, y is 0 to 7"),
        (3, 0, 8, "at z 3 x is 0 to 7, y is 0 to 7"),
    ],
)
def test_an_address_outside_a_set_is_refused_with_its_limits(
    utm: MappedTerrain, z: int, x: int, y: int, limits: str
) -> None:
    with pytest.raises(MapTileNotFound) as refused:
        read(utm, TileAddress(z, x, y))
    assert refused.value.limits == limits


@pytest.mark.parametrize("name", ["CDB1GlobalGrid", "GNOSISGlobalGrid", "nope", ""])
def test_a_set_that_is_none_or_has_rows_of_its_own_is_refused(utm: MappedTerrain, name: str) -> None:
    with pytest.raises(MatrixSetNotFound) as refused:
        read(utm, TileAddress(0, 0, 0), name)
    assert refused.value.known == (NATIVE, *known_matrix_sets())


def test_without_a_crs_the_way_out_is_the_native_matrix(tmp_path: Path) -> None:
    terrain = make_mapped(tmp_path, rough(9, 9), Affine(1, 0, 0, 0, -1, 0), None)
    with pytest.raises(TerrainNotOnMap, match="its own matrix, native, needs none"):
        read(terrain, TileAddress(0, 0, 0))


# Chunks


def test_where_a_terrain_begins_and_ends_only_the_chunks_on_both_sides_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "SPREAD", 1)  # else the terrain would have to be a large one
    monkeypatch.setattr(gathering, "FEW", 0)
    transform = Affine(0.25, 0, 0, 0, -0.25, 90)
    terrain = make_mapped(tmp_path, rough(360, 1440), transform, "EPSG:4326", chunk_cells=16, shard_cells=64)
    tile = read(terrain, TileAddress(2, 1, 1), "EuropeanETRS89_LAEAQuad")  # Greenwich runs through it
    assert tile.level == 0
    grid = tile.grid
    x = grid.transform.c + (np.arange(256) + 0.5) * grid.transform.a
    y = grid.transform.f + (np.arange(256) + 0.5) * grid.transform.e
    lon, lat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(*np.meshgrid(x, y))
    needed = set(zip(((90 - lat) // 4).ravel().tolist(), (lon % 360 // 4).ravel().tolist(), strict=True))
    assert {0.0, 89.0} <= {col for _, col in needed}
    assert terrain.cache.byte_count == len(needed) * (ENTRY_BYTES + 16 * 16 * 4)
    assert share_equal(shown(tile), by_proj(terrain, tile)) >= 0.999


def test_around_a_pole_a_coarser_level_is_taken_than_one_of_too_many_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transform = Affine(0.5, 0, -180, 0, -0.5, 90)
    terrain = make_mapped(tmp_path, rough(100, 720), transform, "EPSG:4326", chunk_cells=16, shard_cells=64)
    address = TileAddress(6, 31, 31)  # the pole is its lower right corner
    fine = read(terrain, address, "UPSArcticWGS84Quad")
    assert share_equal(shown(fine), by_proj(terrain, fine)) >= 0.999
    monkeypatch.setattr(gathering, "MOST_CHUNKS", 4)
    coarse = read(terrain, address, "UPSArcticWGS84Quad")
    assert coarse.level > fine.level
    assert share_equal(shown(coarse), by_proj(terrain, coarse)) >= 0.999


def test_each_chunk_is_decoded_once_and_tiles_that_are_empty_decode_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[tuple[str, ChunkPlace]] = []
    read_chunks = StoredChunks.read

    def counted(
        self: StoredChunks, places: Sequence[ChunkPlace]
    ) -> Iterator[tuple[ChunkPlace, Cells | None]]:
        decoded.extend((self._path, place) for place in places)
        return read_chunks(self, places)

    monkeypatch.setattr(StoredChunks, "read", counted)
    transform = Affine(30, 0, 400_000, 0, -30, 5_500_000)
    terrain = make_mapped(tmp_path, holed(450, 500), transform, "EPSG:32632", nodata=NODATA)
    first = at(7.62, 49.64, 12)
    for _ in range(2):
        for x in range(first.x - 1, first.x + 3):
            for y in range(first.y - 1, first.y + 3):
                read(terrain, TileAddress(12, x, y), halo=1, smooth="natively")
    assert len(decoded) == len(set(decoded)) == 8 * 8
    read(terrain, TileAddress(12, first.x + 100, first.y))
    read(terrain, TileAddress(3, 0, 0))
    assert len(decoded) == 64
