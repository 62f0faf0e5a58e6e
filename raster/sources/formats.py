"""From bytes to a reader: the file kind, told by the name alone, decides which one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from raster.errors import SourceRefused
from raster.sources.archive import unpack_hgt
from raster.sources.folders import ByteFolder, Content
from raster.sources.gdal import open_gdal
from raster.sources.npy import open_npy
from raster.sources.ranges import ByteRanges
from raster.sources.roots import is_array, is_url
from raster.sources.source import Source

GDAL_DRIVERS = {
    ".tif": "GTiff",
    ".tiff": "GTiff",
    ".hgt": "SRTMHGT",
    ".asc": "AAIGrid",
    ".png": "PNG",
}
KNOWN_SUFFIXES = (".npy", ".zip", ".zarr", *GDAL_DRIVERS)


def is_known(name: str) -> bool:
    """Whether a source of this name can be a tile."""
    path = name.partition("?")[0] if is_url(name) else name
    return is_array(name) or path.lower().endswith(KNOWN_SUFFIXES)


@contextmanager
def open_by_name(content: Content) -> Iterator[Source]:
    """Open a source by the reader for its name.

    Raises
    ------
    SourceRefused, SourceUnreadable
    """
    if isinstance(content, ByteFolder):
        # a second that files need not wait
        from raster.sources.zarr_arrays import open_array  # noqa: PLC0415

        yield open_array(content)
        return
    with open_ranges(content) as source:
        yield source


@contextmanager
def open_ranges(ranges: ByteRanges) -> Iterator[Source]:
    """Open a source that is one file.

    Raises
    ------
    SourceRefused, SourceUnreadable
    """
    name = ranges.name.lower()
    if name.endswith(".npy"):
        yield open_npy(ranges)
        return
    if name.endswith(".zip"):
        member = unpack_hgt(ranges)
        with open_gdal(member, "SRTMHGT") as source:
            yield source
        return
    for suffix, driver in GDAL_DRIVERS.items():
        if name.endswith(suffix):
            with open_gdal(ranges, driver) as source:
                yield source
            return
    raise SourceRefused(ranges.url, f"its kind is not known; taken are {', '.join(KNOWN_SUFFIXES)}")
