"""rasterix: places from an affine transform, without coordinates."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import rasterix
import xarray

from expected import ZARR, Case, Found, report


def look(case: Case, address: str) -> Iterator[Found]:
    for level in range(len(case.levels)):
        with xarray.open_dataset(address, group=str(level), engine="zarr") as dataset:
            indexed = rasterix.assign_index(dataset)
            index = indexed.xindexes["x"]
            yield Found(
                cells=indexed["elevation"].to_numpy(),
                transform=index.transform(),
                epsg=index.crs.to_epsg() if index.crs else None,
            )


report("rasterix", version("rasterix"), dict.fromkeys(ZARR, look))
