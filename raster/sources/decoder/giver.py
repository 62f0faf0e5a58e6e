"""Bytes for a decoder that asks for them: those of its source, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from raster.sources.decoder.channel import ChannelBroken, Message
from raster.sources.folders import ByteFolder, Content
from raster.sources.ranges import ByteRanges

LARGEST_RANGE = 2**28
"""Bytes that a decoder may ask for at once: its largest block, twice."""


class Giver:
    """Answers what a decoder asks during one call."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._opened = ExitStack()
        self._key: str | None = None
        self._ranges: ByteRanges | None = None

    def is_asked(self, words: Mapping[str, Any]) -> bool:
        """Whether it is asked, or the call has ended."""
        return "bytes" in words or "size" in words

    def give(self, words: Mapping[str, Any]) -> Message:
        """The answer.

        Raises
        ------
        SourceError
        ChannelBroken
            Nothing that a decoder may ask.
        """
        if "size" in words:
            ranges = self._open(words["size"])
            return Message({"size": None if ranges is None else ranges.size}, bytearray())
        key, start, byte_count = _range(words["bytes"])
        ranges = self._open(key)
        if ranges is None:
            raise ChannelBroken
        data = bytearray(byte_count)
        del data[ranges.read_into(start, data) :]
        return Message({}, data)

    def _open(self, key: object) -> ByteRanges | None:
        if not isinstance(self._content, ByteFolder):
            return self._content
        if not isinstance(key, str):
            raise ChannelBroken
        if key != self._key:
            self._opened.close()
            self._ranges = self._opened.enter_context(self._content.open_key(key))
            self._key = key
        return self._ranges

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()


def _range(asked: object) -> tuple[object, int, int]:
    """Key, first byte, number of bytes."""
    if not isinstance(asked, list) or len(asked) != 3:
        raise ChannelBroken
    key, start, byte_count = asked
    if type(start) is not int or type(byte_count) is not int:
        raise ChannelBroken
    if start < 0 or not 0 < byte_count <= LARGEST_RANGE:
        raise ChannelBroken
    return key, start, byte_count
