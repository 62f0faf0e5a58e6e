"""Everything of a Zarr v3 group but its cells, as objects: groups, array metadata, coordinates, CRS.

zarr writes them into memory; where the bytes go is `objects`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import zarr
from zarr.codecs import ZstdCodec
from zarr.core.buffer import Buffer
from zarr.storage import MemoryStore

from raster.grid import Grid
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
from raster.object_format import ZSTD_LEVEL
from raster.shards import ShardTree

METADATA = "zarr.json"


def compressor() -> ZstdCodec:
    """What `object_format` compresses with."""
    return ZstdCodec(level=ZSTD_LEVEL, checksum=True)


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Everything of a group but its cells: objects by key, the root's metadata apart.

    The root goes last: until it is there nothing opens the group.
    """

    objects: Mapping[str, bytes]
    root: bytes


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
    cells: dict[str, bytes] = {}
    for level in range(tree.grid.level_count):
        group = zarr.create_group(
            MemoryStore(memory), path=str(level), attributes=level_attributes(tree.grid.level(level))
        )
        _create_coordinates(group, tree.grid.level(level), about.vertical_datum)
        for array in arrays[level]:
            cells[f"{level}/{array.name}/{METADATA}"] = array_metadata(tree, level, array, about)
    objects = {key: value.to_bytes() for key, value in memory.items()} | cells
    # zarr makes a plain root beside the first level
    objects.pop(METADATA, None)
    return Skeleton(objects, _root_metadata(objects, root_attributes(about, tree.grid)))


def array_metadata(tree: ShardTree, level: int, array: StoredArray, about: Description) -> bytes:
    """`zarr.json` of an array of cells."""
    memory: dict[str, Buffer] = {}
    shapes, grid = tree.chunk_shapes(level), tree.grid.level(level)
    zarr.create_array(
        MemoryStore(memory),
        shape=grid.shape,
        dtype=array.dtype,
        chunks=shapes.chunk,
        shards=shapes.shard,
        compressors=[compressor()],
        fill_value=array.fill,
        dimension_names=("y", "x"),
        attributes=array_attributes(array, grid, about),
    )
    return memory[METADATA].to_bytes()


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
