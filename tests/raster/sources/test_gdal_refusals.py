"""Tiles in GDAL's formats: what is refused, with the reason, and what damage and bombs cost."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from raster.errors import SourceError, SourceRefused, SourceUnreadable
from raster.grid import Window
from raster.sources.gdal import CELLS_PER_BYTE, LARGEST_BLOCK_BYTES, UNQUESTIONED_CELLS, open_gdal
from raster.sources.opening import open_source
from raster.sources.ranges import Buffer, MemoryRanges, SourceIdentity
from raster.sources.roots import TileRoots
from source_files import PLACED, in_memory, ramp, read_all, save_raster


def refusal(path: Path) -> str:
    with pytest.raises(SourceRefused) as refused:
        read_all(path)
    assert refused.value.source == path.name
    return refused.value.reason


def test_several_bands_are_refused(tmp_path: Path) -> None:
    assert "it has 3 bands" in refusal(save_raster(tmp_path / "a.tif", np.zeros((3, 4, 5), np.uint8)))
    assert "it has 2 bands" in refusal(save_raster(tmp_path / "a.png", np.zeros((2, 4, 5), np.uint8), "PNG"))


@pytest.mark.parametrize("dtype", ["int64", "uint64", "complex64", "complex128"])
def test_dtypes_without_order_or_exact_floats_are_refused(tmp_path: Path, dtype: str) -> None:
    assert f"its dtype is {dtype}" in refusal(save_raster(tmp_path / "a.tif", np.zeros((4, 5), dtype)))


def test_complex_integers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with rasterio.open(path, "w", driver="GTiff", height=2, width=2, count=1, dtype="complex_int16"):
        pass
    assert "complex_int16" in refusal(path)


@pytest.mark.parametrize("driver", ["GTiff", "PNG"])
def test_a_palette_is_refused(tmp_path: Path, driver: str) -> None:
    path = tmp_path / ("a.tif" if driver == "GTiff" else "a.png")
    with rasterio.open(path, "w", driver="GTiff", height=2, width=2, count=1, dtype="uint8") as raster:
        raster.write(np.zeros((1, 2, 2), np.uint8))
        raster.write_colormap(1, {0: (255, 0, 0, 255)})
    if driver == "PNG":
        path.write_bytes(png(2, 2, bits=8, colour=3, extra=chunk(b"PLTE", bytes(6))))
    assert "palette" in refusal(path)


@pytest.mark.parametrize(
    ("transform", "reason"),
    [
        (Affine(10, 3, 0, 3, -10, 0), "rotated or sheared"),
        (Affine(0, 10, 0, 10, 0, 0), "rotated or sheared"),
        (Affine(-10, 0, 0, 0, -10, 0), "do not run to the right"),
        (Affine(10, 0, float("nan"), 0, -10, 0), "finite"),
        (Affine(1e308, 0, 0, 0, -1, 0), "finite"),
    ],
)
def test_transforms_that_make_no_grid_are_refused(tmp_path: Path, transform: Affine, reason: str) -> None:
    assert reason in refusal(save_raster(tmp_path / "a.tif", ramp(4, 5), transform=transform))


@pytest.mark.parametrize(("scale", "offset"), [(0.0, 1.0), (float("nan"), 0.0), (1.0, float("inf"))])
def test_a_scale_that_gives_no_heights_is_refused(tmp_path: Path, scale: float, offset: float) -> None:
    path = save_raster(tmp_path / "a.tif", ramp(4, 5), scale=scale, offset=offset)
    assert "give no heights" in refusal(path)


def test_a_crs_around_the_centre_of_the_earth_is_refused(tmp_path: Path) -> None:
    path = save_raster(tmp_path / "a.tif", ramp(4, 5), crs="EPSG:4978", transform=PLACED["transform"])
    assert "its CRS cannot be understood" in refusal(path)


def test_cells_hidden_by_a_mask_are_not_taken_for_heights(tmp_path: Path) -> None:
    path = save_raster(tmp_path / "a.tif", ramp(4, 5))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as raster:
        raster.write_mask(ramp(4, 5) > 3)
    assert "mask" in refusal(path)


def test_a_huge_block_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    side = 16 * 724  # of 2 bytes a cell, twice what is taken
    path = sparse(tmp_path / "a.tif", side, side)
    assert side * side * 2 > LARGEST_BLOCK_BYTES
    assert f"blocks of {side} x {side} cells decodes to {side * side * 2} bytes" in refusal(path)


def test_a_png_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(20_000, 20_000, bits=8, rows=100))
    assert "20000 x 20000 cells decodes to 400000000 bytes" in refusal(tmp_path / "a.png")


def sparse(path: Path, side: int, block: int, dtype: str = "int16") -> Path:
    """A GeoTIFF without a single block."""
    with rasterio.open(
        path, "w", driver="GTiff", height=side, width=side, count=1, dtype=dtype, sparse_ok=True,
        tiled=True, blockxsize=block, blockysize=block,
    ):  # fmt: skip
        pass
    return path


@pytest.mark.parametrize("block", [8192, 512])
def test_ten_billion_cells_in_next_to_no_bytes_are_refused(tmp_path: Path, block: int) -> None:
    path = sparse(tmp_path / "a.tif", 10**5, block, "uint8")
    assert path.stat().st_size < 10**6
    with pytest.raises(SourceRefused) as refused, open_source(TileRoots((tmp_path,)), "a.tif"):
        pass  # its cells are not asked for: to open it is too much
    assert f"promises 100000 x 100000 cells in {path.stat().st_size} bytes" in refused.value.reason
    assert "leave out those without data" in refused.value.reason


def test_ten_billion_cells_are_taken_when_there_are_bytes_for_them(tmp_path: Path) -> None:
    path = sparse(tmp_path / "a.tif", 10**5, 512)
    with path.open("ab") as file:
        file.truncate(10**10 // CELLS_PER_BYTE + 1)
    with open_source(TileRoots((tmp_path,)), "a.tif") as source:
        assert (source.info.height, source.info.width) == (10**5, 10**5)


def test_a_sparse_file_of_moderate_size_is_read_by_windows(tmp_path: Path) -> None:
    sparse(tmp_path / "a.tif", 2**14, 512)
    with open_source(TileRoots((tmp_path,)), "a.tif") as source:
        assert source.info.window.cell_count == UNQUESTIONED_CELLS
        window = next(iter(source.info.windows()))
        assert window.cell_count <= 2**22
        assert not source.read_window(window).any()
        assert not source.read_window(Window(row=2**14 - 1, col=2**14 - 1, height=1, width=1)).any()


@pytest.mark.parametrize(
    "sides", [(10, 2**31 - 1), (2**31 - 1, 10), (10**6, 10**6), (10**20, 3), (10, -5), (0, 0)]
)
def test_an_esri_ascii_file_shorter_than_its_header_says_is_unreadable(
    tmp_path: Path, sides: tuple[int, int]
) -> None:
    path = tmp_path / "a.asc"
    path.write_text(f"ncols {sides[0]}\nnrows {sides[1]}\nxllcorner 0\nyllcorner 0\ncellsize 1\n1 2 3\n")
    with pytest.raises(SourceUnreadable), open_source(TileRoots((tmp_path,)), "a.asc"):
        pass  # GDAL would look for every cell that is missing


def test_an_esri_ascii_file_that_ends_too_soon_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.asc").write_text("ncols 3\nnrows 4\nxllcorner 0\nyllcorner 0\ncellsize 1\n1 2 3\n4 5 6\n")
    with pytest.raises(SourceUnreadable):
        read_all(tmp_path / "a.asc")


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.asc", "N47E007.hgt", "a.tiff"])
@pytest.mark.parametrize("data", [b"", b"II*\0", b"<html>404</html>", bytes(60_001), b"ncols 3\n"])
def test_what_is_not_in_the_format_of_its_name_is_unreadable(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceUnreadable, match=f"^{name}: damaged, or not in the format its name says$"):
        read_all(tmp_path / name)


def test_an_srtm_tile_whose_name_does_not_say_where_it_lies_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "somewhere.hgt").write_bytes(bytes(2 * 1201 * 1201))
    with pytest.raises(SourceUnreadable):
        read_all(tmp_path / "somewhere.hgt")


@pytest.mark.parametrize("layout", [{}, {"compress": "deflate"}, {"tiled": True, "compress": "zstd"}])
def test_a_truncated_geotiff_is_unreadable(tmp_path: Path, layout: dict[str, Any]) -> None:
    noise = np.random.default_rng(0).integers(0, 9000, (300, 300)).astype(np.int16)
    path = save_raster(tmp_path / "a.tif", noise, **layout)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(SourceUnreadable):
        read_all(path)


@pytest.mark.parametrize("driver", ["GTiff", "PNG"])
def test_flipped_bits_in_compressed_cells_are_unreadable(tmp_path: Path, driver: str) -> None:
    noise = np.random.default_rng(0).integers(0, 9000, (300, 300)).astype(np.uint16)
    path = tmp_path / ("a.tif" if driver == "GTiff" else "a.png")
    save_raster(path, noise, driver, **({"compress": "deflate"} if driver == "GTiff" else {}))
    data = bytearray(path.read_bytes())
    for position in range(len(data) // 2, len(data) // 2 + 40):
        data[position] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(SourceUnreadable):
        read_all(path)


@pytest.fixture(scope="module")
def geotiff(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("fuzz") / "a.tif"
    return save_raster(path, ramp(40, 50), compress="deflate", nodata=-9999, **PLACED).read_bytes()


@pytest.mark.filterwarnings("ignore")  # of Python and of GDAL, about words in metadata
@settings(max_examples=200)
@given(damages=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=3))
def test_damage_anywhere_in_a_geotiff_is_told_as_an_error_of_the_source(
    geotiff: bytes, damages: list[tuple[int, int]]
) -> None:
    data = bytearray(geotiff)
    for position, byte in damages:
        data[position % len(data)] = byte
    try:
        with open_gdal(in_memory("a.tif", bytes(data)), "GTiff") as source:
            for window, _ in zip(source.info.windows(), range(3), strict=False):
                source.read_window(window)
    except SourceError:
        pass


def test_errors_that_rasterio_has_no_name_for_are_errors_of_the_source(geotiff: bytes) -> None:
    # without the tags of its CRS's words and of its cell size
    damaged = _renamed(_renamed(geotiff, 34737), 33550)
    with pytest.raises(SourceUnreadable), open_gdal(in_memory("a.tif", damaged), "GTiff"):
        pass


def test_words_that_are_no_text_are_errors_of_the_source(geotiff: bytes) -> None:
    model = geotiff.index(struct.pack("<HHH", 1024, 0, 1))
    damaged = bytearray(geotiff.replace(b"WGS 84 / UTM", b"WGS\xa684 / UTM"))
    damaged[model + 6] = 0
    with pytest.raises(SourceUnreadable), open_gdal(in_memory("a.tif", bytes(damaged)), "GTiff"):
        pass


class FailingRanges(MemoryRanges):
    """A disk that reads a few times and then no more, or fails once."""

    def __init__(self, data: bytes, reads: int, *, once: bool = False) -> None:
        super().__init__("a.tif", "a.tif", data, SourceIdentity(size=len(data)))
        self.reads = reads
        self.once = once

    def read_into(self, start: int, buffer: Buffer) -> int:
        self.reads -= 1
        if self.reads == -1 or (self.reads < 0 and not self.once):
            raise SourceUnreadable("a.tif", "the disk fails")
        return super().read_into(start, buffer)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[rasterio.DatasetReader]:
    """Whatever was opened: what stays open crashes the process when it ends."""
    rasters: list[rasterio.DatasetReader] = []
    real = rasterio.open

    def watched(*args: Any, **kwargs: Any) -> rasterio.DatasetReader:
        rasters.append(real(*args, **kwargs))
        return rasters[-1]

    monkeypatch.setattr(rasterio, "open", watched)
    return rasters


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")  # what GDAL makes of it
@pytest.mark.parametrize("once", [False, True])
def test_a_disk_that_fails_is_told_whenever_it_fails(
    geotiff: bytes, opened: list[rasterio.DatasetReader], once: bool
) -> None:
    healthy = FailingRanges(geotiff, 1000)
    with open_gdal(healthy, "GTiff") as source:
        source.read_window(source.info.window)
    needed = 1000 - healthy.reads
    assert needed > 2
    for reads in range(needed):
        with (
            pytest.raises(SourceUnreadable, match="the disk fails"),
            open_gdal(FailingRanges(geotiff, reads, once=once), "GTiff") as source,
        ):
            source.read_window(source.info.window)
    assert len(opened) > 2
    assert all(raster.closed for raster in opened)


def _renamed(data: bytes, tag: int) -> bytes:
    """A little-endian TIFF whose tag is another one, which nobody knows."""
    position = data.index(struct.pack("<H", tag))
    return data[:position] + struct.pack("<H", tag + 1) + data[position + 2 :]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, *, bits: int, rows: int | None = None, colour: int = 0, extra: bytes = b""
) -> bytes:
    """A PNG of zeros, with fewer rows than it says if asked for."""
    row = bytes(1 + width * bits // 8)
    cells = zlib.compress(row * (height if rows is None else rows))
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", cells) + chunk(b"IEND", b"")
