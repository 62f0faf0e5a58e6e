"""What the C library does with memory that is freed."""

from __future__ import annotations

import numpy as np

LARGEST_BYTES = 2**25 - 2**16
"""A little less than glibc's M_MMAP_THRESHOLD_MAX, what it keeps for itself included (mallopt(3))."""


def keep_freed_memory() -> None:
    """Have the C library keep what is freed, up to 64 MiB an arena, for what is asked for next.

    glibc gives arrays of 128 KiB and more back to the system at once, until a larger one was freed; up
    to 32 MiB it learns. A map tile is some ten arrays of half a megabyte, and the system would hand out
    each of their pages anew. So it learns here, from an array that nobody writes into. Elsewhere this
    does nothing, nor where `MALLOC_` variables say what to keep.
    """
    np.empty(LARGEST_BYTES, np.uint8)
