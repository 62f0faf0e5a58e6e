"""How much memory this process takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Growth:
    """Bytes, when it is over."""

    peak: int = 0


@contextmanager
def watched_memory() -> Iterator[Growth]:
    """By how much the process grew at most."""
    growth = Growth()
    Path("/proc/self/clear_refs").write_text("5")  # the peak is now what is taken now
    before = _status("VmRSS")
    yield growth
    growth.peak = _status("VmHWM") - before


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
