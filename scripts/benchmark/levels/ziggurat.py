"""Ziggurat: a pyramid whose level 0 is taken over, as for a second metric of a terrain."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmark import terrain
from benchmark.measured import report
from raster.pyramid import BuildPlan
from raster.scheduling import ThreadScheduler
from raster.siblings import find_level_0
from raster.storage.local import LocalRoot
from raster.writing import Destination, write_pyramids


def main(tiles: Path, pyramid: Path, out: Path) -> None:
    """Measure."""
    mosaic = terrain.open_mosaic(tiles)
    report(lambda: _build(terrain.plan(mosaic), pyramid, out))


def _build(plan: BuildPlan, pyramid: Path, out: Path) -> None:
    level_0 = find_level_0(plan.pyramids[0], LocalRoot(pyramid))
    destination = Destination(root=LocalRoot(out), level_0=level_0)
    write_pyramids(plan, [destination], ThreadScheduler(os.cpu_count() or 1), lambda done, total: None)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
