"""rio-tiler's GroupReader, which chooses a level by the size that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import numpy as np
import zarr
from rio_tiler.experimental.zarr import ArrayReader, GroupReader

from expected import ZARR, Case, Found, report


def look(case: Case, address: str) -> Iterator[Found]:
    group = zarr.open_group(address, mode="r")
    with GroupReader(group) as reader:
        choose_levels(case, reader)
    for level in range(len(case.levels)):
        with ArrayReader(group[f"{level}/elevation"]) as array:
            image = array.preview(max_size=None)
            yield Found(
                cells=np.ma.filled(image.array[0].astype(np.float64), np.nan),
                transform=array.transform,
                epsg=array.crs.to_epsg(),
                nodata=float(image.nodata),
            )


def choose_levels(case: Case, reader: GroupReader) -> None:
    """A picture of a few pixels comes from the level whose cells are no larger than they."""
    variable = reader.get_group_metadata()["arrays"]["elevation"]
    height, width = case.levels[0].shape
    for level in range(min(height, width).bit_length()):  # those whose cell is no larger than the terrain
        size = {"height": height >> level, "width": width >> level}
        chosen = reader.select_variable(variable, **size)["array"].name
        assert chosen == f"/{level}/elevation", f"{chosen} is chosen for level {level}"


report("rio-tiler", version("rio-tiler"), dict.fromkeys(ZARR, look))
