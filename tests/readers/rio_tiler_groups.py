"""rio-tiler's GroupReader, which chooses a level by the size that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import numpy as np
import zarr
from rio_tiler.experimental.zarr import GroupReader

from expected import ZARR, Case, Found, report


def look(case: Case, address: str) -> Iterator[Found]:
    with GroupReader(zarr.open_group(address, mode="r")) as reader:
        variable = reader.get_group_metadata()["arrays"]["elevation"]
        for number, level in enumerate(case.levels):
            chosen = reader.select_variable(variable, max_size=max(level.shape))
            if chosen["array"].name != f"/{number}/elevation":
                raise AssertionError(f"{chosen['array'].name} was chosen for level {number}")
            image = reader.preview(variables="elevation", max_size=max(level.shape))
            yield Found(
                cells=np.ma.filled(image.array[0].astype(np.float64), np.nan),
                epsg=reader.crs.to_epsg(),
            )


report("rio-tiler", version("rio-tiler"), dict.fromkeys(ZARR, look))
