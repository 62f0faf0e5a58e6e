"""The generator of the demo's mountains, at sizes that take no time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

import make_massif
from make_massif import NODATA, Range, tile_cells
from make_massif import make_massif as make

SMALL = Range(size=256, tile=64, seed=3)


def assemble(mountains: Range) -> NDArray[np.int16]:
    """Every tile, the missing one too, put together."""
    count = mountains.size // mountains.tile
    return np.block([[tile_cells(mountains, row, col) for col in range(count)] for row in range(count)])


def test_tiles_join_without_seams() -> None:
    whole = tile_cells(Range(size=256, tile=256, seed=3), 0, 0)
    np.testing.assert_array_equal(assemble(SMALL), whole)


def test_the_same_seed_gives_the_same_mountains_and_another_seed_others() -> None:
    once = tile_cells(SMALL, 1, 2)
    np.testing.assert_array_equal(tile_cells(SMALL, 1, 2), once)
    assert not np.array_equal(tile_cells(Range(size=256, tile=64, seed=4), 1, 2), once)


def test_heights_are_those_of_mountains() -> None:
    cells = tile_cells(Range(size=4096, tile=2048), 1, 1)
    heights = cells[cells != NODATA["int16"]]
    assert heights.min() >= 200
    assert heights.max() <= 4000
    assert np.ptp(heights) > 1500


def test_a_lake_without_heights_lies_inland() -> None:
    water = assemble(Range(size=512, tile=128)) == NODATA["int16"]
    assert 0.01 < water.mean() < 0.2
    for edge in (water[0], water[-1], water[:, 0], water[:, -1]):
        assert not edge.any()


def test_tiles_are_georeferenced_and_one_is_missing(tmp_path: Path) -> None:
    paths = list(make(tmp_path, SMALL))
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert len(paths) == 15
    corners = set()
    for path in paths:
        with rasterio.open(path) as tile:
            assert (tile.count, tile.dtypes[0], tile.shape) == (1, "int16", (64, 64))
            assert (tile.crs.to_epsg(), tile.res, tile.nodata) == (32632, (10.0, 10.0), -32768)
            corners.add(((tile.transform.f - 5_240_000) / -640, (tile.transform.c - 600_000) / 640))
    assert {(row, col) for row in range(4) for col in range(4)} - corners == {(2, 3)}


def test_files_hold_what_was_computed(tmp_path: Path) -> None:
    make_massif.main([str(tmp_path), "--size", "64", "--tile", "32", "--seed", "9"])
    with rasterio.open(tmp_path / "massif-01-00.tif") as tile:
        np.testing.assert_array_equal(tile.read(1), tile_cells(Range(size=64, tile=32, seed=9), 1, 0))


def test_an_interrupted_tile_is_not_taken_for_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_halfway(path: Path, *_: object) -> None:
        path.write_bytes(b"II*\x00 and then the power failed")
        assert not list(path.parent.glob("*.tif"))
        raise KeyboardInterrupt

    small = Range(size=32, tile=16)
    with monkeypatch.context() as broken:
        broken.setattr(make_massif, "_write_tile", stop_halfway)
        with pytest.raises(KeyboardInterrupt):
            list(make(tmp_path, small))
    assert list(tmp_path.iterdir()) == []
    assert len(list(make(tmp_path, small))) == 3


def test_what_a_killed_run_left_half_written_is_removed_and_what_a_running_one_writes_is_not(
    tmp_path: Path,
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    left, running = (tmp_path / f"massif-00-00.{process}.partial" for process in (ended.pid, os.getppid()))
    left.write_bytes(b"half")
    running.write_bytes(b"half")
    list(make(tmp_path, Range(size=32, tile=16)))
    assert not left.exists()
    assert running.exists()


def test_a_second_run_leaves_whole_tiles_alone(tmp_path: Path) -> None:
    small = Range(size=32, tile=16)
    before = {path: path.stat().st_ino for path in make(tmp_path, small)}
    assert {path: path.stat().st_ino for path in make(tmp_path, small)} == before


def test_tiles_of_other_mountains_are_made_anew(tmp_path: Path) -> None:
    list(make(tmp_path, Range(size=32, tile=16, seed=1)))
    other = Range(size=32, tile=16, seed=2)
    for path in make(tmp_path, other):
        with rasterio.open(path) as tile:
            assert tile.tags()["recipe"] == other.recipe


@pytest.mark.parametrize(("size", "tile"), [(100, 64), (64, 24), (0, 16), (16, 0)])
def test_sizes_that_tiles_do_not_fill_are_refused(size: int, tile: int) -> None:
    with pytest.raises(ValueError, match="multiple"):
        Range(size=size, tile=tile)
