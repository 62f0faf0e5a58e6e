"""GDAL, as rasterio brings it, on the VRT and on the levels of the view without shards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import rasterio

from expected import UNTOLD, Case, Found, report

# A web server that is not a file system has nothing beside a file.
os.environ["GDAL_DISABLE_READDIR_ON_OPEN"] = "EMPTY_DIR"


def look_at_overviews(case: Case, address: str) -> Iterator[Found]:
    name = f"/vsicurl/{address}"
    with rasterio.open(name) as native:
        factors = native.overviews(1)
        yield _found(native)
    # an overview is stretched over the whole extent: it has no place of its own
    for overview in range(len(factors)):
        with rasterio.open(name, overview_level=overview) as level:
            yield replace(_found(level), transform=UNTOLD)


def look_at_arrays(case: Case, address: str) -> Iterator[Found]:
    base = f"/vsicurl/{address}" if "://" in address else address
    for level in range(len(case.levels)):
        with rasterio.open(f'ZARR:"{base}":/{level}/elevation') as array:
            yield _found(array)


def _found(opened: rasterio.DatasetReader) -> Found:
    return Found(
        cells=opened.read(1),
        # it is taken from the coordinates, and one coordinate tells no size
        transform=None if opened.transform.is_identity else opened.transform,
        epsg=opened.crs.to_epsg() if opened.crs else None,
        nodata=opened.nodata,
    )


report(
    "GDAL",
    f"{rasterio.__gdal_version__} (rasterio {rasterio.__version__})",
    {
        "VRT": look_at_overviews,
        "HTTP unsharded": look_at_arrays,
        "HTTP sharded": look_at_arrays,
        "disk": look_at_arrays,
    },
)
