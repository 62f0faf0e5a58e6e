"""Answers with the bytes of a stored object, or a part of them: for ever the same under their address."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from http import HTTPStatus

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from raster.errors import PyramidCorrupt
from raster.storage.manifest import StoredPart
from service.accept import best_accepted
from service.byte_ranges import asked_range
from service.desk import Desk
from service.etags import answers_304
from service.head_requests import is_body_wanted
from service.zarr_reader import OpenZarr, Pinned

PIECE = 2**20
"""Bytes that are in memory for one answer."""

CELLS, METADATA = "application/octet-stream", "application/json"


async def answer_part(
    request: Request,
    desk: Desk,
    pinned: Pinned,
    zarr: OpenZarr,
    part: StoredPart,
    headers: dict[str, str],
) -> Response:
    """The answer with a stored object, or with the range of it that is asked for.

    What is wrong with its first or last byte is found before anything is sent; an answer that breaks off
    is shorter than it says.

    Parameters
    ----------
    headers : with `ETag`
    """
    if answers_304(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    wanted = _wanted(request, part.size, headers["ETag"])
    start, stop = (0, part.size) if wanted is None else (wanted.start, wanted.stop)
    told = {**headers, "Accept-Ranges": "bytes", "Content-Length": str(stop - start)}
    if wanted is not None:
        told["Content-Range"] = f"bytes {start}-{stop - 1}/{part.size}"
    status = HTTPStatus.OK if wanted is None else HTTPStatus.PARTIAL_CONTENT
    if not is_body_wanted(request.scope):
        await desk.take_turn(zarr.read, part, max(start, stop - 1), stop)
        return Response(status_code=status, headers=told, media_type=CELLS)
    if stop - start <= PIECE:
        content = await desk.take_turn(zarr.read, part, start, stop)
        return Response(content, status, told, CELLS)
    await desk.take_turn(zarr.read, part, stop - 1, stop)
    return StreamingResponse(_pieces(desk, pinned, zarr, part, start, stop), status, told, CELLS)


async def _pieces(
    desk: Desk, pinned: Pinned, zarr: OpenZarr, part: StoredPart, start: int, stop: int
) -> AsyncIterator[bytes]:
    """What has been begun is carried on: it waits for no turn."""
    try:
        for begin in range(start, stop, PIECE):
            yield await zarr.read(part, begin, min(begin + PIECE, stop))
    except PyramidCorrupt:
        await desk.run(desk.zarrs.report, pinned)
        raise


def answer_metadata(request: Request, content: bytes, headers: dict[str, str]) -> Response:
    """The answer with metadata, smaller where the client takes that: it is text that says much twice."""
    wanted = _wanted(request, len(content), headers["ETag"])
    taken = ",".join(request.headers.getlist("accept-encoding")) or "identity"
    packs = wanted is None and best_accepted(taken, ("gzip", "identity")) == "gzip"
    told = {**headers, "Vary": "Accept-Encoding", "Accept-Ranges": "bytes"}
    if packs:
        # another representation has another tag
        told |= {"ETag": f'{headers["ETag"][:-1]}0"', "Content-Encoding": "gzip"}
    if answers_304(request.headers.get("if-none-match"), told["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=told)
    if wanted is not None:
        told["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{len(content)}"
        # a part of a JSON text is none
        return Response(content[wanted], HTTPStatus.PARTIAL_CONTENT, told, CELLS)
    return Response(gzip.compress(content, mtime=0) if packs else content, 200, told, METADATA)


def _wanted(request: Request, size: int, etag: str) -> slice | None:
    """The range that is asked for, unless of something else (If-Range)."""
    only_of = request.headers.get("if-range")
    if not is_body_wanted(request.scope) or (only_of is not None and only_of != etag):
        return None
    return asked_range(request.headers.get("range"), size)
