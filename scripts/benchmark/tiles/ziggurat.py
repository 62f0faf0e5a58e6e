"""Ziggurat: from GeoTIFF tiles to the whole pyramid, the opening of each tile included."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmark import terrain
from benchmark.measured import report
from raster.scheduling import ThreadScheduler
from raster.storage.local import LocalRoot
from raster.writing import Destination, write_pyramids


def main(tiles: Path, pyramid: Path, out: Path) -> None:
    """Measure."""
    report(lambda: build(tiles, out))


def build(tiles: Path, out: Path) -> None:
    """Build the pyramid of the tiles in a folder."""
    plan = terrain.plan(terrain.open_mosaic(tiles))
    scheduler = ThreadScheduler(os.cpu_count() or 1)
    write_pyramids(plan, [Destination(root=LocalRoot(out))], scheduler, lambda done, total: None)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
