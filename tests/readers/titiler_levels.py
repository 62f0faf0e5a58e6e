"""titiler.xarray, whose caller names the level's group."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import numpy as np
from titiler.xarray.io import Reader, fs_open_dataset, open_zarr

from expected import ZARR, Case, Found, report


def look(case: Case, address: str) -> Iterator[Found]:
    # the other opener insists on https
    opener = fs_open_dataset if address.startswith("http:") else open_zarr
    for level in range(len(case.levels)):
        with Reader(address, variable="elevation", group=str(level), opener=opener) as reader:
            image = reader.preview(max_size=None)
            yield Found(
                cells=np.ma.filled(image.array[0].astype(np.float64), np.nan),
                transform=reader.input.rio.transform(),
                epsg=reader.crs.to_epsg(),
                nodata=reader.input.rio.encoded_nodata,
            )


report("titiler.xarray", version("titiler-xarray"), dict.fromkeys(ZARR, look))
