"""SRTM tiles in their usual wrapping: a zip archive with one .hgt file in it."""

from __future__ import annotations

import zipfile
import zlib
from io import BufferedReader
from pathlib import PurePosixPath

from raster.errors import SourceRefused, SourceUnreadable
from raster.sources.ranges import ByteRanges, MemoryRanges, RangeFile

LARGEST_MEMBER_BYTES = 2**26
"""The largest SRTM tile, 3601 x 7201 cells of 2 bytes, is 52 MB."""


def unpack_hgt(ranges: ByteRanges) -> MemoryRanges:
    """The one .hgt member of an archive, under its own name, which says where it lies.

    Raises
    ------
    SourceUnreadable
        Not a zip archive, or a damaged one.
    SourceRefused
        Not exactly one .hgt member, or one that is too large to be SRTM.
    """
    try:
        with zipfile.ZipFile(BufferedReader(RangeFile(ranges))) as archive:
            member = _only_hgt(ranges.url, archive)
            with archive.open(member) as file:
                # one byte more than allowed, so that a header that lies is found out
                data = file.read(LARGEST_MEMBER_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError) as error:
        raise SourceUnreadable(ranges.url, "this is not a zip archive, or a damaged one") from error
    if len(data) > LARGEST_MEMBER_BYTES:
        raise SourceRefused(ranges.url, f"its member is larger than {LARGEST_MEMBER_BYTES} bytes")
    return MemoryRanges(ranges.url, PurePosixPath(member.filename).name, data, ranges.identity)


def _only_hgt(url: str, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [member for member in archive.infolist() if member.filename.lower().endswith(".hgt")]
    if len(members) != 1:
        raise SourceRefused(url, f"the archive holds {len(members)} .hgt files, one is taken")
    if members[0].file_size > LARGEST_MEMBER_BYTES:
        raise SourceRefused(
            url, f"its member has {members[0].file_size} bytes, at most {LARGEST_MEMBER_BYTES} are taken"
        )
    return members[0]
