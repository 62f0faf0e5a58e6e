"""Contents of foreign sources that are made to hurt whoever decodes them."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from numpy.lib.format import write_array_header_1_0
from rasterio.io import MemoryFile

from foreign import npy, reason_of, register
from installations import Installation
from memory import watched_memory
from rest import AppClient
from web_server import WebServer, web_server

MB = 2**20


@pytest.fixture
def canary() -> Iterator[WebServer]:
    """Nobody may come by, though it would be allowed."""
    with web_server() as canary:
        canary.put("a.tif", geotiff(np.full((4, 4), 4242, np.int16)))
        yield canary


@pytest.fixture
def timeout_s() -> int:
    return 20  # it is not time that ends them


def geotiff(cells: np.ndarray, **options: Any) -> bytes:
    with MemoryFile() as file:
        profile = {"height": cells.shape[0], "width": cells.shape[1], "count": 1, "dtype": cells.dtype}
        ground = {"transform": Affine(10, 0, 5e5, 0, -10, 5e6), "crs": "EPSG:32632"}
        with file.open(driver="GTiff", **profile, **ground, **options) as raster:
            raster.write(cells, 1)
        return bytes(file.getbuffer())


def promising_npy() -> bytes:
    """A header of 80 GB of cells."""
    file = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**5, 10**5)}
    write_array_header_1_0(file, header)
    return file.getvalue() + bytes(1000)


def one_block() -> bytes:
    """A GeoTIFF of some bytes whose only block decodes to 256 MB."""
    side = 2**14
    with MemoryFile() as file:
        profile = {"height": side, "width": side, "count": 1, "dtype": "uint8", "tiled": True}
        with file.open(
            driver="GTiff", **profile, blockxsize=side, blockysize=side, compress="zstd"
        ) as raster:
            raster.write(np.zeros((1, side, side), np.uint8))
        return bytes(file.getbuffer())


def sparse() -> bytes:
    """A GeoTIFF of 10^10 cells and hardly a byte."""
    with MemoryFile() as file:
        with file.open(
            driver="GTiff", height=100_000, width=100_000, count=1, dtype="uint8", tiled=True, SPARSE_OK=True
        ):
            pass
        return bytes(file.getbuffer())


def packed_hgt() -> bytes:
    """An archive whose member unpacks to 128 MB."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("N46E007.hgt", bytes(128 * MB))
    return file.getvalue()


def lying_hgt() -> bytes:
    """The same, but its directory says that it is small."""
    data, size = bytearray(packed_hgt()), struct.pack("<I", 128 * MB)
    small = struct.pack("<I", 1201 * 1201 * 2)
    return bytes(data.replace(size, small))


def grid_of_nothing() -> bytes:
    """An ESRI grid of 10^9 cells in some bytes."""
    return b"ncols 32000\nnrows 32000\nxllcorner 0\nyllcorner 0\ncellsize 1\n1 2\n"


BOMBS: dict[str, Callable[[], bytes]] = {
    "a.npy": promising_npy,
    "b.tif": one_block,
    "c.tif": sparse,
    "d.zip": packed_hgt,
    "e.zip": lying_hgt,
    "f.asc": grid_of_nothing,
    "g.npz": lambda: b"PK\x03\x04",
}


def test_row_42_what_unpacks_to_more_than_is_reasonable_is_refused(
    client: AppClient, site: WebServer
) -> None:
    urls = [site.put(name, make()) for name, make in BOMBS.items()]
    with watched_memory() as growth:
        answers = [register(client, url) for url in urls]
    for answer in answers:
        assert reason_of(answer)[0] in {"source-refused", "source-unreadable"}
    assert growth.peak < 64 * MB


VRT = """<VRTDataset rasterXSize="4" rasterYSize="4"><GeoTransform>500000,10,0,5000000,0,-10</GeoTransform>
<VRTRasterBand dataType="Int16" band="1"><SimpleSource>
<SourceFilename relativeToVRT="0">{}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>
</VRTDataset>"""
RAW = """<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="Int16" band="1"
subClass="VRTRawRasterBand"><SourceFilename relativetoVRT="0">{}</SourceFilename><ImageOffset>0</ImageOffset>
<PixelOffset>2</PixelOffset><LineOffset>8</LineOffset></VRTRasterBand></VRTDataset>"""
WMS = """<GDAL_WMS><Service name="TMS"><ServerUrl>{}</ServerUrl></Service><DataWindow><SizeX>4</SizeX>
<SizeY>4</SizeY></DataWindow><BandsCount>1</BandsCount></GDAL_WMS>"""


class Touching:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)


def test_row_43_nothing_else_is_opened_whatever_a_source_says(
    client: AppClient, site: WebServer, canary: WebServer, installation: Installation
) -> None:
    secret, touched = installation.tiles / "secret.tif", installation.folder / "touched"
    secret.write_bytes(canary.files["/a.tif"])
    pickled = pickle.dumps(Touching(touched))
    head = npy(np.ones((1, 1), object))
    texts = [
        VRT.format(secret), VRT.format(f"/vsicurl/{canary.url('a.tif')}"), RAW.format(secret),
        RAW.format(f"/vsicurl/{canary.url('a.tif')}"), WMS.format(canary.url("${z}/${x}/${y}.tif")),
        str(secret), canary.url("a.tif"), f"GTIFF_DIR:1:{secret}",
    ]  # fmt: skip
    files = {
        f"{at}.{suffix}": text.encode() for at, text in enumerate(texts) for suffix in ("tif", "asc", "png")
    }
    files |= {"p.npy": pickled, "q.npy": head, "r.npy": head[: head.index(b"\n") + 1] + pickled}
    urls = [site.put(name, data) for name, data in files.items()]
    answer = register(client, *urls)
    assert answer.status_code == 422
    assert {error["type"] for error in answer.json()["errors"]} <= {
        "/problems/source-unreadable",
        "/problems/source-refused",
    }
    assert len(answer.json()["errors"]) == len(urls)
    assert "4242" not in answer.text
    assert not touched.exists()
    assert canary.asked == []


def test_row_43_files_beside_a_source_are_not_asked_for(
    client: AppClient, site: WebServer, canary: WebServer
) -> None:
    vrt = VRT.format(f"/vsicurl/{canary.url('a.tif')}").encode()
    for suffix in (".ovr", ".msk", ".aux.xml"):
        site.put(f"a.tif{suffix}", vrt)
    site.put("a.tfw", b"1\n0\n0\n-1\n0\n0\n")
    cells = np.arange(16, dtype=np.int16).reshape(4, 4)
    tiles = [{"url": site.put("a.tif", geotiff(cells))}]
    assert client.post("/terrain", json={"name": "alps"}).status_code == 201
    assert client.post("/terrain/alps/tile", json={"tiles": tiles}).status_code == 201
    assert client.get("/terrain/alps/pyramid/max/0").json()["values"] == cells.tolist()
    assert {asked.path for asked in site.asked} == {"/a.tif"}
    assert canary.asked == []
