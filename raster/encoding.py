"""Cells and metadata as the objects of a Zarr v3 group.

zarr encodes into memory; where the bytes go is `objects`. So each object is known whole, with
size and checksum, before it is put, and nothing is read back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from zarr.codecs import ZstdCodec
from zarr.core.buffer import Buffer
from zarr.storage import MemoryStore

from raster.cells import Cells
from raster.grid import Grid, Window
from raster.layout import (
    Attributes,
    Description,
    array_attributes,
    coordinate_attributes,
    level_attributes,
    root_attributes,
    spatial_ref_attributes,
)
from raster.metrics.interface import StoredArray
from raster.shards import ShardTree

METADATA = "zarr.json"


def compressor() -> ZstdCodec:
    """zstd with its checksum: without it a flipped bit decodes to other heights in silence."""
    return ZstdCodec(level=1, checksum=True)


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Everything of a group but its cells: objects by key, the root's metadata apart.

    The root goes last: until it is there nothing opens the group.
    """

    objects: Mapping[str, bytes]
    root: bytes

    def array_metadata(self, path: str) -> bytes:
        """`zarr.json` of the array at `path`, e.g. "0/elevation"."""
        return self.objects[f"{path}/{METADATA}"]


def make_skeleton(tree: ShardTree, arrays: Mapping[int, list[StoredArray]], about: Description) -> Skeleton:
    """Groups, array metadata, coordinates and CRS of every level.

    Parameters
    ----------
    tree : ShardTree
    arrays : level -> arrays
        What each level stores.
    about : Description
    """
    memory: dict[str, Buffer] = {}
    for level in range(tree.grid.level_count):
        group = zarr.create_group(
            MemoryStore(memory), path=str(level), attributes=level_attributes(tree.grid.level(level))
        )
        for array in arrays[level]:
            _create_cells(group, tree, level, array, about)
        _create_coordinates(group, tree.grid.level(level), about.vertical_datum)
    objects = {key: value.to_bytes() for key, value in memory.items()}
    # zarr makes a plain root beside the first level
    objects.pop(METADATA, None)
    return Skeleton(objects, _root_metadata(objects, root_attributes(about, tree.grid)))


def _create_cells(
    group: zarr.Group, tree: ShardTree, level: int, array: StoredArray, about: Description
) -> None:
    shapes = tree.chunk_shapes(level)
    grid = tree.grid.level(level)
    group.create_array(
        array.name,
        shape=grid.shape,
        dtype=array.dtype,
        chunks=shapes.chunk,
        shards=shapes.shard,
        compressors=[compressor()],
        fill_value=array.fill,
        dimension_names=("y", "x"),
        attributes=array_attributes(array, grid, about),
    )


def _create_coordinates(group: zarr.Group, grid: Grid, vertical_datum: str | None) -> None:
    for axis, size, origin, step in (
        ("y", grid.height, grid.transform.f, grid.transform.e),
        ("x", grid.width, grid.transform.c, grid.transform.a),
    ):
        group.create_array(
            axis,
            data=origin + (np.arange(size) + 0.5) * step,
            chunks=(size,),
            compressors=[compressor()],
            fill_value=np.nan,
            dimension_names=(axis,),
            attributes=coordinate_attributes(axis, grid.crs),
        )
    group.create_array(
        "spatial_ref",
        data=np.zeros((), np.int64),
        compressors=None,
        attributes=spatial_ref_attributes(grid, vertical_datum),
    )


def _root_metadata(objects: Mapping[str, bytes], attributes: Attributes) -> bytes:
    """The root's `zarr.json` with all other metadata in it, for readers that cannot list."""
    consolidated = {
        key.removesuffix(f"/{METADATA}"): json.loads(text)
        for key, text in sorted(objects.items())
        if key.endswith(METADATA)
    }
    document = {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": attributes,
        "consolidated_metadata": {
            "kind": "inline",
            "must_understand": False,
            "metadata": consolidated,
        },
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


def encode_cells(metadata: bytes, window: Window, cells: Cells) -> Iterator[tuple[str, bytes]]:
    """Objects of a window of an array: key below the array and bytes.

    Parameters
    ----------
    metadata : bytes
        The array's `zarr.json`.
    window : Window
        Whole shards (chunks where there are none) of the array, or up to its edge.
    cells : (height, width) of the array's dtype

    Yields
    ------
    One object per shard with at least one cell other than fill.
    """
    memory: dict[str, Any] = {METADATA: _buffer(metadata)}
    array = zarr.open_array(MemoryStore(memory), zarr_format=3)
    array[window.slices] = cells
    for key, value in memory.items():
        if key != METADATA:
            yield key, value.to_bytes()


def decode_cells(metadata: bytes, objects: Mapping[str, bytes], window: Window) -> Cells:
    """Cells of a window of an array, from the objects that `encode_cells` gave for it.

    Parameters
    ----------
    metadata : bytes
        The array's `zarr.json`.
    objects : key below the array -> bytes
        Known to be whole; a key that is not there is all fill.
    window : Window

    Returns
    -------
    (height, width) of the array's dtype
    """
    memory: dict[str, Any] = {METADATA: _buffer(metadata)}
    memory.update((key, _buffer(data)) for key, data in objects.items())
    array = zarr.open_array(MemoryStore(memory), zarr_format=3, mode="r")
    return np.asarray(array[window.slices])


def _buffer(data: bytes) -> Buffer:
    return zarr.core.buffer.default_buffer_prototype().buffer.from_bytes(data)


def chunk_keys(window: Window, shape: tuple[int, int]) -> Iterator[str]:
    """Keys below an array of the objects of `shape` cells that a window touches."""
    rows = range(window.row // shape[0], (window.row_stop - 1) // shape[0] + 1)
    cols = range(window.col // shape[1], (window.col_stop - 1) // shape[1] + 1)
    return (f"c/{row}/{col}" for row in rows for col in cols)
