"""Map tiles: z/x/y of a tile matrix set, as values. From what is stored; never waits for a build."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from catalog.errors import CatalogError, GenerationNotFound, TerrainNotFound
from raster.errors import MetricNotFound, PyramidCorrupt, RasterError
from raster.map_tiles.errors import MapTileNotFound, MatrixSetNotFound, TerrainNotOnMap
from raster.map_tiles.matrices import SIDE, TileAddress
from raster.map_tiles.reading import TileAsked
from service.build_permits import may_build, refusal_of
from service.description.headers import MAP
from service.description.parameters import TerrainKey
from service.description.problems import BUILD_ERRORS, CATALOGUE_ERRORS, problem_responses
from service.desk import Desk, GivenDesk
from service.errors import BuildCancelled, BuildNeedsKey, FormatNotSupported, ServiceError, StoreUnavailable
from service.etags import answers_304, etag_of
from service.key_guard import granted_scope
from service.map_errors import NothingToShow
from service.map_forms import MAP_TYPES, VALUE_FORMS, encode_values
from service.map_tiles import MapReader, MapView, Shown
from service.pyramid_states import get_state
from service.standing import Standing

router = APIRouter(prefix="/terrain", tags=["map"])

PINNED = "public, max-age=31536000, immutable"
CURRENT = "public, max-age=60, stale-while-revalidate=600"

ROW = re.compile(r"([0-9]{1,9})(@2x)?")

Index = Annotated[int, Path(ge=0, lt=10**9, examples=[0])]
RowOfTile = Annotated[
    str,
    Path(
        pattern=rf"^{ROW.pattern}$",
        description="Row of the tile; with `@2x` it has 512 cells a side.",
        examples=["0"],
    ),
]
MatrixSetName = Annotated[
    str,
    Path(
        max_length=100,
        description="Tile matrix set: `native` for the pyramid's own, or a registered one.",
        examples=["native"],
    ),
]
MapMetric = Annotated[
    str,
    Path(
        max_length=200,
        description="Name of a metric, or `default`: mean where it is built, else max. "
        "With `@` and a generation it is that one for ever.",
        examples=["max"],
    ),
]


async def _show(terrain: TerrainKey, metric: MapMetric) -> Shown:
    return Shown.parse(terrain, metric)


GivenShown = Annotated[Shown, Depends(_show)]


@dataclass(frozen=True, slots=True)
class TileName:
    """A map tile as its address names it."""

    matrix_set: str
    address: TileAddress
    side: int


async def _name(tms: MatrixSetName, z: Index, x: Index, y: RowOfTile) -> TileName:
    row, _, twice = y.partition("@")
    return TileName(tms, TileAddress(z, x, int(row)), 2 * SIDE if twice else SIDE)


GivenTile = Annotated[TileName, Depends(_name)]

PROBLEMS: tuple[type[Exception], ...] = (
    TerrainNotFound,
    MetricNotFound,
    GenerationNotFound,
    MatrixSetNotFound,
    MapTileNotFound,
    TerrainNotOnMap,
    FormatNotSupported,
    NothingToShow,
    BuildNeedsKey,
    PyramidCorrupt,
    StoreUnavailable,
    *BUILD_ERRORS,
    *CATALOGUE_ERRORS,
)


def _responses(forms: tuple[str, ...]) -> dict[int | str, dict[str, Any]]:
    content = {MAP_TYPES[form]: {"schema": {"type": "string", "format": "binary"}} for form in forms}
    return {
        **problem_responses(*PROBLEMS),
        200: {"description": "The map tile", "content": content, "headers": MAP},
        304: {"description": "The map tile is the one the client has", "headers": MAP},
    }


@router.get(
    "/{terrain}/map/{metric}/{tms}/{z}/{x}/{y}.{form}",
    response_class=Response,
    responses=_responses(VALUE_FORMS),
)
async def get_map_values(
    request: Request,
    desk: GivenDesk,
    shown: GivenShown,
    tile: GivenTile,
    form: Annotated[str, Path(examples=["npy"], json_schema_extra={"enum": list(VALUE_FORMS)})],
) -> Response:
    """The values of a map tile, each that of the nearest cell.

    Outside the terrain, and where it has no measurement, they are nodata. Of a pyramid that is not up to
    date the last generation is shown, while a new one is built; of one that is not built there is nothing
    to show, and asking has it built, if the request may.
    """
    if form not in VALUE_FORMS:
        raise FormatNotSupported(form, VALUE_FORMS)
    asked = TileAsked(matrix_set=tile.matrix_set, address=tile.address, side=tile.side)
    view = await _view(request, desk, shown)
    asked.check(view.pyramid.chunks.grid)
    headers = _headers(shown, view, etag_of(view.generation.id, asked, form))
    if answers_304(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    content = await desk.run(_encoded, desk.maps, view, asked, form)
    return Response(content, headers=headers, media_type=MAP_TYPES[form])


def _encoded(maps: MapReader, view: MapView, asked: TileAsked, form: str) -> bytes:
    return encode_values(maps.read(view, asked), view.generation, form)


def _headers(shown: Shown, view: MapView, etag: str) -> dict[str, str]:
    return {
        "ETag": etag,
        "Cache-Control": PINNED if shown.is_pinned else CURRENT,
        "Ziggurat-State": "stale" if view.is_stale else "ready",
        "Ziggurat-Generation": view.generation.id,
    }


async def _view(request: Request, desk: Desk, shown: Shown) -> MapView:
    """What an address shows; an order for what it should show, where that is not built or old.

    Raises
    ------
    NothingToShow, BuildNeedsKey
    """
    view = desk.maps.kept(shown)
    if view is not None:
        return view
    found = await desk.share(shown, desk.maps.find, shown)
    standing = found if isinstance(found, Standing) else found.standing
    if standing is not None and not standing.is_fresh:
        await _order(request, desk, standing, is_cold=isinstance(found, Standing))
    if isinstance(found, Standing):
        state = await desk.run(get_state, desk.house, desk.builds, found.terrain.id, found.metric)
        raise NothingToShow(found.terrain.name, found.metric, state.state)
    return found


async def _order(request: Request, desk: Desk, standing: Standing, *, is_cold: bool) -> None:
    """Have the pyramid built, if the request may; an update is nobody's trouble who only looks.

    Raises
    ------
    BuildNeedsKey
        There is nothing to show, and the request may not have it built.
    Whatever the order raises, and there is nothing to show.
    """
    if not may_build(desk, granted_scope(request.scope), standing):
        if is_cold:
            raise await refusal_of(desk, standing)
        return
    terrain = standing.terrain
    ordered = desk.builds.order(terrain.id, standing.metric, terrain.revision, standing.order)
    raise NotImplementedError(ordered)
