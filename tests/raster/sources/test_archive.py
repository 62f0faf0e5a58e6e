"""SRTM tiles in zip archives, and archives that are something else or want too much."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raster.errors import SourceError, SourceRefused, SourceUnreadable
from raster.sources import archive
from raster.sources.archive import LARGEST_DIRECTORY_BYTES, LARGEST_MEMBER_BYTES, unpack_hgt
from raster.sources.ranges import MemoryRanges
from source_files import in_memory, read_all

SIDE = 1201


def pack(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as packed:
        for name, data in members:
            packed.writestr(name, data)
    return file.getvalue()


def unpack(data: bytes) -> MemoryRanges:
    return unpack_hgt(in_memory("t.hgt.zip", data))


def content(ranges: MemoryRanges) -> bytes:
    buffer = bytearray(ranges.size)
    assert ranges.read_into(0, buffer) == ranges.size
    return bytes(buffer)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize(
    ("member", "name"),
    [
        ("N47E007.hgt", "N47E007.hgt"),
        ("srtm/eurasia/N47E007.hgt", "N47E007.hgt"),
        ("srtm\\eurasia\\N47E007.hgt", "N47E007.hgt"),
        ("../../N47E007.HGT", "N47E007.HGT"),
        ("C:N47E007.hgt", "N47E007.hgt"),
    ],
)
def test_the_member_keeps_its_own_name_without_folders(method: int, member: str, name: str) -> None:
    data = pack((member, b"cells"), method=method)
    unpacked = unpack(data)
    assert (unpacked.url, unpacked.name, content(unpacked)) == ("t.hgt.zip", name, b"cells")
    assert unpacked.identity.size == len(data)  # the archive's: it is what can change


def test_a_packed_tile_lies_where_its_member_says_whatever_the_archive_is_called(tmp_path: Path) -> None:
    cells = np.arange(SIDE * SIDE).reshape(SIDE, SIDE).astype(">i2")
    (tmp_path / "N00E000.zip").write_bytes(pack(("readme.txt", b"x"), ("S01E010.hgt", cells.tobytes())))
    info, found = read_all(tmp_path / "N00E000.zip")
    np.testing.assert_array_equal(found, cells)
    assert info.transform is not None
    assert round(info.transform.c) == 10
    assert round(info.transform.f) == 0


@pytest.mark.parametrize(
    ("members", "count"),
    [((), 0), (("a.txt",), 0), (("N47E007.hgt", "N47E008.hgt"), 2), (("a/N47E007.hgt", "b/N47E007.HGT"), 2)],
)
def test_not_exactly_one_tile_is_refused(members: tuple[str, ...], count: int) -> None:
    with pytest.raises(SourceRefused, match=f"holds {count} .hgt files"):
        unpack(pack(*((name, b"x") for name in members)))


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", bytes(100), b"PK\x03\x04" + bytes(50)])
def test_what_is_no_archive_is_unreadable(data: bytes) -> None:
    with pytest.raises(SourceUnreadable, match="not a zip archive"):
        unpack(data)


def test_a_truncated_or_damaged_archive_is_unreadable() -> None:
    noise = np.random.default_rng(0).bytes(5000)
    data = pack(("N47E007.hgt", noise), method=zipfile.ZIP_STORED)
    with pytest.raises(SourceUnreadable):
        unpack(data[: len(data) // 2])
    with pytest.raises(SourceUnreadable):
        unpack(data.replace(noise[1000:1010], bytes(10)))


def test_an_encrypted_archive_is_unreadable() -> None:
    data = bytearray(pack(("N47E007.hgt", b"cells")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(SourceUnreadable):
        unpack(bytes(data))


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_compression_that_asks_for_memory_as_it_likes_is_refused(method: int) -> None:
    with pytest.raises(SourceRefused, match="neither stored nor deflated"):
        unpack(pack(("N47E007.hgt", b"cells"), method=method))


def test_a_member_larger_than_any_tile_is_refused_unopened() -> None:
    bomb = pack(("N47E007.hgt", bytes(LARGEST_MEMBER_BYTES + 1)))
    assert len(bomb) < LARGEST_MEMBER_BYTES / 500
    with pytest.raises(SourceRefused, match=f"has {LARGEST_MEMBER_BYTES + 1} bytes"):
        unpack(bomb)


def test_a_member_that_is_larger_than_it_says_costs_no_more_than_it_says() -> None:
    size = 2**23
    data = bytearray(pack(("N47E007.hgt", bytes(size))))
    for header, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        position = data.index(header) + place
        assert struct.unpack_from("<I", data, position) == (size,)
        struct.pack_into("<I", data, position, 1000)
    tracemalloc.start()
    try:
        with pytest.raises(SourceUnreadable):
            unpack(bytes(data))
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_directory_of_many_members_is_not_listed() -> None:
    many = LARGEST_DIRECTORY_BYTES // 50
    data = pack(("N47E007.hgt", b"cells"), *((f"{index:05}", b"") for index in range(many)))
    with pytest.raises(SourceUnreadable) as refusal:
        unpack(data)
    assert "directory is too long" in str(refusal.value.__cause__)


def test_a_large_tile_may_follow_a_short_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).bytes(100_000)
    monkeypatch.setattr(archive, "LARGEST_DIRECTORY_BYTES", 90_000)
    assert content(unpack(pack(("N47E007.hgt", noise), method=zipfile.ZIP_STORED))) == noise


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=4))
def test_damage_anywhere_in_an_archive_is_told_as_an_error_of_the_source(
    damages: list[tuple[int, int]],
) -> None:
    data = bytearray(pack(("N47E007.hgt", b"cells" * 20)))
    for position, byte in damages:
        data[position % len(data)] = byte
    with suppress(SourceError):
        unpack(bytes(data))
