"""A terrain's maps as documents: TileJSON, and OGC API - Tiles' tilesets."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass

from catalog.models import Generation, Terrain
from raster.crs import lonlat_extent
from raster.grid import Extent, Grid
from raster.map_tiles.coverage import Coverage, find_coverage, get_coverage
from raster.map_tiles.matrices import NATIVE, SIDE, known_matrix_sets
from service.crs_names import CRS84, crs_member
from service.links import map_path
from service.map_schemas import (
    BoundingBoxBody,
    LimitsBody,
    LinkBody,
    TileJsonBody,
    TilesetBody,
    TilesetItemBody,
    TilesetListBody,
)
from service.matrix_documents import matrix_set_address, native_matrix_set, registered_matrix_set
from service.rendering.height_codes import CODES
from service.rendering.images import PICTURE_TYPES
from service.rendering.pictures import check_unit
from service.rendering.style_words import DEFAULT_STYLE
from service.rendering.styles import Style
from service.terrain_grids import grid_of

TILING_SCHEME = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"
JSON = "application/json"
DEEPEST = 30
"""The last zoom that TileJSON knows."""


@dataclass(frozen=True, slots=True)
class MapOf:
    """What documents tell of: a generation of a terrain, at a service whose address is `base`.

    `asked`: the metric as the request names it, with a generation or without.
    """

    terrain: Terrain
    generation: Generation
    asked: str
    base: str

    @property
    def grid(self) -> Grid:
        """Level 0."""
        return grid_of(self.generation)

    @property
    def title(self) -> str:
        return f"{self.terrain.title or self.terrain.name}, {self.generation.metric}"

    @property
    def address(self) -> str:
        """Of the documents: as asked, so that who keeps one without a generation is told of newer ones."""
        return f"{self.base}{map_path(self.terrain.name, self.asked)[1:]}"

    @property
    def tile_address(self) -> str:
        """Of the map tiles: those of this generation, for ever."""
        pinned = f"{self.generation.metric}@{self.generation.id}"
        return f"{self.base}{map_path(self.terrain.name, pinned)[1:]}"

    @property
    def lonlat(self) -> Extent | None:
        """In degrees, left > right across the antimeridian; None where that cannot be told."""
        grid = self.grid
        return None if grid.crs is None else lonlat_extent(grid.extent, grid.crs)


def tile_json(shown: MapOf, matrix_set: str, style: Style) -> TileJsonBody:
    """The TileJSON of a style; its tiles are those of the generation for ever.

    Raises
    ------
    MatrixSetNotFound, TerrainNotOnMap
    HeightUnitUnknown
        The style encodes heights in metres, and these have another unit, or none.
    """
    coverage = get_coverage(shown.grid, matrix_set)
    check_unit(style, shown.generation.unit)
    lonlat = shown.lonlat
    deepest = min(coverage.max_zoom, DEEPEST)
    return TileJsonBody(
        name=shown.title,
        description=shown.terrain.description,
        attribution=_as_html(shown.terrain.attribution),
        tiles=[f"{shown.tile_address}/{matrix_set}/{style}/{{z}}/{{x}}/{{y}}.png"],
        minzoom=coverage.min_zoom,
        maxzoom=deepest,
        bounds=None if lonlat is None else _bounds(lonlat),
        center=None if lonlat is None else _center(lonlat, coverage.min_zoom, deepest),
        tile_size=SIDE,
        encoding=style.encoding,
    )


def tileset_list(shown: MapOf) -> TilesetListBody:
    """The sets that the terrain is given in: its own, and the registered ones it lies on."""
    grid = shown.grid
    names = [NATIVE, *(name for name in known_matrix_sets() if find_coverage(grid, name) is not None)]
    links = [
        LinkBody(rel="self", href=shown.address, type=JSON),
        LinkBody(rel="up", href=f"{shown.base}terrain/{shown.terrain.name}", type=JSON),
    ]
    return TilesetListBody(tilesets=[_item(shown, name) for name in names], links=links)


def tileset(shown: MapOf, matrix_set: str, style: Style | None) -> TilesetBody:
    """A tileset: its matrices, the limits of its tiles, their addresses.

    Raises
    ------
    MatrixSetNotFound, TerrainNotOnMap, HeightUnitUnknown
    """
    coverage = get_coverage(shown.grid, matrix_set)
    check_unit(style or DEFAULT_STYLE, shown.generation.unit)
    item = _item(shown, matrix_set)
    is_native = matrix_set == NATIVE
    return TilesetBody(
        **item.model_dump(exclude={"links"}),
        description=shown.terrain.description,
        attribution=shown.terrain.attribution,
        license=shown.terrain.license,
        tile_matrix_set=native_matrix_set(shown.grid) if is_native else registered_matrix_set(matrix_set),
        tile_matrix_set_limits=_limits(coverage),
        bounding_box=_bounding_box(shown.lonlat),
        media_types=list(PICTURE_TYPES.values()),
        links=_tileset_links(shown, matrix_set, style),
    )


def _item(shown: MapOf, name: str) -> TilesetItemBody:
    told = None if name == NATIVE else registered_matrix_set(name)
    return TilesetItemBody(
        title=f"{shown.title}, {name}",
        crs=crs_member(shown.grid.crs) if told is None else told.crs,
        tile_matrix_set_uri=None if told is None else told.uri,
        links=[LinkBody(rel="self", href=f"{shown.address}/{name}", type=JSON)],
    )


def _tileset_links(shown: MapOf, name: str, style: Style | None) -> list[LinkBody]:
    own = f"{shown.address}/{name}" if style is None else f"{shown.address}/{name}/{style}"
    links = [LinkBody(rel="self", href=own, type=JSON)]
    if name != NATIVE:
        links.append(LinkBody(rel=TILING_SCHEME, href=matrix_set_address(name, shown.base), type=JSON))
    drawn = f"{shown.tile_address}/{name}/{style or DEFAULT_STYLE}/{{tileMatrix}}/{{tileCol}}/{{tileRow}}"
    links += [
        LinkBody(rel="item", href=f"{drawn}.{form}", type=media_type, templated=True)
        for form, media_type in PICTURE_TYPES.items()
    ]
    for other in dict.fromkeys((str(style or DEFAULT_STYLE), "hillshade", *CODES)):
        href = f"{shown.address}/{name}/{other}/tilejson.json"
        links.append(LinkBody(rel="alternate", href=href, type=JSON, title=f"TileJSON of {other}"))
    return links


def _limits(coverage: Coverage) -> list[LimitsBody]:
    return [
        LimitsBody(
            tile_matrix=str(each.z),
            min_tile_row=each.min_row,
            max_tile_row=each.max_row,
            min_tile_col=each.min_col,
            max_tile_col=each.max_col,
        )
        for each in coverage.limits
    ]


def _bounding_box(lonlat: Extent | None) -> BoundingBoxBody | None:
    if lonlat is None:
        return None
    return BoundingBoxBody(
        lower_left=[lonlat.left, lonlat.bottom], upper_right=[lonlat.right, lonlat.top], crs=CRS84
    )


def _bounds(lonlat: Extent) -> list[float]:
    """TileJSON's bounds must not wrap around the antimeridian."""
    if lonlat.left > lonlat.right:
        return [-180.0, lonlat.bottom, 180.0, lonlat.top]
    return [lonlat.left, lonlat.bottom, lonlat.right, lonlat.top]


def _center(lonlat: Extent, min_zoom: int, max_zoom: int) -> list[float | int]:
    """The middle, and a zoom at which the terrain is a tile or two wide."""
    width = (lonlat.right - lonlat.left) % 360 or 360.0
    middle = lonlat.left + width / 2
    height = max(lonlat.top - lonlat.bottom, 1e-9)
    zoom = math.floor(math.log2(min(360 / max(width, 1e-9), 180 / height)))
    return [
        middle - 360 if middle > 180 else middle,
        (lonlat.bottom + lonlat.top) / 2,
        min(max(zoom, min_zoom), max_zoom),
    ]


def _as_html(attribution: str | None) -> str | None:
    """Clients set it as HTML: what an attribution holds must not become a part of their page."""
    return None if attribution is None else html.escape(attribution, quote=False)
