"""zarr-python: arrays by their paths, nodata as fill value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import zarr

from expected import ZARR, Case, Found, report


def look(_case: Case, address: str) -> Iterator[Found]:
    group: Any = zarr.open_group(address, mode="r")
    for entry in group.attrs["multiscales"]["layout"]:
        array = group[f"{entry['asset']}/elevation"]
        yield Found(
            cells=array[:],
            transform=array.attrs["spatial:transform"],
            epsg=int(array.attrs["proj:code"].removeprefix("EPSG:")),
            nodata=float(array.fill_value),
        )


report("zarr", zarr.__version__, dict.fromkeys(ZARR, look))
