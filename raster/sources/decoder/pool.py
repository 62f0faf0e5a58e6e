"""The decoders of a process: started when they are needed, lent for one call at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition

from raster.cells import Cells
from raster.grid import Window
from raster.sources.decoder.process import DecoderLimits, DecoderProcess, start_decoder
from raster.sources.folders import Content
from raster.sources.source import SourceInfo


class DecoderPool:
    """At most `most` decoders.

    They are lent for a call, not for as long as a source is open: a thread that had one while it
    waited for another thread's cells could wait for ever.
    """

    def __init__(self, limits: DecoderLimits, most: int) -> None:
        self._limits = limits
        self._most = most
        self._idle: list[DecoderProcess] = []
        self._count = 0
        self._changed = Condition()

    @contextmanager
    def lend(self, key: object) -> Iterator[DecoderProcess]:
        """Lend a decoder, if possible the one that has the source open that `key` stands for.

        Raises
        ------
        DecoderFailed
        """
        decoder = self._take(key)
        try:
            if decoder is None:
                decoder = start_decoder(self._limits)
            yield decoder
        finally:
            with self._changed:
                if decoder is not None and decoder.end.alive:
                    self._idle.append(decoder)
                else:
                    self._count -= 1
                self._changed.notify()

    def _take(self, key: object) -> DecoderProcess | None:
        """An idle one; None for leave to start one."""
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._count < self._most)
            for decoder in self._idle:
                if decoder.opened is key:
                    self._idle.remove(decoder)
                    return decoder
            if self._idle:
                return self._idle.pop(0)
            self._count += 1
            return None

    def close(self) -> None:
        """End those that are idle."""
        with self._changed:
            while self._idle:
                self._idle.pop().end()
                self._count -= 1


@dataclass(frozen=True, slots=True)
class DecodedElsewhere:
    """A source that is open in whichever decoder has been asked for it."""

    content: Content
    info: SourceInfo
    pool: DecoderPool
    key: object

    def read_window(self, window: Window) -> Cells:
        with self.pool.lend(self.key) as decoder:
            if decoder.opened is not self.key:
                decoder.open(self.content, self.key)
            return decoder.read_window(self.content, self.info, window)


def open_elsewhere(pool: DecoderPool, content: Content) -> DecodedElsewhere:
    """Open a source in a decoder.

    Raises
    ------
    SourceError
    DecoderFailed
    """
    key = object()
    with pool.lend(key) as decoder:
        return DecodedElsewhere(content, decoder.open(content, key), pool, key)
