"""The decoder's side: a process that opens sources of which it can see the bytes, and nothing else.

`python -m raster.sources.decoder.child <socket> <bytes> <seconds>`. What needs files is done first;
then no file and no socket can be opened any more, whatever a source's bytes make it do.
"""

from __future__ import annotations

import math
import os
import resource
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from raster.errors import SourceError, SourceUnreadable
from raster.grid import Window
from raster.sources.decoder.channel import Channel, ChannelBroken, Message
from raster.sources.decoder.warming import warm_up
from raster.sources.decoder.words import words_of_info
from raster.sources.formats import open_by_name
from raster.sources.ranges import Buffer, ByteRanges, SourceIdentity
from raster.sources.source import Source


class AskedRanges:
    """Bytes that the other side is asked for; of the object `key` of a source that has several."""

    def __init__(self, channel: Channel, about: Mapping[str, Any], key: str = "") -> None:
        self._channel = channel
        self._key = key
        self.url: str = about["url"]
        self.name: str = about["name"]
        self.size: int = about["size"]
        self.identity = SourceIdentity(size=self.size)

    def read_into(self, start: int, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        wanted = max(0, min(len(view), self.size - start))
        if not wanted:
            return 0
        self._channel.send({"bytes": [self._key, start, wanted]})
        answer = self._channel.receive(most_bytes=wanted)
        if len(answer.payload) != wanted:
            raise SourceUnreadable(self.url, "its bytes do not come")
        view[:wanted] = answer.payload
        return wanted


class AskedFolder:
    """Objects that the other side is asked for."""

    identity = SourceIdentity(size=0)
    """The other side knows it."""

    def __init__(self, channel: Channel, about: Mapping[str, Any]) -> None:
        self._channel = channel
        self.url: str = about["url"]

    @contextmanager
    def open_key(self, key: str) -> Iterator[ByteRanges | None]:
        self._channel.send({"size": key})
        size = self._channel.receive().words.get("size")
        about = {"url": self.url, "name": key, "size": size}
        yield None if size is None else AskedRanges(self._channel, about, key)


class Server:
    """Does what it is told: one source is open at a time."""

    def __init__(self, channel: Channel, seconds: int) -> None:
        self._channel = channel
        self._seconds = seconds
        self._opened = ExitStack()
        self._source: Source | None = None

    def serve(self) -> None:
        """Until the other side hangs up."""
        while True:
            order = self._channel.receive()
            _limit_seconds(self._seconds)
            try:
                answer = self._obey(order)
            except SourceError as error:
                self._close()
                self._channel.send({"error": type(error).__name__, "reason": error.reason[:1000]})
            except MemoryError:
                self._close()
                self._channel.send({"error": "SourceRefused", "reason": "to decode it takes too much memory"})
            else:
                self._channel.send(*answer)

    def _obey(self, order: Message) -> tuple[dict[str, Any], memoryview | bytes]:
        words = order.words
        if "open" in words:
            self._close()
            about = words["open"]
            kind = AskedFolder if about["size"] is None else AskedRanges
            self._source = self._opened.enter_context(open_by_name(kind(self._channel, about)))
            return {"info": words_of_info(self._source.info)}, b""
        row, col, height, width = words["read"]
        if self._source is None:
            raise SourceUnreadable("", "it is not open")
        cells = self._source.read_window(Window(row=row, col=col, height=height, width=width))
        return {"cells": cells.dtype.name}, np.ascontiguousarray(cells).reshape(-1).view(np.uint8).data

    def _close(self) -> None:
        self._source = None
        self._opened.close()


def main(descriptor: int, byte_count: int, seconds: int) -> None:
    """Serve one end of a connection, within limits."""
    channel = Channel(socket.socket(fileno=descriptor))
    warm_up()
    _limit(byte_count)
    channel.send({"ready": True})
    try:
        Server(channel, seconds).serve()
    except ChannelBroken:
        return


def _limit(byte_count: int) -> None:
    """Memory beyond what is taken already, no core dumps, no bytes into files, and no further descriptor."""
    _set(resource.RLIMIT_AS, _taken_bytes() + byte_count)
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_FSIZE, 0)
    # a new one is the lowest that is free: with this limit there is none
    lowest = os.dup(0)
    os.close(lowest)
    _set(resource.RLIMIT_NOFILE, lowest)


def _taken_bytes() -> int:
    """Of the address space."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def _limit_seconds(seconds: int) -> None:
    """Of the processor, from now on."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + seconds, most))


def _set(limit: int, value: int) -> None:
    resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
