"""Tiles: register, list, look at, change, take away, and their statistics."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from catalog.errors import CursorInvalid, RequestKeyTaken, TerrainNotFound, TileNotFound
from catalog.models import Tile
from catalog.repository import terrains, tiles
from raster.errors import GridInvalid, TerrainTooLarge
from service.bodies import tile_body, tile_page
from service.description.headers import ETAG, NEXT_PAGE
from service.description.parameters import AfterTile, Bbox, PageSize, TerrainKey, TileId
from service.description.problems import BODY_ERRORS, CATALOGUE_ERRORS, SOURCE_ERRORS, problem_responses
from service.description.tables import TABLE_CONTENT, TABLE_TAKEN
from service.desk import Desk, GivenDesk
from service.errors import ParameterInvalid, RegistrationRefused, RegistrationTooLarge, SpoolUnavailable
from service.field_types import SafeInteger
from service.json_bodies import JsonRoute
from service.last_good import GoodAnswer
from service.links import next_page
from service.registration import change_priority, register_tiles, remove_tile
from service.request_keys import IdempotencyKey, hash_of, request_key
from service.schemas import (
    NewTilesBody,
    RegistrationBody,
    StatisticsBody,
    TileBody,
    TileChange,
    TilePage,
)
from service.tile_filters import TileFilter
from service.tile_orders import TileOrder
from service.tile_statistics import compute_statistics

router = APIRouter(prefix="/terrain", tags=["tiles"], route_class=JsonRoute)

CellRow = Annotated[
    SafeInteger | None,
    Query(description="With `col`: only tiles that hold this cell (y).", examples=[0]),
]
CellColumn = Annotated[
    SafeInteger | None,
    Query(description="With `row`: only tiles that hold this cell (x).", examples=[0]),
]


@router.get("/tile/{tile_id}", responses=problem_responses(TileNotFound, *CATALOGUE_ERRORS))
async def get_tile(desk: GivenDesk, tile_id: TileId) -> TileBody:
    """One tile."""
    return tile_body(await desk.run(_read_one, desk, tile_id))


def _read_one(desk: Desk, tile_id: int) -> Tile:
    with desk.house.database.read() as session:
        return tiles.get_tile(session, tile_id)


@router.patch("/tile/{tile_id}", responses=problem_responses(TileNotFound, *BODY_ERRORS, *CATALOGUE_ERRORS))
async def patch_tile(desk: GivenDesk, tile_id: TileId, body: TileChange) -> TileBody:
    """Change a tile's precedence. Register its source again to change anything else."""
    return tile_body(await desk.run(change_priority, desk.house, tile_id, body.priority))


@router.delete(
    "/tile/{tile_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=problem_responses(TileNotFound, *CATALOGUE_ERRORS),
)
async def delete_tile(desk: GivenDesk, tile_id: TileId) -> None:
    """Take a tile out of its terrain; its source stays where it is."""
    await desk.run(remove_tile, desk.house, tile_id)


@router.get(
    "/tile/{tile_id}/stats", responses=problem_responses(TileNotFound, *SOURCE_ERRORS, *CATALOGUE_ERRORS)
)
async def get_statistics(desk: GivenDesk, tile_id: TileId) -> StatisticsBody:
    """Count, minimum, maximum, mean and standard deviation of a tile's valid cells."""
    found = await desk.run(compute_statistics, desk.house, tile_id)
    return StatisticsBody(
        cell_count=found.cell_count,
        valid_count=found.valid_count,
        min=found.min,
        max=found.max,
        mean=found.mean,
        std=found.std,
    )


@router.get(
    "/{terrain}/tile",
    response_model=TilePage,
    responses={
        **problem_responses(TerrainNotFound, CursorInvalid, GridInvalid, ParameterInvalid, *CATALOGUE_ERRORS),
        200: {"description": "The page", "headers": {**ETAG, **NEXT_PAGE}},
        304: {"description": "The page is the one the client has", "headers": {**ETAG, **NEXT_PAGE}},
    },
)
async def list_tiles(
    request: Request,
    desk: GivenDesk,
    terrain: TerrainKey,
    limit: PageSize = 100,
    after: AfterTile = None,
    row: CellRow = None,
    col: CellColumn = None,
    bbox: Bbox = None,
) -> Response:
    """A page of a terrain's tiles, in the order of registration."""
    wanted = TileFilter(row=row, col=col, bbox=bbox)
    return (await desk.run(_read_page, request, desk, terrain, limit, after, wanted)).respond(request)


def _read_page(
    request: Request, desk: Desk, key: str, limit: int, after: str | None, wanted: TileFilter
) -> GoodAnswer:
    with desk.house.database.read() as session:
        terrain = terrains.get_terrain(session, key)
        cell, windows = wanted.cell(), wanted.windows(terrain)
        page = tiles.list_tiles(session, terrain.id, limit=limit, after=after, cell=cell, windows=windows)
    following = next_page(request, page.next)
    return GoodAnswer(content=tile_page(page, following), next_page=following)


@router.post(
    "/{terrain}/tile",
    status_code=HTTPStatus.CREATED,
    responses={
        **problem_responses(
            TerrainNotFound,
            RegistrationRefused,
            RegistrationTooLarge,
            TerrainTooLarge,
            RequestKeyTaken,
            SpoolUnavailable,
            *BODY_ERRORS,
            *CATALOGUE_ERRORS,
        ),
        202: TABLE_TAKEN,
    },
    openapi_extra={"requestBody": {"content": TABLE_CONTENT}},
)
async def post_tiles(
    request: Request, desk: GivenDesk, terrain: TerrainKey, body: NewTilesBody, key: IdempotencyKey = None
) -> RegistrationBody:
    """Register tiles, all or none. A source that is registered already is replaced.

    A table, as NDJSON or CSV with the names of columns in the first line, is registered as a job.
    """
    limit = desk.house.settings.max_registration_tiles
    if len(body.tiles) > limit:
        raise RegistrationTooLarge(len(body.tiles), limit)
    orders = [TileOrder(**tile.model_dump()) for tile in body.tiles]
    asked = request_key(request, key, hash_of(body.model_dump_json()))
    done = await desk.run(register_tiles, desk.house, terrain, orders, request_key=asked)
    return RegistrationBody(
        tiles=[tile_body(tile) for tile in done.tiles],
        revision=done.revision,
        origin_moved=done.origin_moved,
    )
