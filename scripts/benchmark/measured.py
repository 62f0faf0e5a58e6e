"""One contestant's job, measured from inside its own process: imports and preparation do not count."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict

from benchmark.costs import MAXRSS_BYTES, Cost


def report(job: Callable[[], object]) -> None:
    """Run the job and print what it took; its memory is the whole process's."""
    started, before = time.perf_counter(), os.times()
    job()
    wall_s, after = time.perf_counter() - started, os.times()
    cost = Cost(
        wall_s=wall_s,
        cpu_s=sum(after[:4]) - sum(before[:4]),
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_BYTES,
    )
    json.dump(asdict(cost), sys.stdout)
