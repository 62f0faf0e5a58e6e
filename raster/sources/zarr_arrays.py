"""Tiles that are Zarr arrays of two dimensions, of version 2 or 3, sharded or not."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from affine import Affine
from zarr.errors import BaseZarrError

from raster.cells import SOURCE_DTYPES, CellEncoding, Cells, Nodata, representable
from raster.crs import canonical_crs
from raster.errors import GridInvalid, SourceNotFound, SourceRefused, SourceUnreadable
from raster.grid import Window
from raster.sources.folder_store import FolderStore
from raster.sources.folders import METADATA, ByteFolder
from raster.sources.source import LONGEST_SIDE, SourceInfo

LONGEST_METADATA = 2**20
LARGEST_CHUNK_BYTES = 2**27
"""Decoded."""
MOST_CHUNKS_A_SHARD = 2**20
"""Its index has 16 bytes for each."""

CODECS_3 = frozenset({"bytes", "transpose", "zstd", "gzip", "blosc", "crc32c", "sharding_indexed"})
CODECS_2 = frozenset({"zlib", "gzip", "zstd", "blosc", "lz4", "bz2", "shuffle", "delta"})
"""What is known to turn bytes into cells and nothing else; others, such as pickle, are not loaded."""

_DAMAGE = (
    BaseZarrError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, OverflowError,
    NotImplementedError, FileNotFoundError, IndexError, ImportError,
)  # fmt: skip
"""What zarr and numcodecs raise over damaged or hostile metadata and chunks, by trial."""


@dataclass(frozen=True, slots=True)
class ZarrSource:
    """An open array."""

    info: SourceInfo
    array: zarr.Array[Any]
    url: str

    def read_window(self, window: Window) -> Cells:
        row = self.info.height - window.row_stop if self.info.south_up else window.row
        try:
            stored = self.array[row : row + window.height, window.col : window.col_stop]
        except _DAMAGE as error:
            raise SourceUnreadable(self.url, "a chunk is damaged") from error
        cells = np.asarray(stored, self.info.encoding.numpy_dtype)
        return cells[::-1] if self.info.south_up else cells


def open_array(folder: ByteFolder) -> ZarrSource:
    """Open a Zarr array.

    Raises
    ------
    SourceNotFound
        There is none.
    SourceUnreadable
        Its metadata are damaged.
    SourceRefused
        It is readable and not a tile.
    """
    _check_codecs(folder.url, _read_metadata(folder))
    try:
        array = zarr.open_array(FolderStore(folder), mode="r")
        attributes = dict(array.attrs)
        _check(folder.url, array)
        return ZarrSource(_inspect(folder, array, attributes), array, folder.url)
    except _DAMAGE as error:
        raise SourceUnreadable(folder.url, "its metadata are damaged, or of another kind of node") from error


def _read_metadata(folder: ByteFolder) -> Mapping[str, Any]:
    for key in METADATA:
        with folder.open_key(key) as ranges:
            if ranges is None:
                continue
            if ranges.size > LONGEST_METADATA:
                raise SourceRefused(folder.url, f"its metadata have more than {LONGEST_METADATA} bytes")
            data = bytearray(ranges.size)
            ranges.read_into(0, data)
        try:
            found = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise SourceUnreadable(folder.url, "its metadata are no JSON") from error
        if not isinstance(found, dict):
            raise SourceUnreadable(folder.url, "its metadata are no JSON object")
        return found
    raise SourceNotFound(folder.url, f"no Zarr array lies there ({' or '.join(METADATA)})")


def _check_codecs(url: str, metadata: Mapping[str, Any]) -> None:
    if metadata.get("zarr_format") == 3:
        if metadata.get("node_type") != "array" or metadata.get("storage_transformers"):
            raise SourceRefused(url, "it is no array; name one in the group, e.g. …zarr/0/elevation")
        used = set(_codecs_3(metadata.get("codecs")))
        unknown = used - CODECS_3
    else:
        chain = [metadata.get("compressor"), *(metadata.get("filters") or ())]
        used = {str(codec.get("id")) for codec in chain if isinstance(codec, dict)}
        unknown = used - CODECS_2
    if unknown:
        raise SourceRefused(url, f"codecs are not taken: {', '.join(sorted(unknown))[:200]}")


def _codecs_3(chain: object) -> Iterable[str]:
    if not isinstance(chain, list):
        return
    for codec in chain:
        name = codec.get("name") if isinstance(codec, dict) else codec
        yield str(name)
        if isinstance(codec, dict) and isinstance(inner := codec.get("configuration"), dict):
            yield from _codecs_3(inner.get("codecs"))
            yield from _codecs_3(inner.get("index_codecs"))


def _check(url: str, array: zarr.Array[Any]) -> None:
    if array.ndim != 2:
        raise SourceRefused(url, f"it has {array.ndim} dimensions; a tile has rows and columns")
    if not all(1 <= side <= LONGEST_SIDE for side in array.shape):
        raise SourceRefused(url, f"a tile has 1 to {LONGEST_SIDE} rows and columns")
    if array.dtype.name not in SOURCE_DTYPES:
        raise SourceRefused(url, f"its dtype is {array.dtype.name}; taken are {', '.join(SOURCE_DTYPES)}")
    chunk_bytes = math.prod(array.chunks) * array.dtype.itemsize
    if not 0 < chunk_bytes <= LARGEST_CHUNK_BYTES:
        raise SourceRefused(
            url,
            f"a chunk decodes to {chunk_bytes} bytes, at most {LARGEST_CHUNK_BYTES} are taken",
        )
    shard = array.shards or array.chunks
    if math.prod(shard) // math.prod(array.chunks) > MOST_CHUNKS_A_SHARD:
        raise SourceRefused(url, f"its shards have more than {MOST_CHUNKS_A_SHARD} chunks")


def _inspect(folder: ByteFolder, array: zarr.Array[Any], attributes: Mapping[str, Any]) -> SourceInfo:
    height, width = array.shape
    transform = _transform(folder.url, attributes.get("spatial:transform"))
    south_up = transform is not None and transform.e > 0
    if transform is not None and south_up:
        a, _, c, _, e, f = transform[:6]
        transform = Affine(a, 0.0, c, 0.0, -e, f + e * height)
    return SourceInfo(
        height=height,
        width=width,
        encoding=_encoding(folder.url, array, attributes),
        transform=transform,
        crs=_crs(folder.url, attributes),
        south_up=south_up,
        identity=folder.identity,
        block_height=min(array.chunks[0], height),
        block_width=min(array.chunks[1], width),
    )


def _transform(url: str, numbers: object) -> Affine | None:
    if numbers is None:
        return None
    a, b, c, d, e, f = map(float, numbers)  # type: ignore[call-overload]
    if not all(map(math.isfinite, (a, b, c, d, e, f))) or b or d or a <= 0 or e == 0:
        raise SourceRefused(url, f"its spatial:transform {numbers!r:.200} is not [a > 0, 0, c, 0, e, f]")
    return Affine(a, b, c, d, e, f)


def _crs(url: str, attributes: Mapping[str, Any]) -> str | None:
    names = ("proj:code", "proj:wkt2", "proj:projjson")
    found = next((attributes[name] for name in names if attributes.get(name) is not None), None)
    if found is None:
        return None
    try:
        return canonical_crs(found if isinstance(found, str) else json.dumps(found))
    except GridInvalid as error:
        raise SourceRefused(url, "its CRS cannot be understood") from error


def _encoding(url: str, array: zarr.Array[Any], attributes: Mapping[str, Any]) -> CellEncoding:
    scale, offset = float(attributes.get("scale_factor", 1)), float(attributes.get("add_offset", 0))
    if not (math.isfinite(scale) and math.isfinite(offset)) or scale == 0:
        raise SourceRefused(url, f"its scale {scale} and offset {offset} give no heights")
    dtype = array.dtype.name
    return CellEncoding(dtype, _nodata(array, attributes), scale, offset)


def _nodata(array: zarr.Array[Any], attributes: Mapping[str, Any]) -> Nodata:
    """`_FillValue`, else what chunks that are not there read as, unless that is the 0 nobody has chosen."""
    given = attributes.get("_FillValue")
    if not isinstance(given, (int, float)):
        given = array.fill_value
        given = None if given is None or not given else float(given)
    return None if given is None else representable(given, np.dtype(array.dtype.name))
