"""A decoder that is in others' hands: it gets what belongs to its source, and costs us no more than that."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import numpy as np
import pytest

from raster.errors import SourceRefused, SourceUnreadable
from raster.grid import Window
from raster.sources.decoder.channel import LONGEST_WORDS, Channel, ChannelBroken
from raster.sources.decoder.giver import LARGEST_RANGE, Giver
from raster.sources.decoder.process import DecoderLimits, DecoderProcess
from source_files import in_memory

CONTENT = in_memory("a.npy", bytes(range(100)))
INFO = {
    "height": 4,
    "width": 5,
    "dtype": "int16",
    "nodata": None,
    "scale": 1.0,
    "offset": 0.0,
    "transform": None,
    "crs": None,
    "south_up": False,
    "block": [4, 5],
}
WINDOW = Window(row=0, col=0, height=4, width=5)


def message(words: object, payload: bytes = b"", claims: int | None = None) -> bytes:
    text = words if isinstance(words, bytes) else json.dumps(words).encode()
    return struct.pack(">II", len(text), len(payload) if claims is None else claims) + text + payload


@pytest.fixture
def theirs() -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield theirs


@pytest.fixture
def taken_over() -> Iterator[tuple[DecoderProcess, socket.socket]]:
    """A decoder, and the end at which something else talks in its place."""
    decoder = DecoderProcess(DecoderLimits(memory_bytes=2**29, call_s=5))
    ours, theirs = socket.socketpair()
    decoder._channel.close()
    decoder._channel = Channel(ours)
    with ours, theirs:
        yield decoder, theirs
    decoder.end()


@pytest.mark.parametrize(
    "sent",
    [
        struct.pack(">II", LONGEST_WORDS + 1, 0) + b" " * LONGEST_WORDS,
        message({}, claims=101),
        message({}, claims=2**32 - 1),
        message(b"{"),
        message(b"[" * 60_000),
        message([1, 2]),
        message("size"),
        message(b"\xff\xfe"),
        message({"size": 1})[:-1],
        message({}, b"123", claims=4),
        b"",
    ],
    ids=[
        "long words",
        "long",
        "longest",
        "no JSON",
        "deep",
        "list",
        "text",
        "no text",
        "cut",
        "cut bytes",
        "nothing",
    ],
)
def test_what_does_not_keep_to_the_rules_breaks_the_channel(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, ThreadPoolExecutor(1) as pool:

        def talk() -> None:
            with theirs:
                theirs.sendall(sent)

        talking = pool.submit(talk)
        with pytest.raises(ChannelBroken):
            Channel(ours).receive(30, most_bytes=100)
        ours.close()
        talking.exception()  # it may have been cut off


def test_what_trickles_in_is_given_no_more_time_than_silence() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, ThreadPoolExecutor(1) as pool:

        def trickle() -> None:
            for each in struct.pack(">II", 1000, 0) + b" " * 1000:
                theirs.sendall(bytes([each]))
                if gone.wait(0.02):
                    return

        gone = Event()
        trickling = pool.submit(trickle)
        try:
            with pytest.raises(TimeoutError):
                Channel(ours).receive(0.2)
        finally:
            gone.set()
        trickling.result()


@pytest.mark.parametrize(
    "asked",
    [
        None,
        {},
        [None, 0],
        [None, 0, 1, 2],
        [None, -1, 10],
        [None, 0, 0],
        [None, 0, -5],
        [None, 0, LARGEST_RANGE + 1],
        [None, 0.0, 10],
        [None, "0", 10],
        [None, True, 10],
        [None, 0, True],
    ],
)
def test_what_is_no_range_is_not_given(asked: object) -> None:
    with Giver(CONTENT) as giver, pytest.raises(ChannelBroken):
        giver.give({"bytes": asked})


def test_beyond_the_end_there_is_nothing() -> None:
    with Giver(CONTENT) as giver:
        assert giver.give({"bytes": [None, 90, 50]}).payload == bytes(range(90, 100))
        assert giver.give({"bytes": [None, 10**15, 50]}).payload == b""
        assert giver.give({"bytes": ["/etc/passwd", 0, 3]}).payload == bytes(range(3)), "it has one source"


Talk = Callable[[socket.socket], None]


def converse(decoder: DecoderProcess, theirs: socket.socket, talk: Talk, *, reads: bool) -> object:
    def whole() -> None:
        channel = Channel(theirs)
        channel.receive()
        if reads:
            channel.send({"info": INFO})
            channel.receive()
        talk(theirs)

    with ThreadPoolExecutor(1) as pool:
        talking = pool.submit(whole)
        try:
            info = decoder.open(CONTENT, "key")
            return decoder.read_window(CONTENT, info, WINDOW) if reads else info
        finally:
            with suppress(OSError):
                theirs.shutdown(socket.SHUT_RDWR)  # closing alone would not wake who waits for a message
            theirs.close()
            talking.exception()


@pytest.mark.parametrize(
    "answer",
    [
        message({"cells": "int16"}, bytes(39)),
        message({"cells": "int16"}, bytes(41)),
        message({"cells": "int16"}, claims=2**31),
        message({"cells": "int32"}, bytes(40)),
        message({"cells": ["int16"]}, bytes(40)),
        message({}, bytes(40)),
        message({"bytes": [None, 0, LARGEST_RANGE + 1]}),
        message({"error": 5}),
        message({"error": "KeyboardInterrupt", "reason": "x" * 5000}),
    ],
)
def test_cells_that_cannot_be_are_a_source_that_cannot_be_read(
    taken_over: tuple[DecoderProcess, socket.socket], answer: bytes
) -> None:
    decoder, theirs = taken_over
    with pytest.raises(SourceUnreadable) as told:
        converse(decoder, theirs, lambda end: end.sendall(answer), reads=True)
    assert len(str(told.value)) < 1200


@pytest.mark.parametrize(
    "facts",
    [
        {},
        None,
        {**INFO, "height": 0},
        {**INFO, "height": True},
        {**INFO, "width": 10**12},
        {**INFO, "dtype": "object"},
        {**INFO, "nodata": "1"},
        {**INFO, "scale": "a"},
        {**INFO, "transform": [1, 2]},
        {**INFO, "transform": [1e999] * 6},
        {**INFO, "crs": "nonsense"},
        {**INFO, "block": [1]},
        {**INFO, "block": None},
    ],
)
def test_facts_that_cannot_be_are_a_source_that_cannot_be_read(
    taken_over: tuple[DecoderProcess, socket.socket], facts: object
) -> None:
    decoder, theirs = taken_over
    with pytest.raises(SourceUnreadable):
        converse(decoder, theirs, lambda end: end.sendall(message({"info": facts})), reads=False)


def test_one_that_asks_on_and_on_is_ended_when_its_time_is_over() -> None:
    decoder = DecoderProcess(DecoderLimits(memory_bytes=2**29, call_s=0.3))
    ours, theirs = socket.socketpair()
    decoder._channel.close()
    decoder._channel = Channel(ours)

    def ask_on(end: socket.socket) -> None:
        channel = Channel(end)
        while True:
            gone.wait(0.01)
            channel.send({"bytes": [None, 0, 1]})
            channel.receive(most_bytes=1)

    gone = Event()
    with ours, pytest.raises(SourceRefused, match="took longer"):
        converse(decoder, theirs, ask_on, reads=False)
    assert not decoder.is_alive


def test_what_it_gives_is_taken_when_it_is_right(taken_over: tuple[DecoderProcess, socket.socket]) -> None:
    decoder, theirs = taken_over
    cells = np.arange(20, dtype=np.int16)
    found = converse(
        decoder, theirs, lambda end: end.sendall(message({"cells": "int16"}, cells.tobytes())), reads=True
    )
    np.testing.assert_array_equal(found, cells.reshape(4, 5))
