"""Documents of a terrain's maps: tilesets and TileJSON. They touch no cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from catalog.models import Generation
from catalog.repository import terrains
from service.cache_control import FOR_A_MINUTE, FOR_AN_HOUR
from service.description.headers import DOCUMENT
from service.description.problems import problem_responses
from service.desk import Desk, GivenDesk
from service.documents import answer_document
from service.map_documents import MapOf, tile_json, tileset, tileset_list
from service.map_schemas import MapBody, TileJsonBody, TilesetBody, TilesetListBody
from service.map_tiles import Shown
from service.rendering.style_words import parse_style
from service.routes.map_tiles import MAP_ERRORS, GivenShown, MatrixSetName, StyleText, find_view

router = APIRouter(prefix="/terrain", tags=["map"])

Making = Callable[[MapOf], MapBody]


def _told(what: str) -> dict[int | str, dict[str, Any]]:
    return {
        **problem_responses(*MAP_ERRORS),
        200: {"description": what, "headers": DOCUMENT},
        304: {"description": "The client has it", "headers": DOCUMENT},
    }


@router.get("/{terrain}/map/{metric}", response_model=TilesetListBody, responses=_told("The list"))
async def list_tilesets(request: Request, desk: GivenDesk, shown: GivenShown) -> Response:
    """The tile matrix sets of a terrain's maps: its own, and those registered ones that it lies on."""
    return await _answer(request, desk, shown, tileset_list)


@router.get("/{terrain}/map/{metric}/{tms}", response_model=TilesetBody, responses=_told("The tileset"))
async def get_tileset(request: Request, desk: GivenDesk, shown: GivenShown, tms: MatrixSetName) -> Response:
    """A tileset in the default style: its matrices, which of their tiles there are, and their addresses.

    Tiles are those of one generation, for ever: ask again now and then whether there is a newer one.
    """
    return await _answer(request, desk, shown, lambda told: tileset(told, tms, None))


@router.get(
    "/{terrain}/map/{metric}/{tms}/tilejson.json",
    response_model=TileJsonBody,
    responses=_told("The TileJSON"),
)
async def get_tile_json(request: Request, desk: GivenDesk, shown: GivenShown, tms: MatrixSetName) -> Response:
    """The TileJSON of the default style."""
    return await _answer(request, desk, shown, lambda told: tile_json(told, tms, parse_style(None)))


@router.get(
    "/{terrain}/map/{metric}/{tms}/{style}", response_model=TilesetBody, responses=_told("The tileset")
)
async def get_styled_tileset(
    request: Request,
    desk: GivenDesk,
    shown: GivenShown,
    tms: MatrixSetName,
    style: StyleText,
) -> Response:
    """A tileset in a style."""
    parsed = parse_style(style)
    return await _answer(request, desk, shown, lambda told: tileset(told, tms, parsed))


@router.get(
    "/{terrain}/map/{metric}/{tms}/{style}/tilejson.json",
    response_model=TileJsonBody,
    responses=_told("The TileJSON"),
)
async def get_styled_tile_json(
    request: Request,
    desk: GivenDesk,
    shown: GivenShown,
    tms: MatrixSetName,
    style: StyleText,
) -> Response:
    """The TileJSON of a style, for MapLibre and others.

    Of heights as colours it names the `encoding`. Tiles are those of one generation, for ever.
    """
    parsed = parse_style(style)
    return await _answer(request, desk, shown, lambda told: tile_json(told, tms, parsed))


async def _answer(request: Request, desk: Desk, shown: Shown, making: Making) -> Response:
    view = await find_view(request, desk, shown)
    content = await desk.run(_made, desk, view.generation, shown, str(request.base_url), making)
    return answer_document(request, content, FOR_AN_HOUR if shown.is_pinned else FOR_A_MINUTE)


def _made(desk: Desk, generation: Generation, shown: Shown, base: str, making: Making) -> bytes:
    with desk.house.database.read() as session:
        terrain = terrains.get_terrain(session, generation.terrain_id)
    return making(MapOf(terrain, generation, shown.asked, base)).as_json()
