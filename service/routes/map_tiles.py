"""Map tiles: z/x/y of a tile matrix set, as values and pictures. From what is stored; never 202."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from catalog.errors import GenerationNotFound, TerrainNotFound
from raster.errors import MetricNotFound, PyramidCorrupt, TerrainEmpty
from raster.map_tiles.errors import MapTileNotFound, MatrixSetNotFound, TerrainNotOnMap
from raster.map_tiles.matrices import SIDE, TileAddress
from raster.map_tiles.reading import TileAsked
from service.cache_control import FOR_A_MINUTE, FOR_EVER
from service.description.headers import MAP
from service.description.parameters import TerrainKey
from service.description.problems import BUILD_ERRORS, CATALOGUE_ERRORS, problem_responses
from service.desk import Desk, GivenDesk
from service.errors import BuildNeedsKey, FormatNotSupported, StoreUnavailable
from service.etags import answers_304, etag_of
from service.generation_headers import generation_headers
from service.key_guard import granted_scope
from service.map_answers import MAP_TYPES, make_tile
from service.map_tiles import DEFAULT, MapView, Shown
from service.pyramid_answers import find_answering, order_build, order_newer
from service.pyramid_states import State
from service.rendering.errors import EncodingLossy, HeightUnitUnknown, StyleParameterInvalid, StyleUnknown
from service.rendering.pictures import PICTURE_FORMS, check_form
from service.rendering.style_words import DEFAULT_STYLE, parse_style
from service.rendering.styles import Style
from service.terrain_grids import cell_type_of, grid_of
from service.value_errors import PyramidPending

router = APIRouter(prefix="/terrain", tags=["map"])

GLANCE_S = 1.0
"""How long a request for what is not built yet waits: small pyramids are there by then."""

Index = Annotated[int, Path(ge=0, lt=10**9, examples=[0])]
RowOfTile = Annotated[
    str,
    Path(
        pattern="^[0-9]{1,9}(@2x)?$",
        description="Row of the map tile; with `@2x` the tile has 512 cells a side instead of 256.",
        examples=["0"],
    ),
]
MatrixSetName = Annotated[
    str,
    Path(
        description="A registered tile matrix set such as `WebMercatorQuad`, or `native`: the pyramid's own "
        "levels from the coarsest on, for terrains without a CRS, too.",
        examples=["native"],
    ),
]
MapMetric = Annotated[
    str,
    Path(
        description="Name of a metric, or `default`: `mean` if it was ever built, else `max`. With `@` and a "
        "generation behind it that one, for ever.",
        examples=["max"],
    ),
]
StyleText = Annotated[
    str,
    Path(
        max_length=500,
        description="A style, and its parameters as `;key=value`.",
        examples=["viridis;rescale=0,100"],
    ),
]


async def _show(terrain: TerrainKey, metric: MapMetric) -> Shown:
    return Shown.parse(terrain, metric)


async def _name(tms: MatrixSetName, z: Index, x: Index, y: RowOfTile) -> TileAsked:
    row, _, twice = y.partition("@")
    address = TileAddress(z, x, int(row))
    return TileAsked(matrix_set=tms, address=address, side=2 * SIDE if twice else SIDE)


GivenShown = Annotated[Shown, Depends(_show)]
GivenTile = Annotated[TileAsked, Depends(_name)]

MAP_ERRORS: tuple[type[Exception], ...] = (
    TerrainNotFound,
    MetricNotFound,
    GenerationNotFound,
    MatrixSetNotFound,
    MapTileNotFound,
    TerrainNotOnMap,
    FormatNotSupported,
    StyleUnknown,
    StyleParameterInvalid,
    EncodingLossy,
    HeightUnitUnknown,
    TerrainEmpty,
    BuildNeedsKey,
    PyramidPending,
    PyramidCorrupt,
    StoreUnavailable,
    *BUILD_ERRORS,
    *CATALOGUE_ERRORS,
)
"""What whoever asks for a map tile may be told."""


def _form(example: str, *forms: str) -> Any:
    return Path(description="Format.", examples=[example], json_schema_extra={"enum": list(forms)})


def _responses(*forms: str) -> dict[int | str, dict[str, Any]]:
    content = {MAP_TYPES[form]: {"schema": {"type": "string", "format": "binary"}} for form in forms}
    return {
        **problem_responses(*MAP_ERRORS),
        200: {"description": "The map tile", "content": content, "headers": MAP},
        304: {"description": "The map tile is the one the client has", "headers": MAP},
    }


@router.get(
    "/{terrain}/map/{metric}/{tms}/{z}/{x}/{y}.{form}",
    response_class=Response,
    responses=_responses(*MAP_TYPES),
)
async def get_map_tile(
    request: Request,
    desk: GivenDesk,
    shown: GivenShown,
    asked: GivenTile,
    form: Annotated[str, _form("npy", *MAP_TYPES)],
) -> Response:
    """A map tile: the value of the nearest cell in each of its cells, or a picture in the default style.

    Outside the terrain, and where it has no measurement, values are nodata and pictures transparent. A
    pyramid without nodata has a value outside, too, which `Ziggurat-Fill` names in `npy`; but a measurement
    may be that same one, and `tif` tells them apart by its mask. Of a
    pyramid that is not up to date the last generation is shown while a new one is built. Where none is built
    there is nothing to show: that is a problem with `Retry-After`, and asking has it built, if it may.
    """
    if form not in MAP_TYPES:
        raise FormatNotSupported(form, tuple(MAP_TYPES))
    style = DEFAULT_STYLE if form in PICTURE_FORMS else None
    return await _answer(request, desk, shown, asked, style, form)


@router.get(
    "/{terrain}/map/{metric}/{tms}/{style}/{z}/{x}/{y}.{form}",
    response_class=Response,
    responses=_responses(*PICTURE_FORMS),
)
async def get_map_picture(
    request: Request,
    desk: GivenDesk,
    shown: GivenShown,
    asked: GivenTile,
    style: StyleText,
    form: Annotated[str, _form("png", *PICTURE_FORMS)],
) -> Response:
    """A map tile as a picture: colours, shading, slope, or heights as numbers in red, green and blue."""
    parsed = parse_style(style)
    check_form(parsed, form)
    return await _answer(request, desk, shown, asked, parsed, form)


async def _answer(
    request: Request, desk: Desk, shown: Shown, asked: TileAsked, style: Style | None, form: str
) -> Response:
    view = await find_view(request, desk, shown)
    generation = view.generation
    asked.check(grid_of(generation))
    etag = etag_of(generation.id, asked.matrix_set, asked.address, asked.side, style, form)
    headers = {
        "ETag": etag,
        "Cache-Control": FOR_A_MINUTE if view.standing else FOR_EVER,
        **generation_headers(generation, view.state),
    }
    if form == "npy":
        headers["Ziggurat-Fill"] = str(cell_type_of(generation).fill)
    if answers_304(request.headers.get("if-none-match"), etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    try:
        content = await desk.share(etag, make_tile, desk.maps, generation, asked, style, form)
    except PyramidCorrupt:
        await _look_again(desk, shown, view)
        raise
    return Response(content, headers=headers, media_type=MAP_TYPES[form])


async def _look_again(desk: Desk, shown: Shown, view: MapView) -> None:
    """Bytes of what is shown are lost: have it built anew, unless it was collected meanwhile.

    Raises
    ------
    GenerationNotFound
    """
    if view.standing is not None:
        order_build(desk, view.standing)
    else:
        desk.views.forget(shown)
        await desk.run(desk.zarrs.get_generation, shown.pinned)


async def find_view(request: Request, desk: Desk, shown: Shown) -> MapView:
    """The generation that an address shows; what is newer is ordered, if the request may.

    Raises
    ------
    TerrainNotFound, MetricNotFound, GenerationNotFound, TerrainEmpty
    PyramidPending, BuildNeedsKey
        There is nothing to show.
    Whatever a build raised, and there is nothing to show.
    """
    view = desk.views.find(shown)
    if view is not None:
        if view.standing is not None:  # whoever had it kept may not have been permitted to
            order_newer(desk, granted_scope(request.scope), view.standing)
        return view
    change_count = desk.views.change_count
    if shown.is_pinned:
        generation = await desk.share(shown, desk.zarrs.get_generation, shown.pinned)
        view = MapView(generation=generation, state=State.READY, standing=None)
    else:
        metric = None if shown.metric == DEFAULT else shown.metric
        answering = await find_answering(desk, granted_scope(request.scope), shown.terrain, metric, GLANCE_S)
        view = MapView(generation=answering.generation, state=answering.state, standing=answering.standing)
    desk.views.keep(shown, view, change_count)
    return view
