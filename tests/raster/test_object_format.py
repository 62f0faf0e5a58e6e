"""Objects are what zarr-python reads and writes: its own pipeline is the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from raster.cells import Cells
from raster.grid import Grid, Window
from raster.metrics.interface import StoredArray
from raster.object_format import ObjectFormat
from raster.shards import ShardTree

FILLS: dict[str, int | float] = {
    "int8": -128,
    "uint8": 255,
    "int16": -32768,
    "uint16": 0,
    "int32": 7,
    "uint32": 0,
    "int64": -(2**63),
    "float32": float("nan"),
    "float64": 0.0,
}


def stored_array(dtype: str) -> StoredArray:
    fill = FILLS[dtype]
    return StoredArray(name="a", dtype=np.dtype(dtype), nodata=None, fill=fill, long_name="", unit="1")


def zarr_array(store: MemoryStore, how: ObjectFormat, shape: tuple[int, int]) -> zarr.Array[Any]:
    return zarr.create_array(
        store,
        shape=shape,
        dtype=how.array.dtype,
        chunks=how.shapes.chunk,
        shards=how.shapes.shard,
        compressors=[ZstdCodec(level=1, checksum=True)],
        fill_value=how.array.fill,
    )


@st.composite
def levels(draw: st.DrawFn) -> tuple[ObjectFormat, Cells]:
    """A level's cells, many of them fill, some chunks all fill, and how it is stored."""
    dtype = draw(st.sampled_from(sorted(FILLS)))
    shape = draw(st.tuples(st.integers(1, 37), st.integers(1, 37)))
    chunk = draw(st.sampled_from([2, 4, 8]))
    shard = chunk * draw(st.sampled_from([1, 2, 4]))
    tree = ShardTree(Grid(height=shape[0], width=shape[1]), shard, chunk)
    array = stored_array(dtype)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    cells = np.full(shape, array.fill, array.dtype)
    is_data = rng.random((-(-shape[0] // chunk), -(-shape[1] // chunk))) < draw(st.sampled_from([0, 0.5, 1]))
    is_data = np.kron(is_data, np.ones((chunk, chunk), bool))[: shape[0], : shape[1]]
    is_data &= rng.random(shape) < draw(st.sampled_from([0.1, 1]))
    cells[is_data] = rng.integers(0, 100, shape).astype(dtype)[is_data]
    return ObjectFormat(0, array, tree.chunk_shapes(0)), cells


def windows(how: ObjectFormat, cells: Cells) -> list[Window]:
    height, width = how.shapes.object_shape
    whole = Window(row=0, col=0, height=cells.shape[0], width=cells.shape[1])
    return whole.split(height, width)


def encode(how: ObjectFormat, cells: Cells) -> dict[str, bytes]:
    encoded = {how.key(window): b"".join(how.encode(cells[window.slices])) for window in windows(how, cells)}
    return {key: data for key, data in encoded.items() if data}


def decode(how: ObjectFormat, data: bytes | None, shape: tuple[int, int]) -> Cells:
    return np.concatenate(list(how.decode_rows(data, shape)))


@given(levels())
def test_zarr_reads_what_is_encoded(level: tuple[ObjectFormat, Cells]) -> None:
    how, cells = level
    memory: dict[str, object] = {}
    array = zarr_array(MemoryStore(memory), how, cells.shape)  # type: ignore[arg-type]
    for key, data in encode(how, cells).items():
        memory[key.removeprefix("0/a/")] = default_buffer_prototype().buffer.from_bytes(data)
    np.testing.assert_array_equal(np.asarray(array[:]), cells)


@given(levels())
def test_the_same_objects_and_inner_chunks_exist_as_zarr_writes(level: tuple[ObjectFormat, Cells]) -> None:
    how, cells = level
    memory: dict[str, object] = {}
    array = zarr_array(MemoryStore(memory), how, cells.shape)  # type: ignore[arg-type]
    array[:] = cells
    written = {f"0/a/{key}": value.to_bytes() for key, value in memory.items() if key != "zarr.json"}  # type: ignore[attr-defined]
    encoded = encode(how, cells)
    assert encoded.keys() == written.keys()
    assert {key: len(data) for key, data in encoded.items()} == {
        key: len(data) for key, data in written.items()
    }


@given(levels())
def test_what_zarr_writes_is_decoded(level: tuple[ObjectFormat, Cells]) -> None:
    how, cells = level
    memory: dict[str, object] = {}
    array = zarr_array(MemoryStore(memory), how, cells.shape)  # type: ignore[arg-type]
    array[:] = cells
    for window in windows(how, cells):
        stored = memory.get(how.key(window).removeprefix("0/a/"))
        data = None if stored is None else stored.to_bytes()  # type: ignore[attr-defined]
        np.testing.assert_array_equal(decode(how, data, window.shape), cells[window.slices])


@given(levels())
def test_keys_are_those_of_all_objects(level: tuple[ObjectFormat, Cells]) -> None:
    how, cells = level
    assert list(how.keys(cells.shape)) == [how.key(window) for window in windows(how, cells)]


def one_shard() -> tuple[ObjectFormat, NDArray[np.int16], bytes]:
    tree = ShardTree(Grid(height=8, width=8), 8, 4)
    how = ObjectFormat(0, stored_array("int16"), tree.chunk_shapes(0))
    cells = np.arange(64, dtype=np.int16).reshape(8, 8)
    return how, cells, b"".join(how.encode(cells))


def test_no_flipped_bit_is_decoded() -> None:
    how, _, data = one_shard()
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 1
        with pytest.raises((RuntimeError, ValueError)):
            decode(how, bytes(flipped), (8, 8))


def test_cells_of_another_layout_in_memory_are_encoded_alike() -> None:
    how, cells, data = one_shard()
    assert b"".join(how.encode(np.asfortranarray(cells))) == data
    assert b"".join(how.encode(np.ascontiguousarray(cells[::-1])[::-1])) == data
