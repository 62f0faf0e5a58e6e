"""Tiles in GDAL's formats: GeoTIFF, SRTM, ESRI ASCII and PNG, each by its own driver and no other.

GDAL is given a file object, never a path: it sees that one file, so nothing beside it (.ovr,
.aux.xml, .msk, world files) is read, and what the content claims to be is of no use to it.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.env import set_gdal_config
from rasterio.errors import RasterioError
from rasterio.windows import Window as RasterioWindow

from raster.cells import SOURCE_DTYPES, CellEncoding, Cells, representable
from raster.crs import canonical_crs
from raster.errors import GridInvalid, SourceRefused, SourceUnreadable
from raster.grid import Window
from raster.sources.ranges import Buffer, ByteRanges, RangeFile
from raster.sources.source import SourceInfo

LARGEST_BLOCK_BYTES = 2**27
"""Decoded bytes of one block of a file: any cell of it costs twice that memory, GDAL's copy and ours."""

CELLS_PER_BYTE = 2**10
"""Cells that a byte of a large file may promise: deflate packs no better. A GeoTIFF that leaves its blocks
out promises ten billion in some hundred bytes, and reading them takes minutes, whatever they hold."""

UNQUESTIONED_CELLS = 2**28
"""Cells of a file that may promise anything: they are read in some seconds."""

FROM_THE_START = frozenset({"AAIGrid", "SRTMHGT"})
"""Drivers that come to a cell by way of all before it."""

SMALL_CELLS = 2**24
"""Cells of a raster that may be one block: 64 MiB of float32."""

GDAL_OPTIONS: dict[str, Any] = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
}

BLOCK_CACHE_BYTES = 2**26
"""Of GDAL, shared by all threads: cells are read once, so blocks need no long life."""

OPEN_OPTIONS: Mapping[str, Mapping[str, str]] = {"AAIGrid": {"DATATYPE": "Float32"}}
"""Per driver. ESRI ASCII names no dtype; GDAL's guess is Int32, cut-off heights, for files it is
not given as paths. float32 holds integers up to 2^24."""


class _GdalFile(RangeFile):
    """A source's bytes for GDAL. Its failures wait: raised within GDAL they would be lost, or crash it."""

    def __init__(self, ranges: ByteRanges, failed: list[SourceUnreadable] | None = None) -> None:
        super().__init__(ranges)
        self._failed = [] if failed is None else failed

    def again(self) -> _GdalFile:
        """The same source from its beginning, its failures shared."""
        return _GdalFile(self._ranges, self._failed)

    def readinto(self, buffer: Buffer) -> int:  # type: ignore[override]
        try:
            return super().readinto(buffer)
        except SourceUnreadable as error:
            self._failed.append(error)
            return 0

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Raise what failed within, GDAL's errors in words that name the source and no inner path.

        rasterio lets errors of GDAL out that it has no own ones for, and undecodable words of metadata.
        """
        try:
            yield
        except (RasterioError, CPLE_BaseError, UnicodeDecodeError) as error:
            told = SourceUnreadable(self._ranges.url, "damaged, or not in the format its name says")
            raise (self._failed[0] if self._failed else told) from error
        if self._failed:
            raise self._failed[0]


@dataclass(frozen=True, slots=True)
class GdalSource:
    """An open raster file of one band."""

    info: SourceInfo
    raster: rasterio.DatasetReader
    file: _GdalFile

    def read_window(self, window: Window) -> Cells:
        row = self.info.height - window.row_stop if self.info.south_up else window.row
        stored = RasterioWindow(window.col, row, window.width, window.height)
        with self.file.failures():
            cells: Cells = self.raster.read(1, window=stored)
        return cells[::-1] if self.info.south_up else cells


@contextmanager
def open_gdal(ranges: ByteRanges, driver: str) -> Iterator[GdalSource]:
    """Open a raster file with one driver.

    Raises
    ------
    SourceUnreadable
        The driver cannot read it.
    SourceRefused
        It is readable and not a tile: bands, dtype, palette, rotation, huge blocks.
    """
    # rasterio finds openers by folder, so each opening has a folder of its own
    path = f"{uuid.uuid4().hex}/{ranges.name}"
    file = _GdalFile(ranges)

    def open_file(asked: str, mode: str = "rb") -> RangeFile:  # noqa: ARG001 - rasterio gives it
        if not asked.endswith(path):
            raise FileNotFoundError(asked)
        return file.again()

    _limit_block_cache()
    with rasterio.Env(**GDAL_OPTIONS), ExitStack() as opened:
        with file.failures():
            raster = opened.enter_context(
                rasterio.open(path, driver=driver, opener=open_file, **OPEN_OPTIONS.get(driver, {}))
            )
            info = _inspect(ranges, raster)
        yield GdalSource(info, raster, file)


@cache
def _limit_block_cache() -> None:
    # once for the process: as an option of each opening it would be undone under other threads' reads
    set_gdal_config("GDAL_CACHEMAX", BLOCK_CACHE_BYTES)


def _inspect(ranges: ByteRanges, raster: rasterio.DatasetReader) -> SourceInfo:
    _check_band(ranges.url, raster)
    transform = _transform(ranges.url, raster)
    south_up = transform is not None and transform.e > 0
    if transform is not None and south_up:
        transform = Affine(
            transform.a, 0.0, transform.c, 0.0, -transform.e, transform.f + transform.e * raster.height
        )
    _check_promise(ranges, raster)
    block_height, block_width = _block_shape(raster)
    return SourceInfo(
        height=raster.height,
        width=raster.width,
        encoding=_encoding(ranges.url, raster),
        transform=transform,
        crs=_crs(ranges.url, raster),
        south_up=south_up,
        identity=ranges.identity,
        block_height=block_height,
        block_width=block_width,
    )


def _check_band(url: str, raster: rasterio.DatasetReader) -> None:
    if raster.count != 1:
        raise SourceRefused(url, f"it has {raster.count} bands; a tile has one, the height")
    dtype = raster.dtypes[0]
    if dtype not in SOURCE_DTYPES:
        raise SourceRefused(url, f"its dtype is {dtype}; taken are {', '.join(SOURCE_DTYPES)}")
    if raster.colorinterp[0] == ColorInterp.palette:
        raise SourceRefused(url, "its cells are indices of a palette, not heights")
    if MaskFlags.per_dataset in raster.mask_flag_enums[0]:
        raise SourceRefused(url, "a mask tells which cells have data; write it with a nodata value instead")
    block_height, block_width = _block_shape(raster)
    block_bytes = block_height * block_width * np.dtype(dtype).itemsize
    if block_bytes > LARGEST_BLOCK_BYTES:
        raise SourceRefused(
            url,
            f"one of its blocks of {block_height} x {block_width} cells decodes to {block_bytes} bytes, "
            f"at most {LARGEST_BLOCK_BYTES} are taken; write it as GeoTIFF with smaller blocks",
        )


def _check_promise(ranges: ByteRanges, raster: rasterio.DatasetReader) -> None:
    """Refuse cells that the file does not have."""
    cell_count = raster.height * raster.width
    if raster.driver == "AAIGrid" and ranges.size < 2 * cell_count - 1:
        # a digit and a space each; GDAL would look for every missing cell
        raise SourceUnreadable(ranges.url, "it has fewer cells than its header says")
    if cell_count > max(UNQUESTIONED_CELLS, CELLS_PER_BYTE * ranges.size):
        raise SourceRefused(
            ranges.url,
            f"it promises {raster.height} x {raster.width} cells in {ranges.size} bytes; of more than "
            f"{UNQUESTIONED_CELLS} cells at most {CELLS_PER_BYTE} are taken for a byte. Cut it into tiles "
            "and leave out those without data: cells under no tile are nodata",
        )


def _block_shape(raster: rasterio.DatasetReader) -> tuple[int, int]:
    """What has to be decoded for one cell.

    Of a PNG, one compressed stream, everything. An SRTM tile may be an archive's, which is unpacked
    whole, and ESRI ASCII is read from its start: small ones are one block, decoded once.
    """
    is_small = raster.height * raster.width <= SMALL_CELLS
    if raster.driver == "PNG" or (raster.driver in FROM_THE_START and is_small):
        return raster.height, raster.width
    height, width = raster.block_shapes[0]
    return height, width


def _transform(url: str, raster: rasterio.DatasetReader) -> Affine | None:
    """The file's transform; the identity is what GDAL gives for none."""
    transform = Affine(*raster.transform[:6])
    if transform == Affine.identity():
        return None
    if not all(map(math.isfinite, (*transform[:6], *(transform @ (raster.width, raster.height))))):
        raise SourceRefused(url, f"its transform {tuple(transform[:6])} does not lead to finite places")
    if transform.b or transform.d:
        raise SourceRefused(url, f"it is rotated or sheared: transform {tuple(transform[:6])}")
    if transform.a <= 0 or transform.e == 0:
        raise SourceRefused(url, f"its columns do not run to the right: transform {tuple(transform[:6])}")
    return transform


def _crs(url: str, raster: rasterio.DatasetReader) -> str | None:
    if not raster.crs:
        return None
    try:
        return canonical_crs(raster.crs.to_wkt())
    except GridInvalid as error:
        raise SourceRefused(url, "its CRS cannot be understood") from error


def _encoding(url: str, raster: rasterio.DatasetReader) -> CellEncoding:
    scale, offset = float(raster.scales[0]), float(raster.offsets[0])
    if not (math.isfinite(scale) and math.isfinite(offset)) or scale == 0:
        raise SourceRefused(url, f"its scale {scale} and offset {offset} give no heights")
    dtype = str(raster.dtypes[0])
    nodata = None if raster.nodata is None else representable(raster.nodata, np.dtype(dtype))
    return CellEncoding(dtype, nodata, scale, offset)
