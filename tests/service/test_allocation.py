"""Memory that was freed is not asked for anew, page by page."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

PAGES = """
import resource, sys
import numpy as np
from service.allocation import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()
for number in range(101):
    if number == 1:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(2**16)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is known to need it")
def test_arrays_take_the_place_of_those_that_were_freed() -> None:
    # Dask's clusters, of which other tests start some, leave one of those here that end all learning
    unset = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}

    def count(how: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", PAGES, how], env=unset, capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    assert count("kept") < 100 <= count("as it is")
