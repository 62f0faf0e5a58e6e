"""Zarr arrays as tiles, here and elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from affine import Affine
from numcodecs import Pickle, Zlib
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from raster.cells import Cells
from raster.errors import SourceChanged, SourceError, SourceNotFound, SourceRefused, SourceUnreadable
from raster.grid import Window
from raster.sources.decoder.giver import Giver
from raster.sources.folders import LocalFolder
from raster.sources.opening import inspect_source, open_registered, open_source
from raster.sources.remote.access import RemoteAccess
from raster.sources.remote.folder import RemoteFolder
from raster.sources.remote.policy import RemotePolicy
from raster.sources.roots import TileRoots, is_array
from raster.sources.source import SourceInfo
from source_files import ramp
from web_server import WebServer, web_server

CELLS = ramp(70, 50)
NUMBERS = [10.0, 0.0, 500000.0, 0.0, -10.0, 5000000.0]
GROUND = {"spatial:transform": NUMBERS, "proj:code": "EPSG:32632"}

V3: dict[str, Any] = {"chunks": (16, 16)}
SHARDED: dict[str, Any] = {"chunks": (16, 16), "shards": (32, 64)}
V2: dict[str, Any] = {"chunks": (16, 16), "zarr_format": 2}


def save(folder: Path, name: str = "a.zarr", cells: np.ndarray = CELLS, **how: Any) -> Path:
    """An array on the disk."""
    given = {**V3, "fill_value": 0, **how}
    array = zarr.create_array(folder / name, shape=cells.shape, dtype=cells.dtype, **given)
    array[...] = cells
    return folder / name


def read(roots: TileRoots, url: str) -> tuple[SourceInfo, Cells]:
    with open_source(roots, url) as source:
        return source.info, source.read_window(source.info.window)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a.zarr", True), ("a.ZARR/", True), ("a.zarr/0/elevation", True), ("https://x.org/a.zarr/0", True),
        ("a.zarr.zip", False), ("zarr", False), ("a.zarr.tif", False), ("https://x.org/a.zarr?b", False),
    ],
)  # fmt: skip
def test_what_is_meant_as_an_array(source: str, expected: bool) -> None:
    assert is_array(source) is expected


@pytest.mark.parametrize(
    "how",
    [
        V3, SHARDED, V2, {**V2, "compressors": Zlib()}, {"compressors": ZstdCodec(checksum=True)},
        {"compressors": BloscCodec()}, {"compressors": GzipCodec()}, {"compressors": None},
        {"chunks": (70, 50)}, {"chunks": (100, 7)},
    ],
    ids=range(10),
)  # fmt: skip
def test_cells_are_those_of_the_array(tmp_path: Path, how: dict[str, Any]) -> None:
    save(tmp_path, **how)
    info, cells = read(TileRoots((tmp_path,)), "a.zarr")
    assert (info.height, info.width, info.encoding.dtype, info.transform) == (70, 50, "int16", None)
    np.testing.assert_array_equal(cells, CELLS)
    chunks = how.get("chunks", V3["chunks"])
    assert (info.block_height, info.block_width) == (min(chunks[0], 70), min(chunks[1], 50))


def test_a_window_is_that_of_the_array(tmp_path: Path) -> None:
    save(tmp_path, **SHARDED)
    with open_source(TileRoots((tmp_path,)), "a.zarr") as source:
        window = Window(row=3, col=15, height=40, width=20)
        np.testing.assert_array_equal(source.read_window(window), CELLS[window.slices])


def test_an_array_in_a_group_and_its_place(tmp_path: Path) -> None:
    zarr.create_group(tmp_path / "a.zarr")
    save(tmp_path / "a.zarr", "deep/b", attributes={**GROUND, "scale_factor": 0.5, "add_offset": 10})
    info, _ = read(TileRoots((tmp_path,)), "a.zarr/deep/b")
    assert info.transform == Affine(*NUMBERS)
    assert info.crs == "EPSG:32632"
    assert (info.encoding.scale, info.encoding.offset) == (0.5, 10)
    with pytest.raises(SourceRefused, match="no array"):
        inspect_source(TileRoots((tmp_path,)), "a.zarr")


def test_rows_from_the_south_are_flipped(tmp_path: Path) -> None:
    ground = {"spatial:transform": [10.0, 0.0, 0.0, 0.0, 10.0, 0.0]}
    save(tmp_path, attributes=ground)
    info, cells = read(TileRoots((tmp_path,)), "a.zarr")
    assert info.transform == Affine(10, 0, 0, 0, -10, 700)
    np.testing.assert_array_equal(cells, CELLS[::-1])


@pytest.mark.parametrize(
    ("how", "nodata"),
    [
        ({}, None),
        ({"fill_value": -9999}, -9999),
        ({"attributes": {"_FillValue": 0}}, 0),
        ({"attributes": {"_FillValue": "AAAAAAAA+H8="}}, None),
        ({"attributes": {"_FillValue": 10**6}}, None),
    ],
)
def test_nodata_is_what_the_array_says(tmp_path: Path, how: dict[str, Any], nodata: int | None) -> None:
    save(tmp_path, **how)
    assert inspect_source(TileRoots((tmp_path,)), "a.zarr").encoding.nodata == nodata


def test_chunks_that_are_not_there_are_the_fill_value(tmp_path: Path) -> None:
    path = save(tmp_path, fill_value=-9999)
    (path / "c" / "0" / "0").unlink()
    _, cells = read(TileRoots((tmp_path,)), "a.zarr")
    assert (cells[:16, :16] == -9999).all()


@pytest.fixture
def remote(tmp_path: Path) -> RemoteAccess:
    policy = RemotePolicy(cache=tmp_path / "cache", hosts=("*:*",), networks=(ip_network("127.0.0.1/32"),))
    return RemoteAccess(policy)


def publish(site: WebServer, path: Path) -> str:
    for each in path.rglob("*"):
        if each.is_file():
            site.put(f"{path.name}/{each.relative_to(path)}", each.read_bytes())
    return site.url(path.name)


@pytest.mark.parametrize("how", [V3, SHARDED, V2], ids=["chunks", "shards", "version 2"])
def test_one_elsewhere_is_the_same(tmp_path: Path, remote: RemoteAccess, how: dict[str, Any]) -> None:
    path = save(tmp_path, attributes=GROUND, **how)
    here, _ = read(TileRoots((tmp_path,)), "a.zarr")
    with web_server() as site:
        url = publish(site, path)
        roots = TileRoots((tmp_path,), remote)
        for _ in range(2):
            info, cells = read(roots, url)
            assert (info.encoding, info.transform, info.crs) == (here.encoding, here.transform, here.crs)
            np.testing.assert_array_equal(cells, CELLS)
        assert site.sent_bytes <= 1.1 * sum(map(len, site.files.values()))
    remote.close()


def test_a_change_elsewhere_is_noticed(tmp_path: Path, remote: RemoteAccess) -> None:
    with web_server() as site:
        url = publish(site, save(tmp_path))
        roots = TileRoots((tmp_path,), remote)
        identity = read(roots, url)[0].identity
        publish(site, save(tmp_path, cells=CELLS + 1, overwrite=True, attributes={"new": 1}))
        remote.close()
        with pytest.raises(SourceChanged):
            remote.sources.confirm(url, identity)
        _, cells = read(roots, url)
        np.testing.assert_array_equal(cells, CELLS + 1)
    remote.close()


def test_a_change_here_is_noticed(tmp_path: Path) -> None:
    save(tmp_path)
    roots = TileRoots((tmp_path,))
    identity = inspect_source(roots, "a.zarr").identity
    with open_registered(roots, "a.zarr", identity, CELLS.shape):
        pass
    save(tmp_path, overwrite=True, attributes={"new": 1})
    with pytest.raises(SourceChanged), open_registered(roots, "a.zarr", identity, CELLS.shape):
        pass


def metadata(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """Spoils the metadata."""

    def spoil(path: Path) -> None:
        document = json.loads((path / "zarr.json").read_text())
        change(document)
        (path / "zarr.json").write_text(json.dumps(document))

    return spoil


def chunks(side: int) -> dict[str, Any]:
    return {"chunk_shape": [side, side]}


def chunk(data: bytes) -> Callable[[Path], object]:
    """Spoils a chunk."""
    return lambda path: (path / "c" / "0" / "0").write_bytes(data)


HOSTILE: dict[str, Callable[[Path], object]] = {
    "no JSON": lambda path: (path / "zarr.json").write_text("{"),
    "deep JSON": lambda path: (path / "zarr.json").write_text("[" * 10**5),
    "a list": lambda path: (path / "zarr.json").write_text("[]"),
    "nothing": lambda path: (path / "zarr.json").write_text("{}"),
    "huge": lambda path: (path / "zarr.json").write_text(" " * (2**20 + 1)),
    "gone": lambda path: (path / "zarr.json").unlink(),
    "three dimensions": metadata(lambda found: found.update(shape=[70, 50, 1])),
    "no cells": metadata(lambda found: found.update(shape=[0, 50])),
    "too many cells": metadata(lambda found: found.update(shape=[2**40, 50])),
    "huge chunks": metadata(
        lambda found: found["chunk_grid"]["configuration"].update(chunk_shape=[2**20] * 2)
    ),
    "no chunks": metadata(lambda found: found["chunk_grid"]["configuration"].update(chunk_shape=[0, 0])),
    "other grid": metadata(lambda found: found.update(chunk_grid={"name": "x"})),
    "64 bits": metadata(lambda found: found.update(data_type="int64")),
    "another dtype": metadata(lambda found: found.update(data_type="nonsense")),
    "another codec": metadata(lambda found: found["codecs"].append({"name": "numcodecs.pickle"})),
    "inner codec": metadata(
        lambda found: found.update(
            codecs=[{"name": "sharding_indexed", "configuration": {"codecs": [{"name": "evil"}]}}]
        )
    ),
    "codecs": metadata(lambda found: found.update(codecs=7)),
    "keys": metadata(
        lambda found: found.update(
            chunk_key_encoding={"name": "default", "configuration": {"separator": "../"}}
        )
    ),
    "place": metadata(lambda found: found.update(attributes={"spatial:transform": [1, 2]})),
    "rotation": metadata(lambda found: found.update(attributes={"spatial:transform": [1, 1, 0, 1, -1, 0]})),
    "CRS": metadata(lambda found: found.update(attributes={"proj:code": "EPSG:0"})),
    "scale": metadata(lambda found: found.update(attributes={"scale_factor": 0})),
    "damage": chunk(b"\x00" * 100),
    "empty": chunk(b""),
    "another length": chunk(b"\x28\xb5\x2f\xfd"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_wrong_is_told(tmp_path: Path, name: str) -> None:
    HOSTILE[name](save(tmp_path))
    with pytest.raises(SourceError) as told:
        read(TileRoots((tmp_path,)), "a.zarr")
    assert type(told.value) in {SourceNotFound, SourceRefused, SourceUnreadable}
    assert told.value.source == "a.zarr"


def test_pickles_are_not_loaded(tmp_path: Path) -> None:
    save(tmp_path, **{**V2, "compressors": Zlib(), "filters": None})
    document = json.loads((tmp_path / "a.zarr" / ".zarray").read_text())
    document["filters"] = [Pickle().get_config()]
    (tmp_path / "a.zarr" / ".zarray").write_text(json.dumps(document))
    with pytest.raises(SourceRefused, match="pickle"):
        read(TileRoots((tmp_path,)), "a.zarr")


@pytest.mark.parametrize("linked", ["c/0/0", "c/0", "zarr.json"])
def test_links_out_of_the_root_are_not_followed(tmp_path: Path, linked: str) -> None:
    path = save(tmp_path / "root") / linked
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(SourceError):
        read(TileRoots((tmp_path / "root",)), "a.zarr")


KEYS = ["", "../b.txt", "c/../../b.txt", "c//0", "c/0?a", "c/0#a", "c/%2e%2e/b.txt", "c\\0", "c/0\0"]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("is_far", [False, True], ids=["here", "elsewhere"])
def test_only_objects_of_the_array_are_opened(
    tmp_path: Path, remote: RemoteAccess, is_far: bool, key: str
) -> None:
    """Whoever decodes an array names its objects."""
    path = save(tmp_path)
    (tmp_path / "b.txt").write_text("secret")
    with web_server() as site:
        far = RemoteFolder(remote.sources, publish(site, path), None)
        folder = far if is_far else LocalFolder(TileRoots((tmp_path,)), "a.zarr")
        before = len(site.asked)
        with Giver(folder) as giver:
            for words in ({"size": key}, {"bytes": [key, 0, 1]}):
                with pytest.raises(SourceRefused, match="no Zarr array has"):
                    giver.give(words)
        assert len(site.asked) == before
    remote.close()
