"""Make the two small terrains of the demo: the golden table in two tiles, and a ridge from a formula.

    python scripts/make_small_terrains.py data/tile

The files are part of the repository, because the demo and its documentation name their
values; a test proves that they are what this makes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

GOLDEN = (
    (1, 41, 37, 12, 0, 66, 36),
    (3, 62, 23, 7, 2, 31, 21),
    (87, 12, 34, 32, 34, 7, 12),
    (5, 3, 13, 74, 53, 15, 1),
    (15, 0, 17, 41, 59, 21, 0),
)
"""The worked example of the documentation."""
GOLDEN_EAST_X = 4
"""Column at which the eastern tile begins."""

RIDGE_HEIGHT, RIDGE_WIDTH = 300, 421


def small_terrains() -> dict[str, NDArray[np.int16] | NDArray[np.float32]]:
    """Cells of each tile by file name."""
    golden = np.array(GOLDEN, dtype=np.int16)
    return {
        "golden-west.npy": np.ascontiguousarray(golden[:, :GOLDEN_EAST_X]),
        "golden-east.npy": np.ascontiguousarray(golden[:, GOLDEN_EAST_X:]),
        "ridge.npy": ridge(),
    }


def ridge() -> NDArray[np.float32]:
    """Heights in metres, (300, 421): a winding crest with spurs that falls off to a plain.

    Only + - * / and sqrt, which every machine rounds alike, so that the bytes are the same everywhere.
    """
    y = (np.arange(RIDGE_HEIGHT, dtype=np.float64)[:, None] + 0.5) / RIDGE_HEIGHT
    x = (np.arange(RIDGE_WIDTH, dtype=np.float64)[None, :] + 0.5) / RIDGE_WIDTH
    crest = 0.5 + 0.22 * _wave(1.25 * x)
    away = np.sqrt((y - crest) * (y - crest) + 1e-4)
    top = 900 + 500 * _wave(3 * x + 0.25) + 120 * _wave(11 * x)
    spurs = 60 * _wave(17 * x + 4 * y) / (1 + 8 * away)
    return np.asarray(200 + (top + spurs) / (1 + 30 * away * away), dtype=np.float32)


def _wave(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """A sine made of parabolas: 0 at 0, 1 at a quarter turn, -1 at three quarters."""
    phase = 2 * (turns - np.floor(turns)) - 1
    return np.asarray(-4 * phase * (1 - np.abs(phase)))


def main(arguments: list[str] | None = None) -> int:
    """Write the files where the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the tiles go")
    folder = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, cells in small_terrains().items():
        np.save(folder / name, cells)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
