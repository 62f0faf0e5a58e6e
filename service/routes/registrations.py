"""Tables of tiles: sent, and how their registrations stand."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from anyio import CancelScope
from fastapi import APIRouter, Path, Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.routing import Match

from catalog.errors import RegistrationNotFound, TerrainNotFound
from catalog.models import Registration, Terrain
from catalog.repository import registrations, terrains
from service.bodies import registration_body
from service.description.parameters import TerrainKey
from service.description.problems import CATALOGUE_ERRORS, problem_responses
from service.desk import Desk, GivenDesk
from service.links import registration_path
from service.problems import retry_after
from service.registration_jobs import is_registration_id, new_registration_id, queue_registration
from service.request_keys import IdempotencyKey, request_key
from service.schemas import TableRegistrationBody
from service.table_bodies import receive_table, table_kind_of

RegistrationId = Annotated[
    str, Path(description="Of a table.", examples=["5d41402abc4b2a76b9719d911017c592"])
]


class TableRoute(APIRoute):
    """A route for bodies that are tables; others of the same path and method are left to the next one."""

    def matches(self, scope: Any) -> tuple[Match, Any]:
        match, child = super().matches(scope)
        if match is Match.FULL and table_kind_of(Headers(scope=scope)) is None:
            return Match.NONE, {}
        return match, child


router = APIRouter(prefix="/terrain", tags=["tiles"])
tables = APIRouter(route_class=TableRoute)


@router.get(
    "/{terrain}/registration/{registration}",
    responses=problem_responses(TerrainNotFound, RegistrationNotFound, *CATALOGUE_ERRORS),
)
async def get_registration(
    desk: GivenDesk, terrain: TerrainKey, registration: RegistrationId
) -> TableRegistrationBody:
    """How the registration of a table stands, and which of its rows are wrong."""
    return registration_body(await desk.run(_read_one, desk, terrain, registration))


def _read_one(desk: Desk, terrain_key: str, registration_id: str) -> Registration:
    with desk.house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
        if not is_registration_id(registration_id):
            raise RegistrationNotFound(registration_id)
        return registrations.get_registration(session, terrain.id, registration_id)


# described with the tiles' route, which has the same path
@tables.post("/{terrain}/tile", status_code=HTTPStatus.ACCEPTED, include_in_schema=False)
async def post_table(
    request: Request, response: Response, desk: GivenDesk, terrain: str, key: IdempotencyKey = None
) -> TableRegistrationBody:
    """Register a table of tiles, all rows or none, as a job."""
    found = await desk.run(_read_terrain, desk, terrain)
    kind = table_kind_of(request.headers)
    if kind is None:
        raise ValueError("only tables are led here")
    registration_id = new_registration_id()
    body = await receive_table(request, desk, registration_id, kind)
    asked = request_key(request, key, body.sha256)
    queued: str | None = None
    try:
        job = await desk.run(
            queue_registration, desk.house, found.id, registration_id, body.byte_count, asked
        )
        queued = job.id
    finally:
        if queued != registration_id:  # nothing will come of this table
            with CancelScope(shield=True):
                await desk.run(desk.house.spool.remove, registration_id)
    desk.registrations.look()
    response.headers["Location"] = registration_path(found.name, job.id)
    response.headers["Retry-After"] = retry_after()
    return registration_body(job)


def _read_terrain(desk: Desk, key: str) -> Terrain:
    with desk.house.database.read() as session:
        return terrains.get_terrain(session, key)


router.include_router(tables)
