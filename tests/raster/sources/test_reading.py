"""Statistics of a source: decoded window by window, in little memory."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from raster.cells import CellEncoding, Cells
from raster.grid import Window
from raster.sources.opening import open_source
from raster.sources.reading import read_statistics
from raster.sources.roots import TileRoots
from raster.sources.source import STREAMED_CELLS, Source, SourceInfo
from raster.statistics import Statistics
from source_files import ramp, save_raster


def statistics_of(path: Path, encoding: CellEncoding | None = None) -> Statistics:
    with open_source(TileRoots((path.parent,)), path.name) as source:
        return read_statistics(source, encoding or source.info.encoding)


def test_nodata_of_the_file_is_left_out(tmp_path: Path) -> None:
    path = save_raster(tmp_path / "a.tif", np.array([[1, 2], [-9999, 6]], np.int16), nodata=-9999)
    found = statistics_of(path)
    assert (found.cell_count, found.valid_count, found.min, found.max, found.mean) == (4, 3, 1, 6, 3.0)


def test_the_registered_nodata_counts_and_not_the_files(tmp_path: Path) -> None:
    path = save_raster(tmp_path / "a.tif", np.array([[1, 2], [-9999, 6]], np.int16), nodata=-9999)
    found = statistics_of(path, CellEncoding("int16", 6))
    assert (found.valid_count, found.min, found.max) == (3, -9999, 2)


def test_scale_and_offset_are_applied_in_float64(tmp_path: Path) -> None:
    cells = np.array([[10, 20], [0, 65535]], np.uint16)
    path = save_raster(tmp_path / "a.tif", cells, scale=0.1, offset=-100.0, nodata=0)
    heights = (cells[cells > 0].astype(np.float64) * 0.1 - 100.0).astype(np.float32).astype(np.float64)
    found = statistics_of(path)
    assert (found.valid_count, found.min, found.max) == (3, heights.min(), heights.max())
    assert found.mean == pytest.approx(heights.mean(), rel=1e-14)
    assert found.std == pytest.approx(heights.std(), rel=1e-14)


def test_nan_infinities_and_the_sentinel_of_floats_are_left_out(tmp_path: Path) -> None:
    cells = np.array([[1.5, np.nan, -9999.0], [np.inf, -np.inf, 2.5]], np.float32)
    found = statistics_of(save_raster(tmp_path / "a.tif", cells, nodata=-9999.0))
    assert found == Statistics(cell_count=6, valid_count=2, min=1.5, max=2.5, mean=2.0, std=0.5)


def test_a_tile_of_nodata_only_has_none(tmp_path: Path) -> None:
    path = save_raster(tmp_path / "a.tif", np.full((3, 4), -1, np.int16), nodata=-1)
    assert statistics_of(path) == Statistics(
        cell_count=12, valid_count=0, min=None, max=None, mean=None, std=None
    )


@dataclass
class WatchedSource:
    """A source that remembers which windows were read."""

    inner: Source
    windows: list[Window] = field(default_factory=list)

    @property
    def info(self) -> SourceInfo:
        return self.inner.info

    def read_window(self, window: Window) -> Cells:
        self.windows.append(window)
        return self.inner.read_window(window)


def test_every_cell_is_read_once_in_windows_of_bounded_size(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3000, 5000), np.int8))
    with open_source(TileRoots((tmp_path,)), "a.npy") as source:
        watched = WatchedSource(source)
        assert read_statistics(watched, source.info.encoding).cell_count == 15_000_000
    seen = np.zeros((3000, 5000), np.int8)
    for window in watched.windows:
        assert window.cell_count <= STREAMED_CELLS
        seen[window.slices] += 1
    assert len(watched.windows) == 4
    assert (seen == 1).all()


@pytest.mark.parametrize("kind", ["npy", "tif"])
def test_a_large_tile_does_not_enter_memory(tmp_path: Path, kind: str) -> None:
    cells = np.tile(ramp(1, 6000), (6000, 1))
    if kind == "npy":
        np.save(tmp_path / "a.npy", cells)
    else:
        save_raster(tmp_path / "a.tif", cells, tiled=True, compress="zstd")
    size = cells.nbytes
    del cells
    tracemalloc.start()
    try:
        found = statistics_of(tmp_path / f"a.{kind}")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found.min, found.max, found.mean) == (0, 5999, 2999.5)
    assert found.std == pytest.approx(math.sqrt((6000**2 - 1) / 12), rel=1e-15)
    assert peak < size / 3
