"""ome-zarr: the pyramid as an image of the microscopists."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import numpy as np
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader

from expected import ZARR, Case, Found, report


def look(case: Case, address: str) -> Iterator[Found]:
    location = parse_url(address)
    assert location is not None
    (image,) = [node for node in Reader(location)() if node.data]
    for cells in image.data:
        yield Found(cells=np.asarray(cells))


report("ome-zarr", version("ome-zarr"), dict.fromkeys(ZARR, look))
