"""SRTM tiles in their usual wrapping: a zip archive with one .hgt file in it."""

from __future__ import annotations

import struct
import zipfile
import zlib
from io import BufferedReader
from pathlib import PureWindowsPath

from raster.errors import SourceRefused, SourceUnreadable
from raster.sources.ranges import Buffer, ByteRanges, MemoryRanges, RangeFile

LARGEST_MEMBER_BYTES = 2**26
"""The largest SRTM tile, 3601 x 7201 cells of 2 bytes, is 52 MB."""

LARGEST_DIRECTORY_BYTES = 2**18
"""Of an archive, its comment included: some 2000 members. Python takes 0.5 s for a megabyte."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Others unpack into memory that the archive asks for, up to 4 GiB."""


def unpack_hgt(ranges: ByteRanges) -> MemoryRanges:
    """The one .hgt member of an archive, under its own name, which says where it lies.

    Raises
    ------
    SourceUnreadable
        Not a zip archive, or a damaged one.
    SourceRefused
        Not exactly one .hgt member, or one that is too large to be SRTM.
    """
    file = _ArchiveFile(ranges)
    try:
        with zipfile.ZipFile(BufferedReader(file)) as archive:
            file.is_listed = True
            member = _only_hgt(ranges.url, archive)
            with archive.open(member) as unpacking:
                # not more than it says it has: of a longer one the checksum is wrong
                data = unpacking.read(member.file_size)
    except _DAMAGE as error:
        raise SourceUnreadable(ranges.url, "this is not a zip archive, or a damaged one") from error
    # Windows' rules know both kinds of slashes, and archives hold both
    return MemoryRanges(ranges.url, PureWindowsPath(member.filename).name, data, ranges.identity)


_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError,
    RuntimeError,  # encrypted
    NotImplementedError,  # a later version of the format
)  # fmt: skip
"""What `zipfile` raises, by its documentation and by trial with damaged archives."""


class _ArchiveFile(RangeFile):
    """An archive that refuses to be listed when its directory is too long to be SRTM's."""

    def __init__(self, ranges: ByteRanges) -> None:
        super().__init__(ranges)
        self.is_listed = False
        self._directory_bytes = 0

    def readinto(self, buffer: Buffer) -> int:  # type: ignore[override]
        got = super().readinto(buffer)
        self._directory_bytes += got
        if self._directory_bytes > LARGEST_DIRECTORY_BYTES and not self.is_listed:
            raise zipfile.BadZipFile("its directory is too long")
        return got


def _only_hgt(url: str, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [member for member in archive.infolist() if member.filename.lower().endswith(".hgt")]
    if len(members) != 1:
        raise SourceRefused(url, f"the archive holds {len(members)} .hgt files, one is taken")
    (member,) = members
    if member.compress_type not in METHODS:
        raise SourceRefused(url, "its member is neither stored nor deflated, which SRTM's are")
    if member.file_size > LARGEST_MEMBER_BYTES:
        raise SourceRefused(
            url, f"its member has {member.file_size} bytes, at most {LARGEST_MEMBER_BYTES} are taken"
        )
    return member
