"""Pyramids as Zarr groups over HTTP: the stored bytes of one generation. Never builds."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Path, Request, Response

from catalog.errors import GenerationNotFound
from raster.errors import PyramidCorrupt
from raster.metrics.interface import VALUE
from raster.skeleton import METADATA as METADATA_KEY
from raster.storage.manifest import StoredPart
from raster.vrt import make_vrt
from service.cache_control import FOR_AN_HOUR, FOR_EVER
from service.description.headers import PINNED
from service.description.parameters import MetricName, TerrainKey
from service.description.problems import CATALOGUE_ERRORS, problem_responses
from service.desk import Desk, GivenDesk
from service.documents import answer_document
from service.errors import ObjectNotFound, StoreUnavailable
from service.etags import etag_of, etag_of_bytes
from service.links import unsharded_path
from service.request_errors import RangeNotSatisfiable
from service.terrain_grids import grid_of
from service.zarr_answers import (
    CELLS,
    METADATA,
    answer_metadata,
    answer_part,
)
from service.zarr_reader import OpenZarr, Pinned

router = APIRouter(prefix="/terrain", tags=["zarr"])

VRT = "application/xml"

GenerationId = Annotated[
    str,
    Path(
        max_length=100,
        description="As the pyramid's state names it.",
        examples=["g20260704t120000000000-0a1b2c3d"],
    ),
]
ObjectKey = Annotated[
    str, Path(max_length=200, description="Of the object in the group.", examples=["zarr.json"])
]


async def _pin(terrain: TerrainKey, metric: MetricName, generation: GenerationId) -> Pinned:
    return Pinned(terrain, metric, generation)


GivenPinned = Annotated[Pinned, Depends(_pin)]

PROBLEMS: tuple[type[Exception], ...] = (GenerationNotFound, *CATALOGUE_ERRORS)
_BYTES: dict[str, Any] = {CELLS: {"schema": {"type": "string", "format": "binary"}}}
OBJECT: dict[int | str, dict[str, Any]] = {
    **problem_responses(
        *PROBLEMS, PyramidCorrupt, StoreUnavailable, ObjectNotFound, RangeNotSatisfiable, is_open_ended=True
    ),
    200: {
        "description": "The object",
        "content": {METADATA: {"schema": {}}, **_BYTES},
        "headers": PINNED,
    },
    206: {"description": "The range of it", "content": _BYTES, "headers": PINNED},
    304: {"description": "The client has it", "headers": PINNED},
}


@router.get(
    "/{terrain}/zarr/{metric}/{generation}.vrt",
    response_class=Response,
    responses={
        **problem_responses(*PROBLEMS),
        200: {"description": "The VRT", "content": {VRT: {"schema": {"type": "string"}}}, "headers": PINNED},
        304: {"description": "The client has it", "headers": PINNED},
    },
)
async def get_vrt(request: Request, desk: GivenDesk, pinned: GivenPinned) -> Response:
    """A GDAL VRT with the levels as overviews: for GDAL and QGIS, also where they know no shards."""
    stored = await desk.run(desk.zarrs.get_generation, pinned)
    base = f"{request.base_url}{unsharded_path(pinned.terrain, pinned.metric, pinned.generation)[1:]}"
    text = make_vrt(
        grid_of(stored),
        np.dtype(stored.dtype),
        stored.nodata,
        stored.unit,
        lambda level: f'ZARR:"/vsicurl/{base}":/{level}/{VALUE}',
    )
    return answer_document(request, text, FOR_AN_HOUR, VRT)


@router.get("/{terrain}/zarr/{metric}/{generation}/{key:path}", response_class=Response, responses=OBJECT)
async def get_zarr_object(request: Request, desk: GivenDesk, pinned: GivenPinned, key: ObjectKey) -> Response:
    """An object of a pyramid's Zarr group, as it lies in the store."""
    return await _answer(request, desk, pinned, key, is_sharded=True)


@router.get(
    "/{terrain}/unsharded/{metric}/{generation}/{key:path}", response_class=Response, responses=OBJECT
)
async def get_unsharded_object(
    request: Request, desk: GivenDesk, pinned: GivenPinned, key: ObjectKey
) -> Response:
    """The same as a group without shards, made of the same bytes, for readers that know none."""
    return await _answer(request, desk, pinned, key, is_sharded=False)


async def _answer(request: Request, desk: Desk, pinned: Pinned, key: str, *, is_sharded: bool) -> Response:
    zarr = await _open(desk, pinned)
    headers = {"ETag": etag_of(pinned.generation, is_sharded, key), "Cache-Control": FOR_EVER}
    try:
        found = await desk.take_turn(zarr.find, key, is_sharded=is_sharded)
        if found is None:
            raise ObjectNotFound(key)
        if isinstance(found, StoredPart) and not key.endswith(METADATA_KEY):
            return await answer_part(request, desk, pinned, zarr, found, headers)
        if isinstance(found, StoredPart):
            found = await desk.take_turn(zarr.read, found, 0, found.size)
    except PyramidCorrupt:
        await desk.run(desk.zarrs.report, pinned)
        raise
    if not is_sharded:  # it is made by this version of this code
        headers = {"ETag": etag_of_bytes(found), "Cache-Control": FOR_AN_HOUR}
    return answer_metadata(request, found, headers)


async def _open(desk: Desk, pinned: Pinned) -> OpenZarr:
    zarr = desk.zarrs.kept(pinned)
    if zarr is None:
        zarr = await desk.share(pinned, desk.zarrs.open, pinned)
        desk.zarrs.keep(pinned, zarr)
    return zarr
