"""The cache of chunks: each decoded once, however many ask, and never more bytes than allowed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raster.cells import Cells
from raster.chunk_cache import ENTRY_BYTES, ChunkCache, ChunkKey, Decode
from raster.chunks import ChunkPlace


def key(number: int) -> ChunkKey:
    return ChunkKey("p", 0, ChunkPlace(number, 0))


def giving(cells: Cells | None, calls: list[int]) -> Decode:
    def decode(keys: Sequence[ChunkKey]) -> list[Cells | None]:
        calls.append(1)
        return [cells for _ in keys]

    return decode


def get(cache: ChunkCache, number: int, decode: Decode) -> Cells | None:
    (found,) = cache.get([key(number)], decode)
    return found


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(0, 5))
def test_bytes_stay_within_the_bound_and_the_latest_are_kept(asked: list[int], room: int) -> None:
    size = np.zeros(25, np.float32).nbytes + ENTRY_BYTES
    cache, kept = ChunkCache(room * size), list[int]()
    for number in asked:
        calls = list[int]()
        cells = get(cache, number, giving(np.full(25, number, np.float32), calls))
        assert cells is not None
        assert (cells == number).all()
        assert bool(calls) is (number not in kept)
        kept = ([each for each in kept if each != number] + [number])[-room:] if room else []
        assert cache.byte_count == len(kept) * size


def test_chunks_of_fill_are_kept_and_counted_too() -> None:
    cache, calls = ChunkCache(10 * ENTRY_BYTES), list[int]()
    for _ in range(3):
        assert get(cache, 1, giving(None, calls)) is None
    assert len(calls) == 1
    assert cache.byte_count == ENTRY_BYTES


def test_of_many_who_ask_at_once_one_decodes() -> None:
    cache, calls, entered, may_go = ChunkCache(2**20), list[int](), Event(), Event()

    def decode(keys: Sequence[ChunkKey]) -> list[Cells | None]:
        calls.append(len(keys))
        entered.set()
        may_go.wait(30)
        return [np.ones(4) for _ in keys]

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(get, cache, 1, decode) for _ in range(8)]
        assert entered.wait(30)
        may_go.set()
        assert all(np.array_equal(each.result(), np.ones(4)) for each in asked)  # type: ignore[arg-type]
    assert len(calls) == 1


def test_a_failure_is_told_to_all_who_wait_and_not_kept() -> None:
    cache, together = ChunkCache(2**20), Barrier(2)

    def fail(keys: Sequence[ChunkKey]) -> list[Cells | None]:
        together.wait(30)
        raise ValueError("damaged")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(get, cache, 1, fail)
        together.wait(30)
        with pytest.raises(ValueError, match="damaged"):
            first.result()
    assert cache.byte_count == 0
    found = get(cache, 1, giving(np.ones(1), []))
    assert found is not None


def test_what_is_kept_cannot_be_written_into() -> None:
    cells = get(ChunkCache(2**20), 1, giving(np.ones(3), []))
    assert cells is not None
    with pytest.raises(ValueError, match="read-only"):
        cells[0] = 2


def test_of_several_only_those_are_decoded_that_nobody_has() -> None:
    cache, asked = ChunkCache(2**20), list[list[int]]()

    def decode(keys: Sequence[ChunkKey]) -> list[Cells | None]:
        asked.append([each.place.row for each in keys])
        return [np.full(1, each.place.row) for each in keys]

    for numbers in ([1, 2], [3, 2, 1, 4], [4, 3]):
        found = cache.get([key(number) for number in numbers], decode)
        assert [int(each[0]) for each in found if each is not None] == numbers
    assert asked == [[1, 2], [3, 4]]
