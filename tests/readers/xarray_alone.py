"""xarray with zarr and nothing that knows of places: the CRS is what CF says in `spatial_ref`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import xarray

from expected import ZARR, Case, Found, report


def look(_case: Case, address: str) -> Iterator[Found]:
    with xarray.open_datatree(address, engine="zarr") as tree:
        for level in range(len(tree.children)):
            elevation = tree[str(level)].to_dataset()["elevation"]
            yield Found(
                cells=elevation.to_numpy(),
                transform=transform_of(elevation),
                epsg=epsg_of(elevation["spatial_ref"].attrs.get("crs_wkt", "")),
                nodata=elevation.encoding["_FillValue"],
            )


def epsg_of(wkt: str) -> int | None:
    """The code at the very end of a WKT, which is that of the whole."""
    found = re.search(r'ID\["EPSG",(\d+)\]\]$', wkt)
    return int(found[1]) if found else None


def transform_of(elevation: xarray.DataArray) -> list[float]:
    """What the GeoTransform says; the coordinates have to be the centres of such cells."""
    left, width, _, top, _, height = map(float, elevation["spatial_ref"].attrs["GeoTransform"].split())
    np.testing.assert_allclose(elevation["x"], left + width * (np.arange(elevation.shape[1]) + 0.5))
    np.testing.assert_allclose(elevation["y"], top + height * (np.arange(elevation.shape[0]) + 0.5))
    return [width, 0.0, left, 0.0, height, top]


report("xarray", xarray.__version__, dict.fromkeys(ZARR, look))
