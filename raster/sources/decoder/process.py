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
from raster.sources.decoder.giver import Giver
from raster.sources.decoder.words import info_of_words
from raster.sources.folders import ByteFolder, Content
from raster.sources.source import SourceInfo

MODULE = "raster.sources.decoder.child"

STARTING_S = 60.0

KEPT_NAMES = ("LD_LIBRARY_PATH", "PATH", "GDAL_DATA", "PROJ_DATA", "PROJ_LIB")
"""Of the environment; credentials are no business of a decoder."""

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

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self.end.alive and self._process.poll() is None

    def open(self, content: Content, key: object) -> SourceInfo:
        """Open a source instead of the one before.

        Raises
        ------
        SourceError
        """
        self.opened = None
        about: dict[str, Any] = {"url": content.url, "name": "", "size": None}
        if not isinstance(content, ByteFolder):
            about |= {"name": content.name, "size": content.size}
        answer = self._ask({"open": about}, content)
        try:
            info = info_of_words(answer.words["info"], content.identity)
        except (KeyError, ValueError) as error:
            raise self._misbehaved(content) from error
        self.opened = key
        return info

    def read_window(self, content: Content, info: SourceInfo, window: Window) -> Cells:
        """Cells of the source that is open.

        Raises
        ------
        SourceError
        """
        dtype = info.encoding.numpy_dtype
        expected = window.cell_count * dtype.itemsize
        asked = {"read": [window.row, window.col, window.height, window.width]}
        answer = self._ask(asked, content, expected)
        if answer.words.get("cells") != dtype.name or len(answer.payload) != expected:
            raise self._misbehaved(content)
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

    def _ask(self, words: Mapping[str, Any], content: Content, most_bytes: int = 0) -> Message:
        """The answer; bytes that it asks for on the way are given, which does not count as its time."""
        try:
            self._channel.send(words, within_s=self._limits.call_s)
            return self._converse(content, most_bytes)
        except TimeoutError as error:
            self.end()
            reason = f"decoding took longer than {self._limits.call_s:.0f} s"
            raise SourceRefused(content.url, reason) from error
        except ChannelBroken as error:
            raise self._misbehaved(content) from error
        except SourceError:
            raise
        except BaseException:
            self.end()  # it may be in the midst of an answer
            raise

    def _converse(self, content: Content, most_bytes: int) -> Message:
        failed: SourceError | None = None
        left_s = self._limits.call_s
        with Giver(content) as giver:
            while True:
                began = monotonic()
                answer = self._channel.receive(left_s, most_bytes)
                left_s -= monotonic() - began
                if not giver.is_asked(answer.words):
                    break
                given = Message({}, bytearray())
                try:
                    if failed is None:
                        given = giver.give(answer.words)
                except SourceError as failure:
                    failed = failure
                self._channel.send(given.words, given.payload, within_s=self._limits.call_s)
        if "error" in answer.words:
            self.opened = None
            kind = ERRORS.get(answer.words["error"], SourceUnreadable)
            raise failed or kind(content.url, str(answer.words.get("reason"))[:1000])
        if failed is not None:
            raise failed
        return answer

    def _misbehaved(self, content: Content) -> SourceUnreadable:
        self.end()
        return SourceUnreadable(content.url, "decoding it took too much memory or time, or failed badly")


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


def _start(theirs: socket.socket, limits: DecoderLimits) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in KEPT_NAMES if name in os.environ}
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "GDAL_NUM_THREADS": "1"}
    here = {"PYTHONPATH": str(Path(raster.__file__).parent.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    numbers = (theirs.fileno(), limits.memory_bytes, max(1, round(limits.call_s)))
    return subprocess.Popen(  # noqa: S603 - our own module, numbers
        [sys.executable, "-P", "-m", MODULE, *map(str, numbers)],
        env=kept | threads | here,
        pass_fds=(theirs.fileno(),),
        process_group=0,  # Ctrl-C is for us: a source would seem damaged if it ended decoders
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _end(process: subprocess.Popen[bytes], channel: Channel) -> None:
    channel.close()
    with suppress(OSError):
        process.kill()
    process.wait()
