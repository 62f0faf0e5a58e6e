"""Terrains: list, create, look at, change, delete."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, StringConstraints

from catalog.errors import CursorInvalid, RequestKeyTaken, TerrainExists, TerrainNotFound
from catalog.models import Terrain
from catalog.repository import terrains
from raster.errors import GridInvalid, TerrainTooLarge
from raster.grid import Extent
from service.bbox import parse_bbox
from service.bodies import terrain_body, terrain_page
from service.creation import TerrainOrder, create_terrain
from service.description.headers import ETAG, NEXT_PAGE, STALE, located
from service.description.parameters import AfterTerrain, Bbox, PageSize, TerrainKey
from service.description.problems import BODY_ERRORS, CATALOGUE_ERRORS, problem_responses
from service.description.viewer import with_page
from service.desk import Desk, GivenDesk
from service.field_types import WITHOUT_NUL
from service.json_bodies import JsonRoute
from service.last_good import GoodAnswer
from service.links import next_page
from service.pyramid_states import list_states
from service.request_keys import IdempotencyKey, hash_of, request_key
from service.schemas import (
    NewTerrainBody,
    TerrainBody,
    TerrainChange,
    TerrainPage,
    TerrainWithPyramidsBody,
)

router = APIRouter(prefix="/terrain", tags=["terrains"], route_class=JsonRoute)

NamePrefix = Annotated[
    Annotated[str, StringConstraints(max_length=100), Field(json_schema_extra={"pattern": WITHOUT_NUL})]
    | None,
    Query(description="Start of the name.", examples=["go"]),
]


@router.get(
    "",
    response_model=TerrainPage,
    responses={
        **problem_responses(CursorInvalid, GridInvalid, *CATALOGUE_ERRORS),
        200: {"description": "The page", "headers": {**ETAG, **NEXT_PAGE, **STALE}},
        304: {"description": "The page is the one the client has", "headers": {**ETAG, **NEXT_PAGE, **STALE}},
    },
)
async def list_terrains(
    request: Request,
    desk: GivenDesk,
    limit: PageSize = 100,
    after: AfterTerrain = None,
    q: NamePrefix = None,
    bbox: Bbox = None,
) -> Response:
    """A page of terrains by name, with their number of tiles, size and extent."""
    extent = None if bbox is None else parse_bbox(bbox)

    async def read() -> GoodAnswer:
        return await desk.run(_read_page, request, desk, limit, after, q, extent)

    return (await desk.last_good.answer(request, "list", read)).respond(request)


def _read_page(
    request: Request, desk: Desk, limit: int, after: str | None, q: str | None, bbox: Extent | None
) -> GoodAnswer:
    with desk.house.database.read() as session:
        page = terrains.list_terrains(session, limit=limit, after=after, name_prefix=q, bbox=bbox)
    following = next_page(request, page.next)
    return GoodAnswer(content=terrain_page(page, following), next_page=following)


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={
        **problem_responses(
            *BODY_ERRORS, TerrainExists, RequestKeyTaken, GridInvalid, TerrainTooLarge, *CATALOGUE_ERRORS
        ),
        201: {"description": "The terrain", "headers": located("The terrain")},
    },
)
async def post_terrain(
    request: Request,
    desk: GivenDesk,
    body: NewTerrainBody,
    response: Response,
    key: IdempotencyKey = None,
) -> TerrainBody:
    """Create a terrain without tiles."""
    fields = body.model_dump(exclude={"extent"})
    extent = None if body.extent is None else Extent(**body.extent.model_dump())
    asked = request_key(request, key, hash_of(body.model_dump_json()))
    terrain = await desk.run(create_terrain, desk.house, TerrainOrder(**fields, extent=extent), asked)
    response.headers["Location"] = f"/terrain/{terrain.name}"
    return terrain_body(terrain)


@router.get(
    "/{terrain}",
    response_model=TerrainWithPyramidsBody,
    responses=with_page(
        {
            **problem_responses(TerrainNotFound, *CATALOGUE_ERRORS),
            200: {"description": "The terrain", "headers": {**ETAG, **STALE}},
            304: {"description": "The client has it", "headers": {**ETAG, **STALE}},
        }
    ),
)
async def get_terrain(request: Request, desk: GivenDesk, terrain: TerrainKey) -> Response:
    """One terrain, and how its pyramids stand."""

    async def read() -> GoodAnswer:
        body = await desk.run(_read_one, desk, terrain)
        return GoodAnswer(content=body.model_dump_json().encode())

    return (await desk.last_good.answer(request, "one", read)).respond(request)


def _read_one(desk: Desk, key: str) -> TerrainWithPyramidsBody:
    states = list_states(desk.house, desk.builds, key)
    pyramids = {state.metric: state.state.value for state in states}
    return TerrainWithPyramidsBody(**terrain_body(states[0].terrain).model_dump(), pyramids=pyramids)


@router.patch("/{terrain}", responses=problem_responses(TerrainNotFound, *BODY_ERRORS, *CATALOGUE_ERRORS))
async def patch_terrain(desk: GivenDesk, terrain: TerrainKey, body: TerrainChange) -> TerrainBody:
    """Change what is said of a terrain; absent fields stay. Name and grid never change."""
    return terrain_body(await desk.run(_change, desk, terrain, body))


def _change(desk: Desk, key: str, body: TerrainChange) -> Terrain:
    with desk.house.database.write() as session:
        terrain = terrains.lock_terrain(session, key)
        terrains.update_terrain(session, terrain, body.model_dump(exclude_unset=True))
        return terrain


@router.delete(
    "/{terrain}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=problem_responses(TerrainNotFound, *CATALOGUE_ERRORS),
)
async def delete_terrain(desk: GivenDesk, terrain: TerrainKey) -> None:
    """Forget a terrain, its tiles and its pyramids; the tiles' sources stay."""
    await desk.run(_delete, desk, terrain)


def _delete(desk: Desk, key: str) -> None:
    with desk.house.database.write() as session:
        terrains.delete_terrain(session, terrains.lock_terrain(session, key))
