"""Pyramids from elsewhere: the same, each byte fetched once although shards cut tiles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from raster.grid import Grid, Window
from raster.mosaic import Mosaic, lay_mosaic
from raster.sources.opening import inspect_source
from raster.sources.remote.access import RemoteAccess
from raster.sources.remote.remote import RemoteSources
from raster.sources.roots import TileRoots
from raster.tiles import PlacedTile
from source_files import PLACED, ramp, save_raster
from terrains import UTM, build
from web_server import web_server

SIDE = 500
SHARDS: dict[str, int] = {"shard_cells": 256, "chunk_cells": 64}


def mosaic_of(roots: TileRoots, url: str) -> Mosaic:
    info = inspect_source(roots, url)
    tile = PlacedTile(
        url=url,
        window=Window(row=30, col=50, height=SIDE, width=SIDE),
        encoding=info.encoding,
        identity=info.identity,
        block_height=info.block_height,
        block_width=info.block_width,
    )
    return lay_mosaic(Grid(height=SIDE + 30, width=SIDE + 50, transform=UTM, crs=None), [tile], roots)


@pytest.mark.parametrize("knows_ranges", [True, False], ids=["ranges", "whole"])
@pytest.mark.parametrize("name", ["a.npy", "tiled.tif", "striped.tif"])
def test_a_tile_that_shards_cut_is_fetched_once(
    tmp_path: Path, open_sources: Callable[..., RemoteSources], name: str, knows_ranges: bool
) -> None:
    if name == "a.npy":
        np.save(tmp_path / name, ramp(SIDE, SIDE))
    else:
        tiled: dict[str, Any] = {"tiled": True, "blockxsize": 64, "blockysize": 64}
        blocks = tiled if name == "tiled.tif" else {}
        save_raster(tmp_path / name, ramp(SIDE, SIDE), compress="lzw", **PLACED, **blocks)
    near = build(
        mosaic_of(TileRoots((tmp_path,)), name), "max", tmp_path / "g1.zarr", shard_cells=256, chunk_cells=64
    )
    with web_server(knows_ranges=knows_ranges) as site:
        url = site.put(name, (tmp_path / name).read_bytes())
        roots = TileRoots((tmp_path,), RemoteAccess(open_sources().policy))
        far = build(mosaic_of(roots, url), "max", tmp_path / "g2.zarr", **SHARDS)
        assert site.sent_bytes <= 1.1 * len(site.files[f"/{name}"])
    for level in range(near.plan.grid.level_count):
        np.testing.assert_array_equal(far.level(level), near.level(level))
