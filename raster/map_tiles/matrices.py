"""Tile matrix sets: where the map tiles of an address lie on the ground. Arithmetic only.

Those that are registered come from morecantile. `native` is a pyramid's own: its matrices are its levels,
counted from the coarsest, cut into tiles from the upper-left cell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import morecantile
import numpy as np
from affine import Affine
from numpy.typing import NDArray

from raster.crs import are_connected, canonical_crs
from raster.grid import Grid
from raster.map_tiles.errors import MapTileNotFound, MatrixSetNotFound, TerrainNotOnMap

NATIVE = "native"

SIDE = 256
"""Cells a side of a map tile; twice as many where an address ends in @2x."""


@dataclass(frozen=True, slots=True)
class TileAddress:
    """Which tile of a matrix set: matrix, column and row from the upper left; x grows right, y down."""

    z: int
    x: int
    y: int

    def __str__(self) -> str:
        return f"{self.z}/{self.x}/{self.y}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TileMatrix:
    """One resolution of a set: a grid of equal tiles from an upper-left corner, in units of the set's CRS."""

    left: float
    top: float
    tile_width: float
    tile_height: float
    columns: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TileGrid:
    """The cells of a map tile, as a part of its whole matrix: `row` and `col` are counted there.

    So two tiles have the very same coordinates for what they share, to the last bit.
    """

    left: float
    top: float
    cell_width: float
    cell_height: float
    row: int
    col: int
    height: int
    width: int
    crs: str

    def x(self, cols: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ground of columns, counted from the tile's own left edge."""
        return self.left + (self.col + cols) * self.cell_width

    def y(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ground of rows, counted from the tile's own upper edge."""
        return self.top - (self.row + rows) * self.cell_height

    @property
    def grid(self) -> Grid:
        """The same as a grid of its own."""
        corner = (self.left + self.col * self.cell_width, self.top - self.row * self.cell_height)
        transform = Affine(self.cell_width, 0.0, corner[0], 0.0, -self.cell_height, corner[1])
        return Grid(height=self.height, width=self.width, transform=transform, crs=self.crs)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixSet:
    """A registered tile matrix set; `matrices` by z."""

    name: str
    crs: str
    matrices: Mapping[int, TileMatrix]

    def matrix(self, address: TileAddress) -> TileMatrix:
        """The matrix that has a tile.

        Raises
        ------
        MapTileNotFound
        """
        matrix = self.matrices.get(address.z)
        if matrix is None:
            limits = f"z is {min(self.matrices)} to {max(self.matrices)}"
            raise MapTileNotFound(self.name, str(address), limits)
        check_inside(self.name, address, matrix.columns, matrix.rows)
        return matrix

    def tile(self, address: TileAddress, side: int = SIDE, halo: int = 0) -> TileGrid:
        """The cells of a map tile, with `halo` more of them on each side.

        Raises
        ------
        MapTileNotFound
        """
        matrix = self.matrix(address)
        return TileGrid(
            left=matrix.left,
            top=matrix.top,
            cell_width=matrix.tile_width / side,
            cell_height=matrix.tile_height / side,
            row=address.y * side - halo,
            col=address.x * side - halo,
            height=side + 2 * halo,
            width=side + 2 * halo,
            crs=self.crs,
        )


@dataclass(frozen=True, slots=True)
class NativeTile:
    """Where a tile of a pyramid's own matrix lies: its upper-left cell in a level.

    `repeat`: how often each cell of the level stands a side, 2 where a finer level would be needed.
    """

    level: int
    row: int
    col: int
    repeat: int


def native_tile(pyramid: Grid, address: TileAddress, side: int) -> NativeTile:
    """The cells of a tile of the pyramid's own matrix.

    A tile of `SIDE` cells lies in level `level_count - 1 - z`. One of twice as many covers the same ground
    in the next finer level; where there is none, each cell stands there twice a side.

    Raises
    ------
    MapTileNotFound
    """
    count = pyramid.level_count
    if not 0 <= address.z < count:
        raise MapTileNotFound(NATIVE, str(address), f"z is 0 to {count - 1}")
    level = count - 1 - address.z
    grid = pyramid.level(level)
    check_inside(NATIVE, address, math.ceil(grid.width / SIDE), math.ceil(grid.height / SIDE))
    row, col = address.y * SIDE, address.x * SIDE
    if side == SIDE:
        return NativeTile(level, row, col, 1)
    if level == 0:
        return NativeTile(0, row, col, 2)
    return NativeTile(level - 1, 2 * row, 2 * col, 1)


def check_inside(name: str, address: TileAddress, columns: int, rows: int) -> None:
    """Refuse a tile that its matrix does not have.

    Raises
    ------
    MapTileNotFound
    """
    if not (0 <= address.x < columns and 0 <= address.y < rows):
        limits = f"at z {address.z} x is 0 to {columns - 1}, y is 0 to {rows - 1}"
        raise MapTileNotFound(name, str(address), limits)


def check_connected(pyramid: Grid, matrix_set: MatrixSet) -> None:
    """Refuse a terrain that no way leads to from a set's maps.

    Raises
    ------
    TerrainNotOnMap
    """
    if pyramid.crs is None or not are_connected(pyramid.crs, matrix_set.crs):
        reason = "it has no CRS" if pyramid.crs is None else "PROJ knows no way from its CRS to the map's"
        raise TerrainNotOnMap(matrix_set.name, reason, f"its own matrix, {NATIVE}, needs none")


@lru_cache(maxsize=1)
def known_matrix_sets() -> tuple[str, ...]:
    """Names of the registered sets whose tiles are equal in each matrix, in alphabetical order."""
    registered = morecantile.tms
    return tuple(sorted(name for name in registered.list() if _is_regular(registered.get(name))))


def _is_regular(registered: morecantile.TileMatrixSet) -> bool:
    """Rows whose tiles are as wide as several others (`variableMatrixWidths`) are no grid."""
    return not any(matrix.variableMatrixWidths for matrix in registered.tileMatrices)


@lru_cache(maxsize=64)
def get_matrix_set(name: str) -> MatrixSet:
    """A registered tile matrix set.

    Raises
    ------
    MatrixSetNotFound
    """
    if name not in morecantile.tms.list() or not _is_regular(morecantile.tms.get(name)):
        raise MatrixSetNotFound(name, (NATIVE, *known_matrix_sets()))
    registered = morecantile.tms.get(name)
    matrices = {int(each.id): _matrix(registered, int(each.id)) for each in registered.tileMatrices}
    return MatrixSet(name=name, crs=canonical_crs(registered.crs.to_wkt()), matrices=matrices)


def _matrix(registered: morecantile.TileMatrixSet, z: int) -> TileMatrix:
    # by its tiles, since axes and the corner that rows count from differ between sets
    matrix = registered.matrix(z)
    first, last = (
        registered.xy_bounds(morecantile.Tile(x, y, z))
        for x, y in ((0, 0), (matrix.matrixWidth - 1, matrix.matrixHeight - 1))
    )
    return TileMatrix(
        left=first.left,
        top=first.top,
        tile_width=(last.right - first.left) / matrix.matrixWidth,
        tile_height=(first.top - last.bottom) / matrix.matrixHeight,
        columns=matrix.matrixWidth,
        rows=matrix.matrixHeight,
    )
