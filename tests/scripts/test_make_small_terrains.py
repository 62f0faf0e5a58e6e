"""The small tiles that are part of the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import make_small_terrains

TILES = Path(__file__).parents[2] / "data" / "tile"


def test_the_committed_tiles_are_what_the_generator_makes(tmp_path: Path) -> None:
    make_small_terrains.main([str(tmp_path)])
    made = sorted(tmp_path.iterdir())
    assert [path.name for path in made] == ["golden-east.npy", "golden-west.npy", "ridge.npy"]
    for path in made:
        assert path.read_bytes() == (TILES / path.name).read_bytes()


def test_the_golden_tiles_join_to_the_worked_example() -> None:
    west, east = (np.load(TILES / f"golden-{side}.npy") for side in ("west", "east"))
    assert west.dtype == east.dtype == np.int16
    assert np.hstack([west, east]).tolist() == [
        [1, 41, 37, 12, 0, 66, 36],
        [3, 62, 23, 7, 2, 31, 21],
        [87, 12, 34, 32, 34, 7, 12],
        [5, 3, 13, 74, 53, 15, 1],
        [15, 0, 17, 41, 59, 21, 0],
    ]


def test_the_ridge_rises_above_a_plain() -> None:
    ridge = np.load(TILES / "ridge.npy")
    assert (ridge.shape, ridge.dtype) == ((300, 421), np.float32)
    assert np.isfinite(ridge).all()
    assert 150 < ridge.min() < 300
    assert ridge.max() > 1500
