"""Where a tile lies in its terrain's grid, and why it may not lie there.

The grid is fixed by its anchor: the ground transform of cell (x=0, y=0) and the CRS, from the
terrain's creation or from its first georeferenced tile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from affine import Affine

from raster.crs import canonical_crs, same_crs
from raster.errors import GridInvalid, PlacementRefused, TerrainTooLarge
from raster.grid import CELL_TRANSFORM, Extent, Window

TOLERANCE = 0.01
"""Share of a cell that a tile may be off the grid, or drift over its length: rounding of file formats."""

FARTHEST = 2**53
"""Cells from the anchor: float64 has no fractions beyond them, so nothing could be off the grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """How cells lie on the ground: transform of cell (x=0, y=0), None until known; CRS."""

    transform: Affine | None = None
    crs: str | None = None

    @property
    def ground(self) -> Affine:
        """`transform`, or one unit a cell where there is no georeferencing."""
        return self.transform or CELL_TRANSFORM


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """What is known of a tile before it has a place.

    `x`, `y`: asked for, in cells, None to use the transform. `transform`: the file's own,
    north-up, None when it has none.
    """

    source: str
    height: int
    width: int
    x: int | None = None
    y: int | None = None
    transform: Affine | None = None
    crs: str | None = None


def place_tiles(
    anchor: Anchor, tiles: list[Placing], *, has_tiles: bool
) -> tuple[Anchor, list[Window | PlacementRefused]]:
    """Places of tiles in the order given; the first georeferenced one may fix the anchor.

    Parameters
    ----------
    anchor : Anchor
    tiles : list of Placing
    has_tiles : bool
        Whether the terrain has tiles already: without an anchor they were placed by x, y only.

    Returns
    -------
    The anchor from now on, and for each tile its window (rows y, columns x) or why it is refused.
    """
    places: list[Window | PlacementRefused] = []
    for tile in tiles:
        try:
            anchor, window = _place(anchor, tile, has_tiles=has_tiles)
        except PlacementRefused as refusal:
            places.append(refusal)
        else:
            has_tiles = True
            places.append(window)
    return anchor, places


def _place(anchor: Anchor, tile: Placing, *, has_tiles: bool) -> tuple[Anchor, Window]:
    if (tile.x is None) != (tile.y is None):
        raise PlacementRefused(tile.source, "x and y go together; give both or neither")
    if tile.transform is None:
        if tile.x is None or tile.y is None:
            raise PlacementRefused(tile.source, "the file is not georeferenced; give its x and y")
        return anchor, _window(tile, tile.x, tile.y)
    anchor = _anchored(anchor, tile, tile.transform, has_tiles=has_tiles)
    x, y = _offset(anchor.ground, anchor.crs, tile, tile.transform)
    if (tile.x, tile.y) not in ((None, None), (x, y)):
        raise PlacementRefused(
            tile.source, f"x={tile.x}, y={tile.y} were given, its transform says x={x}, y={y}"
        )
    return anchor, _window(tile, x, y)


def _window(tile: Placing, x: int, y: int) -> Window:
    return Window(row=y, col=x, height=tile.height, width=tile.width)


def _anchored(anchor: Anchor, tile: Placing, own: Affine, *, has_tiles: bool) -> Anchor:
    """The anchor, what it lacks taken from the terrain's first georeferenced tile."""
    if anchor.transform is not None:
        return anchor if has_tiles else replace(anchor, crs=anchor.crs or tile.crs)
    if tile.x is None and has_tiles:
        raise PlacementRefused(
            tile.source,
            "the terrain's tiles so far have no georeferencing; give this one's x and y to tie them together",
        )
    transform = own @ Affine.translation(-(tile.x or 0), -(tile.y or 0))
    return replace(anchor, transform=transform, crs=anchor.crs or tile.crs)


def _offset(ground: Affine, crs: str | None, tile: Placing, own: Affine) -> tuple[int, int]:
    """Column and row of the tile's upper-left cell.

    Raises
    ------
    PlacementRefused
        Another CRS, another cell size, or off the grid.
    """
    if tile.crs is not None and (crs is None or not same_crs(tile.crs, crs)):
        raise PlacementRefused(tile.source, f"its CRS is {_short(tile.crs)}, the terrain's is {_short(crs)}")
    drift = max(abs(own.a / ground.a - 1) * tile.width, abs(own.e / ground.e - 1) * tile.height)
    if drift > TOLERANCE:
        raise PlacementRefused(
            tile.source,
            f"its cells are {own.a!r} x {-own.e!r}, the terrain's {ground.a!r} x {-ground.e!r}: "
            f"they drift apart by {drift:.3g} cells over the tile, at most {TOLERANCE} is allowed",
        )
    x, y = (own.c - ground.c) / ground.a, (own.f - ground.f) / ground.e
    if not max(abs(x), abs(y)) < FARTHEST:
        raise PlacementRefused(tile.source, f"its corner {own.c!r}, {own.f!r} lies too far off the terrain's")
    off = max(abs(x - round(x)), abs(y - round(y)))
    if off > TOLERANCE:
        raise PlacementRefused(
            tile.source,
            f"its corner {own.c!r}, {own.f!r} lies {off:.3g} cells off the terrain's grid "
            f"(anchored at {ground.c!r}, {ground.f!r}), at most {TOLERANCE} is allowed",
        )
    return round(x), round(y)


def _short(crs: str | None) -> str:
    if crs is None:
        return "none"
    return crs if len(crs) <= 40 else f"{crs[:40]}…"


def declared_anchor(transform: list[float] | None, crs: str | None) -> Anchor:
    """The anchor a terrain is created with.

    Raises
    ------
    GridInvalid
        An unknown CRS; a transform that is rotated, not north-up or not finite.
    """
    if transform is None:
        return Anchor(crs=None if crs is None else canonical_crs(crs))
    a, b, _, d, e, _ = transform
    if not all(map(math.isfinite, transform)) or b or d or a <= 0 or e >= 0:
        raise GridInvalid(
            "anchor_transform", f"{transform} is not [a > 0, 0, c, 0, e < 0, f]: north-up and not rotated"
        )
    return Anchor(transform=Affine(*transform), crs=None if crs is None else canonical_crs(crs))


def declared_window(anchor: Anchor, extent: Extent) -> Window:
    """The cells of a declared extent.

    Raises
    ------
    GridInvalid
        The extent does not lie on the grid's cell edges, or holds no cell.
    """
    ground = anchor.ground
    left, right = ((x - ground.c) / ground.a for x in (extent.left, extent.right))
    top, bottom = ((y - ground.f) / ground.e for y in (extent.top, extent.bottom))
    edges = (left, right, top, bottom)
    if not all(abs(edge) < FARTHEST for edge in edges):
        raise GridInvalid("extent", f"its edges are not within {FARTHEST} cells of cell (0, 0)")
    if any(abs(edge - round(edge)) > TOLERANCE for edge in edges):
        raise GridInvalid("extent", "its edges do not lie on the edges of the grid's cells")
    height, width = round(bottom) - round(top), round(right) - round(left)
    if height < 1 or width < 1:
        raise GridInvalid("extent", "it holds no cell: left < right and bottom < top are needed")
    return Window(row=round(top), col=round(left), height=height, width=width)


def check_inside(declared: Window | None, source: str, window: Window) -> None:
    """Refuse a tile outside the declared extent.

    Raises
    ------
    PlacementRefused
    """
    if declared is not None and not declared.contains(window):
        raise PlacementRefused(
            source,
            f"its cells {window} leave the terrain's declared extent {declared} "
            "(rows and columns of the terrain's grid)",
        )


def check_size(window: Window, max_cells: int) -> None:
    """Refuse a terrain of more cells than allowed.

    Raises
    ------
    TerrainTooLarge
    """
    if window.cell_count > max_cells:
        raise TerrainTooLarge(window.height, window.width, max_cells)
