"""What a process takes: run it to the end and measure it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median

MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024
"""Unit of ru_maxrss (getrusage(2))."""


@dataclass(frozen=True)
class Cost:
    """What one process, or one job in it, took."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def run_process(command: list[str], settings: dict[str, str] | None = None) -> Cost:
    """Run to the end and measure, children included (of memory the largest process counts, not the sum).

    This process has to stay small: Linux counts the memory at the time of the fork, too.
    """
    started = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | (settings or {}))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed (exit code {process.returncode})")
    return Cost(
        wall_s=time.perf_counter() - started,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * MAXRSS_BYTES,
    )


def median_cost(costs: list[Cost]) -> Cost:
    """Median of each number by itself."""
    return Cost(
        wall_s=median(cost.wall_s for cost in costs),
        cpu_s=median(cost.cpu_s for cost in costs),
        peak_bytes=round(median(cost.peak_bytes for cost in costs)),
    )
