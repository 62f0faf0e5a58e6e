"""Bytes by range: what is at the end, what is not a file, and files made of ranges."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from raster.errors import SourceNotFound, SourceUnreadable
from raster.sources.ranges import ByteRanges, LocalRanges, RangeFile, SourceIdentity
from source_files import in_memory

DATA = bytes(range(256)) * 40


@pytest.fixture(params=["local", "memory"])
def ranges(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ByteRanges]:
    if request.param == "memory":
        yield in_memory("a.bin", DATA)
        return
    path = tmp_path / "a.bin"
    path.write_bytes(DATA)
    with LocalRanges("a.bin", path) as local:
        yield local


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def read(ranges: ByteRanges, start: int, length: int) -> bytes:
    buffer = bytearray(length)
    return bytes(buffer[: ranges.read_into(start, buffer)])


@pytest.mark.parametrize(("start", "length"), [(0, 1), (0, len(DATA)), (7, 300), (len(DATA) - 3, 3), (5, 0)])
def test_a_range_gives_its_bytes(ranges: ByteRanges, start: int, length: int) -> None:
    assert read(ranges, start, length) == DATA[start : start + length]


def test_a_range_over_the_end_gives_what_is_there(ranges: ByteRanges) -> None:
    assert read(ranges, len(DATA) - 3, 10) == DATA[-3:]
    assert read(ranges, len(DATA), 10) == b""
    assert read(ranges, 10**12, 10) == b""
    assert read(ranges, 2**64 - 1, 10) == b""


def test_a_source_knows_its_name_and_size(ranges: ByteRanges) -> None:
    assert (ranges.url, ranges.name, ranges.size) == ("a.bin", "a.bin", len(DATA))
    assert ranges.identity.size == len(DATA)


def test_the_identity_is_the_content_s_of_now(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(DATA)
    os.utime(path, ns=(5, 5))
    with LocalRanges("a.bin", path) as ranges:
        assert ranges.identity == SourceIdentity(size=len(DATA), mtime_ns=5)
        with path.open("ab") as file:
            file.write(b"more")
        os.utime(path, ns=(6, 6))
        assert ranges.identity == SourceIdentity(size=len(DATA) + 4, mtime_ns=6)


def test_a_file_that_shrinks_gives_a_short_range_and_kills_nobody(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(DATA)
    with LocalRanges("a.bin", path) as ranges:
        os.truncate(path, 100)
        assert read(ranges, 90, 5000) == DATA[90:100]


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(DATA)
    (tmp_path / "link").symlink_to(tmp_path / "file")
    before = open_files()
    for name in ("nothing", "pipe", "link", ""):
        with pytest.raises(SourceNotFound):
            LocalRanges(name, tmp_path / name)
    assert open_files() == before


def test_a_disk_that_fails_is_an_unreadable_source(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA)
    ranges = LocalRanges("file", tmp_path / "file")
    ranges.__exit__(None, None, None)
    with pytest.raises(SourceUnreadable, match="file: Bad file descriptor"):
        read(ranges, 0, 10)


def test_closing_gives_the_descriptor_back(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA)
    before = open_files()
    with LocalRanges("file", tmp_path / "file"):
        assert open_files() == before + 1
    assert open_files() == before


def test_ranges_are_a_file(ranges: ByteRanges) -> None:
    file = RangeFile(ranges)
    assert file.read(3) == DATA[:3]
    assert file.tell() == 3
    assert file.seek(-4, io.SEEK_END) == len(DATA) - 4
    assert file.read() == DATA[-4:]
    assert file.read(1) == b""
    assert file.seek(10) == 10
    assert file.seek(5, io.SEEK_CUR) == 15
    assert io.BufferedReader(file).read(20) == DATA[15:35]
    assert file.readable()
    assert file.seekable()
    assert not file.writable()


def test_a_file_may_stand_behind_its_end_but_not_before_its_beginning(ranges: ByteRanges) -> None:
    file = RangeFile(ranges)
    assert file.seek(len(DATA) + 5) == len(DATA) + 5
    assert file.read(5) == b""
    file.seek(7)
    with pytest.raises(OSError, match="Invalid argument"):
        file.seek(-8, io.SEEK_CUR)
    assert file.tell() == 7
