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
            epsg=epsg_of(array.attrs.get("proj:code")),
            nodata=float(array.fill_value),
        )


def epsg_of(code: str | None) -> int | None:
    return None if code is None else int(code.removeprefix("EPSG:"))


report("zarr", zarr.__version__, dict.fromkeys(ZARR, look))
