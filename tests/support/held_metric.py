"""A metric whose zoom step waits: builds are held in their midst, in this process or in another."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from raster.metrics.stepwise import Stepwise

METRICS = "held_metric:held"
"""For `ZIGGURAT_METRICS`."""

HOLD = "ZIGGURAT_TEST_HOLD"
"""Names a file: while it is there, builds wait."""


def _maximum(blocks: NDArray[np.generic], valid: NDArray[np.bool_]) -> NDArray[np.generic]:
    hold = Path(os.environ[HOLD])
    hold.with_suffix(".begun").touch()
    while hold.exists():
        time.sleep(0.01)
    highest: NDArray[np.generic] = np.where(valid, blocks, -(2**15)).max(axis=-1).astype(blocks.dtype)
    return highest


held = Stepwise(name="held", cell_methods="area: maximum", function=_maximum)


class Hold:
    """The file that holds builds, and whether one waits for it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def has_begun(self) -> bool:
        """Whether a build is at its first zoom step, or beyond."""
        return self._path.with_suffix(".begun").exists()

    def close(self) -> None:
        """Hold builds from now on."""
        self._path.with_suffix(".begun").unlink(missing_ok=True)
        self._path.touch()

    def open(self) -> None:
        """Let builds go on."""
        self._path.unlink(missing_ok=True)


@contextmanager
def held_builds(folder: Path) -> Iterator[Hold]:
    """Builds under the metric `held` wait, here and in processes started meanwhile, until it is opened."""
    hold = Hold(folder / "hold")
    hold.close()
    with patch.dict(os.environ, {HOLD: str(folder / "hold")}):
        try:
            yield hold
        finally:
            hold.open()
