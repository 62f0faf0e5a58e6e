"""Files that may be tiles, good and bad ones, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine

from raster.cells import Cells
from raster.sources.opening import open_source
from raster.sources.ranges import MemoryRanges, SourceIdentity
from raster.sources.roots import TileRoots
from raster.sources.source import SourceInfo

NORTH_UP = Affine(10.0, 0.0, 500000.0, 0.0, -10.0, 5000000.0)
PLACED: dict[str, Any] = {"crs": "EPSG:32632", "transform": NORTH_UP}


def ramp(height: int, width: int, dtype: str = "int16") -> np.ndarray:
    """Cells that all differ as far as the dtype allows."""
    return np.arange(height * width).reshape(height, width).astype(dtype)


def save_raster(path: Path, cells: np.ndarray, driver: str = "GTiff", **profile: Any) -> Path:
    """Cells of one band, (height, width), or of several, as a file of GDAL's."""
    bands = cells if cells.ndim == 3 else cells[None]
    count, height, width = bands.shape
    scale, offset = profile.pop("scale", None), profile.pop("offset", None)
    with rasterio.open(
        path, "w", driver=driver, height=height, width=width, count=count, dtype=cells.dtype, **profile
    ) as raster:
        raster.write(bands)
        if scale is not None:
            raster.scales, raster.offsets = [scale] * count, [offset or 0.0] * count
    return path


def read_all(path: Path) -> tuple[SourceInfo, Cells]:
    """Facts and all cells of the file at `path`, its folder being the only tile root."""
    with open_source(TileRoots((path.parent,)), path.name) as source:
        return source.info, source.read_window(source.info.window)


def in_memory(name: str, data: bytes) -> MemoryRanges:
    """Bytes of a source that is on no disk."""
    return MemoryRanges(name, name, data, SourceIdentity(size=len(data)))
