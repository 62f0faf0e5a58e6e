"""GDAL sees one file: nothing beside it and nothing that its content names."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from opened_files import watch_openings
from raster.errors import SourceUnreadable
from raster.sources.opening import open_source
from raster.sources.roots import TileRoots
from source_files import ramp, read_all, save_raster

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify tells which files are opened")

RAW_VRT = """<VRTDataset rasterXSize="4" rasterYSize="3">
<VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">
<SourceFilename relativeToVRT="0">{target}</SourceFilename><ImageOffset>0</ImageOffset>
<PixelOffset>1</PixelOffset><LineOffset>4</LineOffset></VRTRasterBand></VRTDataset>"""

VRT = """<VRTDataset rasterXSize="4" rasterYSize="3"><VRTRasterBand dataType="Byte" band="1">
<SimpleSource><SourceFilename relativeToVRT="0">{target}</SourceFilename><SourceBand>1</SourceBand>
</SimpleSource></VRTRasterBand></VRTDataset>"""

WMS = """<GDAL_WMS><Service name="TMS"><ServerUrl>file://{target}</ServerUrl></Service><DataWindow>
<UpperLeftX>0</UpperLeftX><UpperLeftY>1</UpperLeftY><LowerRightX>1</LowerRightX>
<LowerRightY>0</LowerRightY><SizeX>4</SizeX><SizeY>3</SizeY></DataWindow><BandsCount>1</BandsCount>
</GDAL_WMS>"""


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that nobody may open, a raster, so that whoever is sent there could read it."""
    folder = tmp_path / "canary"
    folder.mkdir()
    return save_raster(folder / "secret.tif", np.full((3, 4), 77, np.uint8))


def test_the_watch_sees_what_gdal_opens_by_itself(tmp_path: Path, canary: Path) -> None:
    (tmp_path / "a.vrt").write_text(VRT.format(target=canary))
    with watch_openings(canary.parent) as opened, rasterio.open(tmp_path / "a.vrt") as raster:
        assert raster.read(1)[0, 0] == 77
    assert opened == {"secret.tif"}


@pytest.mark.parametrize("content", [RAW_VRT, VRT, WMS], ids=["raw VRT", "VRT", "WMS"])
@pytest.mark.parametrize("name", ["a.tif", "a.tiff", "a.png", "a.asc", "N47E007.hgt"])
def test_content_that_names_other_files_is_unreadable_and_they_are_not_opened(
    tmp_path: Path, canary: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content.format(target=canary))
    with watch_openings(canary.parent) as opened, pytest.raises(SourceUnreadable):
        read_all(tmp_path / name)
    assert not opened


@pytest.mark.parametrize("kind", ["tif", "png", "asc", "hgt"])
def test_nothing_beside_the_file_is_opened_or_heeded(tmp_path: Path, canary: Path, kind: str) -> None:
    folder = tmp_path / "tiles"
    folder.mkdir()
    path = _tile(folder, kind)
    alone, cells = read_all(path)
    _surround(path, canary)
    with watch_openings(folder) as opened, watch_openings(canary.parent) as opened_elsewhere:
        surrounded, found = read_all(path)
    assert opened == {path.name}
    assert not opened_elsewhere
    np.testing.assert_array_equal(found, cells)
    assert surrounded == alone


def _tile(folder: Path, kind: str) -> Path:
    """A tile of at least 512 cells a side, so that GDAL would look for overviews."""
    if kind == "asc":
        path = folder / "a.asc"
        path.write_text("ncols 4\nnrows 3\nxllcorner 0\nyllcorner 0\ncellsize 1\n" + "7 8 9 1\n" * 3)
        return path
    if kind == "hgt":
        path = folder / "N47E007.hgt"
        path.write_bytes(bytes(2 * 1201 * 1201))
        return path
    return save_raster(folder / f"a.{kind}", ramp(600, 700, "uint16"), "PNG" if kind == "png" else "GTiff")


def _surround(path: Path, canary: Path) -> None:
    """Everything that GDAL looks for beside a raster, each telling something else."""
    stem = path.with_suffix("")
    for suffix in (".ovr", ".msk", ".aux"):
        Path(f"{path}{suffix}").write_text(VRT.format(target=canary))
    Path(f"{path}.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:32633</SRS><GeoTransform>7,1,0,9,0,-1</GeoTransform>"
        '<PAMRasterBand band="1"><NoDataValue>8</NoDataValue><Scale>3</Scale></PAMRasterBand></PAMDataset>'
    )
    shutil.copy(f"{path}.aux.xml", f"{stem}.aux.xml")
    for suffix in (".tfw", ".tifw", ".wld", ".pgw", ".pngw", ".ascw", ".hgtw"):
        Path(f"{stem}{suffix}").write_text("2\n0\n0\n-2\n100\n200\n")
    Path(f"{stem}.prj").write_text("PROJCS[]")
    for suffix in (".tab", ".rpb", ".imd", "_rpc.txt", ".pvl", ".hdr", ".clr"):
        Path(f"{stem}{suffix}").write_text("x")


def test_sidecars_would_be_heeded_by_gdal_alone(tmp_path: Path, canary: Path) -> None:
    path = _tile(tmp_path, "tif")
    _surround(path, canary)
    with rasterio.open(path) as raster:
        assert raster.transform != Affine.identity()
        assert raster.nodata == 8


@dataclass
class Opener:
    """What GDAL asked its opener for, and what it got."""

    asked: list[Path] = field(default_factory=list)
    got: list[Path] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        # rasterio tries an opener out with a name of its own
        return {path.name for path in self.asked} - {"test"}


@pytest.fixture
def opener(monkeypatch: pytest.MonkeyPatch) -> Opener:
    seen = Opener()
    real = rasterio.open

    def watched(path: str, *mode: str, **options: Any) -> rasterio.DatasetReader:
        if "opener" not in options:
            return real(path, *mode, **options)
        inner = options["opener"]

        def open_file(asked: str, mode: str = "rb") -> object:
            seen.asked.append(Path(asked))
            file = inner(asked, mode)
            seen.got.append(Path(asked))
            return file

        return real(path, **{**options, "opener": open_file})

    monkeypatch.setattr(rasterio, "open", watched)
    return seen


NAMES = {
    "tif": {"a.tif"},
    "png": {"a.png"},
    # these drivers ask for what stands beside the file whatever the options say
    "asc": {"a.asc", "a.prj", "a.PRJ"},
    "hgt": {"N47E007.hgt", "N47E007.hgt.msk", "N47E007.hgt.MSK"},
}


@pytest.mark.parametrize("kind", NAMES)
def test_gdal_asks_for_hardly_more_than_the_file_and_gets_only_that(
    tmp_path: Path, opener: Opener, kind: str
) -> None:
    path = _tile(tmp_path, kind)
    opener.asked.clear()
    opener.got.clear()
    read_all(path)
    assert opener.names == NAMES[kind]
    assert {got.name for got in opener.got} == {path.name}


def test_two_openings_of_a_name_ask_in_folders_of_their_own(tmp_path: Path, opener: Opener) -> None:
    # rasterio looks openers up by folder
    path = _tile(tmp_path, "asc")
    opener.got.clear()
    read_all(path)
    (first,) = {got.parent for got in opener.got}
    read_all(path)
    assert len({first, *(got.parent for got in opener.got)}) == 2


@pytest.mark.parametrize(
    "name",
    ["a b.tif", "a#1.tif", "a?x=1.tif", "é.tif", "zip+x.tif", "a%20b.tif", "a\\b.tif", "a!b.tif",
     "GTIFF_DIR:1:a.tif", 'a"b.tif', "-x.tif", "a,b=c.tif", "a[1].tif", ".tif", "vrt:a.tif"],
)  # fmt: skip
def test_a_name_is_only_a_name_whatever_it_would_mean_to_gdal(tmp_path: Path, name: str) -> None:
    cells = ramp(3, 4)
    save_raster(tmp_path / "plain.tif", cells).rename(tmp_path / name)
    np.testing.assert_array_equal(read_all(tmp_path / name)[1], cells)


def test_two_files_of_one_name_can_be_open_at_once(tmp_path: Path) -> None:
    for folder, value in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        save_raster(tmp_path / folder / "a.tif", np.full((3, 4), value, np.uint8))
    roots = TileRoots((tmp_path,))
    with open_source(roots, "one/a.tif") as one, open_source(roots, "two/a.tif") as two:
        assert (one.read_window(one.info.window) == 1).all()
        assert (two.read_window(two.info.window) == 2).all()
