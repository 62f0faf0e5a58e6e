"""Zoom levels: served from the store; built, stored and then served when there is no stored version."""

from __future__ import annotations

from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.routing import Match

from catalog.errors import TerrainNotFound
from raster.box_errors import BoxOutside, BoxSplit
from raster.errors import (
    GridInvalid,
    LevelNotFound,
    MetricNotFound,
    PyramidCorrupt,
    WindowOutOfBounds,
    WindowTooLarge,
)
from service.bodies import pyramid_body
from service.build_permits import may_build, refusal_of
from service.description.headers import APPLIED, LEVEL, PLACED, PYRAMID_LATER
from service.description.parameters import MetricName, Prefer, TerrainKey
from service.description.problems import BUILD_ERRORS, CATALOGUE_ERRORS, problem_responses
from service.desk import Desk, GivenDesk
from service.encoding import FORMATS, MEDIA_TYPES, choose_format
from service.errors import BuildNeedsKey, FormatNotSupported, NothingAcceptable
from service.etags import answers_304, etag_of
from service.key_guard import granted_scope
from service.level_answers import headers_of_window, read_content
from service.levels import LevelWindow, Located
from service.links import pyramid_path
from service.prefer import Preference, prefer_in
from service.problems import retry_after
from service.pyramid_answers import replacing_damaged, wait_for_build
from service.pyramid_schemas import LevelWindowBody, PyramidBody
from service.pyramid_states import get_state
from service.routes.level_windows import GivenWindow
from service.windows import Asked


class LevelRoute(APIRoute):
    """Leaves the build, which lies beside the levels, alone: GET of it is no level that is no number."""

    def matches(self, scope: MutableMapping[str, Any]) -> tuple[Match, MutableMapping[str, Any]]:
        return (Match.NONE, {}) if scope["path"].endswith("/build") else super().matches(scope)


router = APIRouter(prefix="/terrain", tags=["levels"], route_class=LevelRoute)

Format = Annotated[
    str | None,
    Query(
        description="Default: what Accept likes best.",
        examples=["json"],
        json_schema_extra={"enum": list(FORMATS)},
    ),
]
Staleness = Annotated[
    Literal["allow", "refuse"], Query(description="Whether old values will do.", examples=["allow"])
]


@router.get(
    "/{terrain}/pyramid/{metric}/{level}",
    response_class=Response,
    responses={
        **problem_responses(
            TerrainNotFound,
            MetricNotFound,
            LevelNotFound,
            WindowOutOfBounds,
            WindowTooLarge,
            BoxOutside,
            BoxSplit,
            GridInvalid,
            FormatNotSupported,
            NothingAcceptable,
            BuildNeedsKey,
            PyramidCorrupt,
            *BUILD_ERRORS,
            *CATALOGUE_ERRORS,
        ),
        200: {
            "model": LevelWindowBody,
            "description": "The cells",
            "content": {
                MEDIA_TYPES[form]: {"schema": {"type": "string", "format": "binary"}}
                for form in ("npy", "tif", "png")
            },
            "headers": {**LEVEL, **PLACED},
        },
        202: {
            "model": PyramidBody,
            "description": "The build goes on: its state",
            "headers": {**PYRAMID_LATER, **APPLIED},
        },
        304: {"description": "The window is the one the client has", "headers": {**LEVEL, **PLACED}},
    },
)
async def get_level(
    request: Request,
    desk: GivenDesk,
    terrain: TerrainKey,
    metric: MetricName,
    asked: GivenWindow,
    f: Format = None,
    stale: Staleness = "allow",
    prefer: Prefer = None,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """A zoom level, or a window of it: by its cells, or by a box, which is snapped outward to whole ones.

    When no stored version exists it is computed now, stored and returned; later requests get
    the stored one. If that takes longer than the client waits it goes on, and the answer is
    202 with the `Location` of the pyramid's state. Where building takes a key, a request without
    one has only small terrains built: else it gets what is stored, or 409.
    """
    form = choose_format(f, accept)
    located = await _locate(desk, terrain, metric, asked)
    preference, granted = prefer_in(prefer, desk.house.settings), granted_scope(request.scope)
    if not located.is_fresh:
        located = await wait_for_build(
            desk,
            granted,
            located,
            preference.wait_s,
            look=lambda before: _locate(desk, before.terrain.id, metric, asked),
            is_enough=lambda found: found.is_fresh,
            may_keep=lambda found: stale == "allow" and found.resolved is not None,
        )
    resolved = located.resolved if located.is_fresh or stale == "allow" else None
    if resolved is None and not may_build(desk, granted, located):
        raise await refusal_of(desk, located)
    if resolved is None:
        return await _accepted(desk, located, preference)
    with replacing_damaged(desk, located):
        return await _respond(request, desk, resolved, form)


async def _locate(desk: Desk, terrain: int | str, metric: str, asked: Asked) -> Located:
    # all who wait for a build go on at once when it ends
    return await desk.share((terrain, metric, asked), desk.levels.locate, terrain, metric, asked)


async def _accepted(desk: Desk, located: Located, preference: Preference) -> Response:
    """The build goes on; how it stands, where to look, and when to come back."""
    terrain, metric = located.terrain, located.metric
    state = await desk.run(get_state, desk.house, desk.builds, terrain.id, metric)
    headers = {
        "Location": pyramid_path(terrain.name, metric),
        "Retry-After": retry_after(),
        "Cache-Control": "no-store",
    }
    if preference.applied:
        headers["Preference-Applied"] = preference.applied
    body = pyramid_body(desk.house, state).model_dump(mode="json")
    return JSONResponse(body, status_code=HTTPStatus.ACCEPTED, headers=headers)


async def _respond(request: Request, desk: Desk, resolved: LevelWindow, form: str) -> Response:
    generation = resolved.generation
    etag = etag_of(generation.id, resolved.level, resolved.window, resolved.state, form)
    headers = {
        "ETag": etag,
        "Cache-Control": "no-cache",
        "Vary": "Accept, Prefer",
        **headers_of_window(resolved),
    }
    if answers_304(request.headers.get("if-none-match"), etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    content = await desk.share(etag, read_content, desk.levels, resolved, form)
    return Response(content, media_type=MEDIA_TYPES[form], headers=headers)
