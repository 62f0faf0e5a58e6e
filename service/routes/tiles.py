"""Tiles: register, list, look at, change, take away, and their statistics."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from catalog.errors import CatalogUnavailable, CursorInvalid, RequestKeyTaken, TerrainNotFound, TileNotFound
from catalog.models import Tile
from catalog.repository import terrains, tiles
from raster.errors import GridInvalid, TerrainTooLarge
from service.bodies import tile_body, tile_page
from service.desk import Desk, GivenDesk
from service.errors import ParameterInvalid, RegistrationRefused, RegistrationTooLarge, SpoolUnavailable
from service.last_good import GoodAnswer
from service.links import next_page
from service.problems import SOURCE_ERRORS, problem_responses
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
from service.table_description import TABLE_CONTENT, TABLE_TAKEN
from service.tile_filters import TileFilter
from service.tile_orders import TileOrder
from service.tile_statistics import compute_statistics

router = APIRouter(prefix="/terrain", tags=["tiles"])

TileId = Annotated[int, Path(ge=1, lt=2**63)]
CellIndex = Annotated[int | None, Query(ge=-(2**53), le=2**53)]


@router.get("/tile/{tile_id}", responses=problem_responses(TileNotFound, CatalogUnavailable))
async def get_tile(desk: GivenDesk, tile_id: TileId) -> TileBody:
    """One tile."""
    return tile_body(await desk.run(_read_one, desk, tile_id))


def _read_one(desk: Desk, tile_id: int) -> Tile:
    with desk.house.database.read() as session:
        return tiles.get_tile(session, tile_id)


@router.patch("/tile/{tile_id}", responses=problem_responses(TileNotFound, CatalogUnavailable, has_body=True))
async def patch_tile(desk: GivenDesk, tile_id: TileId, body: TileChange) -> TileBody:
    """Change a tile's precedence. Register its source again to change anything else."""
    return tile_body(await desk.run(change_priority, desk.house, tile_id, body.priority))


@router.delete(
    "/tile/{tile_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=problem_responses(TileNotFound, CatalogUnavailable),
)
async def delete_tile(desk: GivenDesk, tile_id: TileId) -> None:
    """Take a tile out of its terrain; its source stays where it is."""
    await desk.run(remove_tile, desk.house, tile_id)


@router.get(
    "/tile/{tile_id}/stats", responses=problem_responses(TileNotFound, *SOURCE_ERRORS, CatalogUnavailable)
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
        **problem_responses(
            TerrainNotFound, CursorInvalid, GridInvalid, ParameterInvalid, CatalogUnavailable
        ),
        304: {"description": "The page is the one the client has"},
    },
)
async def list_tiles(
    request: Request,
    desk: GivenDesk,
    terrain: str,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(max_length=500, description="Cursor of the page before.")] = None,
    row: Annotated[CellIndex, Query(description="With `col`: only tiles that hold this cell (y).")] = None,
    col: Annotated[CellIndex, Query(description="With `row`: only tiles that hold this cell (x).")] = None,
    bbox: Annotated[
        str | None,
        Query(max_length=200, description="west,south,east,north in degrees: only tiles there."),
    ] = None,
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
            CatalogUnavailable,
            SpoolUnavailable,
            has_body=True,
        ),
        202: TABLE_TAKEN,
    },
    openapi_extra={"requestBody": {"content": TABLE_CONTENT}},
)
async def post_tiles(
    request: Request, desk: GivenDesk, terrain: str, body: NewTilesBody, key: IdempotencyKey = None
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
