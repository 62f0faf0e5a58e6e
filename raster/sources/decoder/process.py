"""One decoder: a process, and the conversation with it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from weakref import finalize

import numpy as np

import raster
from raster.cells import Cells
from raster.errors import DecoderFailed, SourceError, SourceRefused, SourceUnreadable
from raster.grid import Window
from raster.sources.decoder.channel import Channel, ChannelBroken, Message
from raster.sources.decoder.words import info_of_words
from raster.sources.ranges import ByteRanges
from raster.sources.source import SourceInfo

STARTING_S = 60.0

KEPT_NAMES = ("LD_LIBRARY_PATH", "PATH", "GDAL_DATA", "PROJ_DATA", "PROJ_LIB")
"""Of the environment; credentials are no business of a decoder."""

LARGEST_RANGE = 2**28
"""Bytes that a decoder may ask for at once: its largest block, twice."""

ERRORS: Mapping[str, type[SourceError]] = {
    error.__name__: error for error in (SourceRefused, SourceUnreadable)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderLimits:
    """What a decoder may take: memory beyond what it needs to start, and seconds for one call."""

    memory_bytes: int
    call_s: float


class DecoderProcess:
    """A decoder that is running; for one thread at a time."""

    def __init__(self, limits: DecoderLimits) -> None:
        self._limits = limits
        self.opened: object = None
        """What stands for the source that it has open."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _start(theirs, limits)
        self._channel = Channel(ours)
        self.end = finalize(self, _end, self._process, self._channel)

    def open(self, ranges: ByteRanges, key: object) -> SourceInfo:
        """Open a source instead of the one before.

        Raises
        ------
        SourceError
        """
        self.opened = None
        about = {"url": ranges.url, "name": ranges.name, "size": ranges.size}
        answer = self._ask({"open": about}, ranges)
        try:
            info = info_of_words(answer.words["info"], ranges.identity)
        except (KeyError, ValueError) as error:
            raise self._misbehaved(ranges) from error
        self.opened = key
        return info

    def read_window(self, ranges: ByteRanges, info: SourceInfo, window: Window) -> Cells:
        """Cells of the source that is open.

        Raises
        ------
        SourceError
        """
        answer = self._ask({"read": [window.row, window.col, window.height, window.width]}, ranges)
        dtype = info.encoding.numpy_dtype
        if answer.words.get("cells") != dtype.name or len(answer.payload) != (
            window.height * window.width * dtype.itemsize
        ):
            raise self._misbehaved(ranges)
        cells: Cells = np.frombuffer(answer.payload, dtype).reshape(window.shape)
        return cells

    def wait_until_ready(self) -> None:
        """Wait until it takes orders.

        Raises
        ------
        ChannelBroken
        TimeoutError
        """
        self._channel.receive(STARTING_S)

    def _ask(self, words: Mapping[str, Any], ranges: ByteRanges) -> Message:
        """The answer; bytes that it asks for on the way are given, which does not count as its time."""
        try:
            self._channel.send(words, within_s=self._limits.call_s)
            return self._converse(ranges)
        except TimeoutError as error:
            self.end()
            reason = f"decoding took longer than {self._limits.call_s:.0f} s"
            raise SourceRefused(ranges.url, reason) from error
        except ChannelBroken as error:
            raise self._misbehaved(ranges) from error
        except SourceError:
            raise
        except BaseException:
            self.end()  # it may be in the midst of an answer
            raise

    def _converse(self, ranges: ByteRanges) -> Message:
        failed: SourceError | None = None
        left_s = self._limits.call_s
        while True:
            began = monotonic()
            answer = self._channel.receive(left_s)
            left_s -= monotonic() - began
            if "bytes" not in answer.words:
                break
            try:
                data = b"" if failed else _read(ranges, answer.words["bytes"])
            except SourceError as failure:
                data, failed = b"", failure
            self._channel.send({}, data, within_s=self._limits.call_s)
        if "error" in answer.words:
            self.opened = None
            kind = ERRORS.get(answer.words["error"], SourceUnreadable)
            raise failed or kind(ranges.url, str(answer.words.get("reason"))[:1000])
        if failed is not None:
            raise failed
        return answer

    def _misbehaved(self, ranges: ByteRanges) -> SourceUnreadable:
        self.end()
        return SourceUnreadable(ranges.url, "decoding it took too much memory or time, or failed badly")


def start_decoder(limits: DecoderLimits) -> DecoderProcess:
    """Start a decoder, and wait until it takes orders.

    Raises
    ------
    DecoderFailed
        It ended, or took too long, or the machine has no room for it.
    """
    try:
        decoder = DecoderProcess(limits)
    except OSError as error:
        raise DecoderFailed from error
    try:
        decoder.wait_until_ready()
    except (ChannelBroken, TimeoutError) as error:
        decoder.end()
        raise DecoderFailed from error
    except BaseException:
        decoder.end()
        raise
    return decoder


def _read(ranges: ByteRanges, asked: Any) -> bytearray:
    if not (isinstance(asked, list) and len(asked) == 2 and all(type(each) is int for each in asked)):
        raise ChannelBroken
    start, byte_count = asked
    if start < 0 or not 0 < byte_count <= LARGEST_RANGE:
        raise ChannelBroken
    data = bytearray(byte_count)
    del data[ranges.read_into(start, data) :]
    return data


def _start(theirs: socket.socket, limits: DecoderLimits) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in KEPT_NAMES if name in os.environ}
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "GDAL_NUM_THREADS": "1"}
    here = {"PYTHONPATH": str(Path(raster.__file__).parent.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    numbers = (theirs.fileno(), limits.memory_bytes, max(1, round(limits.call_s)))
    return subprocess.Popen(  # noqa: S603 - our own module, numbers
        [sys.executable, "-P", "-m", "raster.sources.decoder.child", *map(str, numbers)],
        env=kept | threads | here,
        pass_fds=(theirs.fileno(),),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=None,
    )


def _end(process: subprocess.Popen[bytes], channel: Channel) -> None:
    channel.close()
    with suppress(OSError):
        process.kill()
    process.wait()
