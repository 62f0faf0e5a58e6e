"""Decoders: they give what is given here, within their limits, and can do nothing else."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import rasterio

from raster.errors import DecoderFailed, SourceRefused, SourceUnreachable, SourceUnreadable
from raster.grid import Window
from raster.sources.decoder import process
from raster.sources.decoder.pool import DecoderPool, open_elsewhere
from raster.sources.decoder.process import DecoderLimits
from raster.sources.formats import open_ranges
from raster.sources.ranges import Buffer, ByteRanges, MemoryRanges
from source_files import PLACED, in_memory, ramp, save_raster

LIMITS = DecoderLimits(memory_bytes=2**29, call_s=30)


@pytest.fixture
def pool() -> Iterator[DecoderPool]:
    pool = DecoderPool(LIMITS, 2)
    yield pool
    pool.close()


def source(folder: Path, name: str = "a.tif", side: int = 64, **how: object) -> MemoryRanges:
    path = save_raster(folder / name, ramp(side, side), **{**PLACED, **how})
    return in_memory(name, path.read_bytes())


def children() -> list[psutil.Process]:
    """The decoders of this process."""
    return [child for child in psutil.Process().children() if process.MODULE in child.cmdline()]


@pytest.mark.parametrize("name", ["a.tif", "a.asc", "a.png"])
def test_facts_and_cells_are_those_that_are_decoded_here(
    tmp_path: Path, pool: DecoderPool, name: str
) -> None:
    driver = {"tif": "GTiff", "asc": "AAIGrid", "png": "PNG"}[name[-3:]]
    dtype = "uint16" if driver == "PNG" else "int16"
    if driver == "AAIGrid":
        (tmp_path / name).write_text("ncols 2\nnrows 2\nxllcorner 5\nyllcorner 6\ncellsize 1\n1 2\n3 4.5\n")
    else:
        save_raster(tmp_path / name, ramp(50, 40, dtype), driver, **(PLACED if driver == "GTiff" else {}))
    ranges = in_memory(name, (tmp_path / name).read_bytes())
    found = open_elsewhere(pool, ranges)
    with open_ranges(ranges) as here:
        assert found.info == here.info
        for window in (here.info.window, Window(row=1, col=0, height=1, width=2)):
            np.testing.assert_array_equal(found.read_window(window), here.read_window(window))


def test_refusals_are_those_of_here(tmp_path: Path, pool: DecoderPool) -> None:
    with pytest.raises(SourceRefused, match="bands"):
        open_elsewhere(pool, in_memory("a.tif", _two_bands(tmp_path)))
    with pytest.raises(SourceUnreadable, match="damaged"):
        open_elsewhere(pool, in_memory("a.tif", b"II*\x00nonsense"))


def _two_bands(folder: Path) -> bytes:
    return save_raster(folder / "two.tif", np.ones((2, 4, 4), np.int16)).read_bytes()


def test_sources_that_are_open_at_once_share_decoders(tmp_path: Path, pool: DecoderPool) -> None:
    opened = [open_elsewhere(pool, source(tmp_path, f"{side}.tif", side)) for side in (20, 30, 40, 50)]
    for _ in range(2):
        for each, side in zip(opened, (20, 30, 40, 50), strict=True):
            np.testing.assert_array_equal(each.read_window(each.info.window), ramp(side, side))
    assert len(children()) == 1


def test_threads_have_a_decoder_each_as_far_as_there_are(tmp_path: Path, pool: DecoderPool) -> None:
    opened = [open_elsewhere(pool, source(tmp_path, f"{side}.tif", side)) for side in range(20, 28)]
    with ThreadPoolExecutor(8) as threads:
        cells = list(threads.map(lambda each: each.read_window(each.info.window), opened * 3))
    for each, side in zip(cells, [*range(20, 28)] * 3, strict=True):
        np.testing.assert_array_equal(each, ramp(side, side))
    assert len(children()) == 2


class Failing:
    """Bytes whose beginning comes."""

    def __init__(self, ranges: ByteRanges) -> None:
        self._ranges = ranges
        self.url, self.name, self.size, self.identity = "far", ranges.name, ranges.size, ranges.identity
        self.fails = False

    def read_into(self, start: int, buffer: Buffer) -> int:
        if self.fails:
            raise SourceUnreachable(self.url, "gone")
        return self._ranges.read_into(start, buffer)


def test_a_server_that_fails_meanwhile_is_told_and_the_decoder_goes_on(
    tmp_path: Path, pool: DecoderPool
) -> None:
    ranges = Failing(source(tmp_path, side=500))
    opened = open_elsewhere(pool, ranges)
    decoder = children()
    ranges.fails = True
    with pytest.raises(SourceUnreachable):
        opened.read_window(opened.info.window)
    ranges.fails = False
    np.testing.assert_array_equal(opened.read_window(opened.info.window), ramp(500, 500))
    assert children() == decoder


def test_one_that_takes_too_long_is_ended_and_replaced(tmp_path: Path) -> None:
    pool = DecoderPool(DecoderLimits(memory_bytes=2**30, call_s=0.5), 1)
    slow = in_memory("a.tif", _sparse(tmp_path, 16_000))
    opened = open_elsewhere(pool, slow)
    with pytest.raises(SourceRefused, match="longer"):
        for window in [opened.info.window] * 20:
            opened.read_window(window)
    assert children() == []
    other = open_elsewhere(pool, source(tmp_path, side=20))
    np.testing.assert_array_equal(other.read_window(other.info.window), ramp(20, 20))
    pool.close()


def _sparse(folder: Path, side: int) -> bytes:
    """Many cells, no bytes."""
    profile = {"height": side, "width": side, "count": 1, "dtype": "uint8", "driver": "GTiff"}
    with rasterio.open(folder / "sparse.tif", "w", **profile, tiled=True, SPARSE_OK=True):
        pass
    return (folder / "sparse.tif").read_bytes()


def test_one_that_takes_too_much_memory_is_told_so(tmp_path: Path) -> None:
    pool = DecoderPool(DecoderLimits(memory_bytes=2**26, call_s=30), 1)
    opened = open_elsewhere(pool, in_memory("a.tif", _sparse(tmp_path, 16_000)))
    with pytest.raises((SourceRefused, SourceUnreadable)):
        opened.read_window(opened.info.window)
    other = open_elsewhere(pool, source(tmp_path, side=20))
    np.testing.assert_array_equal(other.read_window(other.info.window), ramp(20, 20))
    pool.close()


def test_one_that_is_killed_is_replaced(tmp_path: Path, pool: DecoderPool) -> None:
    opened = open_elsewhere(pool, source(tmp_path))
    (decoder,) = children()
    decoder.kill()
    psutil.wait_procs([decoder], timeout=30)
    np.testing.assert_array_equal(opened.read_window(opened.info.window), ramp(64, 64))


class Killing(Failing):
    """Bytes that end the decoder when it asks for them."""

    def read_into(self, start: int, buffer: Buffer) -> int:
        if self.fails:
            (decoder,) = children()
            decoder.kill()
            psutil.wait_procs([decoder], timeout=30)
        return self._ranges.read_into(start, buffer)


def test_one_that_is_killed_at_its_work_is_told_and_replaced(tmp_path: Path, pool: DecoderPool) -> None:
    ranges = Killing(source(tmp_path, side=500))
    opened = open_elsewhere(pool, ranges)
    ranges.fails = True
    with pytest.raises(SourceUnreadable, match="failed badly"):
        opened.read_window(opened.info.window)
    ranges.fails = False
    np.testing.assert_array_equal(opened.read_window(opened.info.window), ramp(500, 500))


def test_no_decoder_outlives_its_pool(tmp_path: Path) -> None:
    pool = DecoderPool(LIMITS, 1)
    opened = open_elsewhere(pool, source(tmp_path))
    assert len(children()) == 1
    del pool, opened
    gc.collect()
    assert children() == []


def test_one_that_cannot_be_started_is_our_failure(
    tmp_path: Path, pool: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process.sys, "executable", "/bin/false")  # type: ignore[attr-defined]
    for _ in range(3):
        with pytest.raises(DecoderFailed):
            open_elsewhere(pool, source(tmp_path))


CONFINED = """
import errno, os, socket, sys
from raster.sources.decoder import child, warming
warming.warm_up()
child._limit(2**28)
for attempt in (
    lambda: open("/etc/hostname"),
    lambda: open(sys.argv[1], "w"),
    lambda: socket.socket(),
    lambda: os.pipe(),
    lambda: os.dup(0),
):
    try:
        attempt()
    except OSError as error:
        assert error.errno == errno.EMFILE, error
    else:
        raise SystemExit("it could")
try:
    bytearray(2**29)
except MemoryError:
    print("confined", "AWS_SECRET_ACCESS_KEY" in os.environ)
"""


def test_it_opens_no_file_and_no_socket_and_takes_no_more_memory(tmp_path: Path) -> None:
    written = tmp_path / "written"
    done = subprocess.run(
        [sys.executable, "-c", CONFINED, str(written)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "confined False\n"
    assert not written.exists()


def test_it_has_no_credentials(tmp_path: Path, pool: DecoderPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t")
    open_elsewhere(pool, source(tmp_path))
    (decoder,) = children()
    assert "AWS_SECRET_ACCESS_KEY" not in decoder.environ()
    most = decoder.rlimit(psutil.RLIMIT_NOFILE)[1]
    assert {str(number) for number in range(most)} <= {
        path.name for path in Path(f"/proc/{decoder.pid}/fd").iterdir()
    }
