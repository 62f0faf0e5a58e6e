"""rioxarray on a tree that xarray opened."""

from __future__ import annotations

from collections.abc import Iterator

import rioxarray
import xarray

from expected import ZARR, Case, Found, report


def look(_case: Case, address: str) -> Iterator[Found]:
    with xarray.open_datatree(address, engine="zarr") as tree:
        for level in range(len(tree.children)):
            elevation = tree[f"{level}/elevation"]
            yield Found(
                cells=elevation.to_numpy(),
                transform=elevation.rio.transform(),
                epsg=elevation.rio.crs and elevation.rio.crs.to_epsg(),
                nodata=elevation.rio.encoded_nodata,
            )


report("rioxarray", rioxarray.__version__, dict.fromkeys(ZARR, look))
