"""tensorstore: arrays by their paths, through its own files and HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import numpy as np
import tensorstore

from expected import ZARR, Case, Found, report


def look(case: Case, address: str) -> Iterator[Found]:
    base = address if "://" in address else f"file://{address}"
    for level in range(len(case.levels)):
        spec = {"driver": "zarr3", "kvstore": f"{base}/{level}/elevation/"}
        store = tensorstore.open(spec, read=True).result()
        yield Found(cells=store.read().result(), nodata=np.asarray(store.fill_value).item())


report("tensorstore", version("tensorstore"), dict.fromkeys(ZARR, look))
