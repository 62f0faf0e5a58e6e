"""Opens a tree, says so, and reads its cells when it is told to: `opens_and_waits.py ADDRESS FILE`."""

from __future__ import annotations

import sys

import numpy as np
import xarray

with xarray.open_datatree(sys.argv[1], engine="zarr") as tree:
    sys.stdout.write("opened\n")
    sys.stdout.flush()
    sys.stdin.readline()
    np.savez(sys.argv[2], *(tree[f"{level}/elevation"].to_numpy() for level in range(len(tree.children))))
