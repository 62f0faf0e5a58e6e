"""Which files are opened, told by the kernel: also those that a C library opens."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IN_OPEN = 0x20
EVENT = struct.Struct("iIII")


@contextmanager
def watch_openings(folder: Path) -> Iterator[set[str]]:
    """The names of everything in a folder that is opened meanwhile; complete on leaving. Linux only."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK)
    assert descriptor >= 0, os.strerror(ctypes.get_errno())
    names: set[str] = set()
    try:
        assert libc.inotify_add_watch(descriptor, os.fsencode(folder), IN_OPEN) >= 0
        yield names
        names |= _names(descriptor)
    finally:
        os.close(descriptor)


def _names(descriptor: int) -> set[str]:
    names: set[str] = set()
    while True:
        try:
            events = os.read(descriptor, 2**16)
        except BlockingIOError:
            return names
        while events:
            *_, length = EVENT.unpack_from(events)
            name, events = events[EVENT.size : EVENT.size + length], events[EVENT.size + length :]
            if length:  # else it is the folder itself
                names.add(os.fsdecode(name.rstrip(b"\0")))
