"""Opening sources: the name decides who reads, and a registered one has to be what it was."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from raster.errors import SourceChanged, SourceError, SourceForbidden, SourceNotFound, SourceRefused
from raster.sources.formats import KNOWN_SUFFIXES, is_known
from raster.sources.npy import NpySource
from raster.sources.opening import inspect_source, open_registered, open_source
from raster.sources.ranges import SourceIdentity
from raster.sources.roots import TileRoots
from source_files import ramp, read_all, save_raster

SHAPE = (3, 4)


@pytest.fixture
def roots(tmp_path: Path) -> TileRoots:
    return TileRoots((tmp_path,))


def save(path: Path, cells: np.ndarray, mtime_ns: int = 1) -> SourceIdentity:
    """A .npy file of a known time: two that follow each other quickly may have the same one."""
    np.save(path, cells)
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return SourceIdentity(size=path.stat().st_size, mtime_ns=mtime_ns)


@pytest.mark.parametrize("name", ["a.npy", "A.NPY", "a.tif", "A.TIF", "a.Tiff", "a.png", "A.PNG", "a.b.tif"])
def test_the_suffix_decides_in_upper_and_lower_case(tmp_path: Path, name: str) -> None:
    cells = ramp(*SHAPE, "uint16")
    kind = name.lower().rpartition(".")[2]
    if kind == "npy":
        with (tmp_path / name).open("wb") as file:
            np.save(file, cells)
    else:
        save_raster(tmp_path / name, cells, "PNG" if kind == "png" else "GTiff")
    assert is_known(name)
    np.testing.assert_array_equal(read_all(tmp_path / name)[1], cells)


@pytest.mark.parametrize("name", ["N47E007.hgt", "N47E007.HGT", "n47e007.hgt"])
@pytest.mark.parametrize("packed", [False, True])
def test_srtm_tiles_are_known_in_upper_and_lower_case(tmp_path: Path, name: str, *, packed: bool) -> None:
    cells = ramp(1201, 1201).astype(">i2")
    path = tmp_path / (f"{name}.ZIP" if packed else name)
    if packed:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, cells.tobytes())
    else:
        path.write_bytes(cells.tobytes())
    info, found = read_all(path)
    np.testing.assert_array_equal(found, cells)
    assert info.transform is not None
    assert (round(info.transform.c), round(info.transform.f)) == (7, 48)


def test_an_esri_ascii_file_is_known_in_upper_case(tmp_path: Path) -> None:
    (tmp_path / "A.ASC").write_text("ncols 2\nnrows 1\nxllcorner 0\nyllcorner 0\ncellsize 1\n7 8\n")
    assert read_all(tmp_path / "A.ASC")[1].tolist() == [[7, 8]]


@pytest.mark.parametrize(
    "name", ["a.vrt", "a.npz", "a", "tif", "a.tif.ovr", "a.tif.aux.xml", "a.nc", "a.jp2"]
)
def test_other_suffixes_are_refused_whatever_the_content(tmp_path: Path, roots: TileRoots, name: str) -> None:
    save_raster(tmp_path / "a.tif", ramp(*SHAPE)).rename(tmp_path / name)
    assert not is_known(name)
    with pytest.raises(SourceRefused, match="kind is not known; taken are") as refusal:
        inspect_source(roots, name)
    assert all(suffix in refusal.value.reason for suffix in KNOWN_SUFFIXES)


def test_content_of_another_kind_than_the_name_says_is_not_read(tmp_path: Path) -> None:
    save_raster(tmp_path / "a.tif", ramp(*SHAPE, "uint8"))
    np.save(tmp_path / "b.npy", ramp(*SHAPE))
    for source, name in (("a.tif", "c.png"), ("a.tif", "c.npy"), ("b.npy", "c.tif"), ("a.tif", "c.zip")):
        (tmp_path / name).write_bytes((tmp_path / source).read_bytes())
        with pytest.raises(SourceError, match="^" + name):
            read_all(tmp_path / name)


def test_the_name_that_counts_is_that_of_the_file_and_not_of_a_link_to_it(
    tmp_path: Path, roots: TileRoots
) -> None:
    np.save(tmp_path / "a.npy", ramp(*SHAPE))
    (tmp_path / "link.tif").symlink_to(tmp_path / "a.npy")
    with open_source(roots, "link.tif") as source:
        assert isinstance(source, NpySource)


def test_what_cannot_be_found_is_told_by_the_roots(tmp_path: Path, roots: TileRoots) -> None:
    with pytest.raises(SourceNotFound):
        inspect_source(roots, "a.npy")
    with pytest.raises(SourceForbidden):
        inspect_source(roots, "../a.npy")


def test_facts_tell_the_identity(tmp_path: Path, roots: TileRoots) -> None:
    identity = save(tmp_path / "a.npy", ramp(*SHAPE))
    assert inspect_source(roots, "a.npy").identity == identity


def test_a_registered_source_is_read_while_it_is_what_it_was(tmp_path: Path, roots: TileRoots) -> None:
    identity = save(tmp_path / "a.npy", ramp(*SHAPE))
    with open_registered(roots, "a.npy", identity, SHAPE) as source:
        np.testing.assert_array_equal(source.read_window(source.info.window), ramp(*SHAPE))


@pytest.mark.parametrize(
    ("cells", "mtime_ns"),
    [(ramp(*SHAPE, "uint16"), 2), (ramp(*SHAPE, "int32"), 1), (ramp(4, 3), 2), (ramp(30, 40), 1)],
    ids=["later", "longer", "other shape", "other shape and size"],
)
def test_another_content_than_the_registered_one_is_not_opened(
    tmp_path: Path, roots: TileRoots, cells: np.ndarray, mtime_ns: int
) -> None:
    identity = save(tmp_path / "a.npy", ramp(*SHAPE))
    save(tmp_path / "a.npy", cells, mtime_ns)
    with (
        pytest.raises(SourceChanged, match="changed since it was registered"),
        open_registered(roots, "a.npy", identity, SHAPE),
    ):
        pytest.fail("it was opened")


def test_another_shape_of_the_same_size_and_time_is_not_opened(tmp_path: Path, roots: TileRoots) -> None:
    save(tmp_path / "a.npy", ramp(*SHAPE))
    identity = save(tmp_path / "a.npy", ramp(4, 3))
    with pytest.raises(SourceChanged), open_registered(roots, "a.npy", identity, SHAPE):
        pytest.fail("it was opened")


def test_a_changed_source_is_not_even_parsed(tmp_path: Path, roots: TileRoots) -> None:
    identity = save(tmp_path / "a.npy", ramp(*SHAPE))
    (tmp_path / "a.npy").write_bytes(b"something else")
    with pytest.raises(SourceChanged), open_registered(roots, "a.npy", identity, SHAPE):
        pytest.fail("it was opened")


def test_cells_of_a_source_that_is_overwritten_while_it_is_read_are_not_taken(
    tmp_path: Path, roots: TileRoots
) -> None:
    identity = save(tmp_path / "a.npy", ramp(*SHAPE))
    with pytest.raises(SourceChanged), open_registered(roots, "a.npy", identity, SHAPE) as source:
        save(tmp_path / "a.npy", ramp(*SHAPE) + 1, 2)
        source.read_window(source.info.window)


def test_a_source_cut_off_while_it_is_read_is_changed_rather_than_damaged(
    tmp_path: Path, roots: TileRoots
) -> None:
    identity = save(tmp_path / "a.npy", ramp(*SHAPE))
    with pytest.raises(SourceChanged), open_registered(roots, "a.npy", identity, SHAPE) as source:
        os.truncate(tmp_path / "a.npy", 130)
        source.read_window(source.info.window)


def test_a_file_that_is_replaced_while_it_is_read_is_read_to_its_end(
    tmp_path: Path, roots: TileRoots
) -> None:
    identity = save(tmp_path / "a.npy", ramp(*SHAPE))
    save(tmp_path / "b.npy", ramp(*SHAPE) + 1, 2)
    with open_registered(roots, "a.npy", identity, SHAPE) as source:
        (tmp_path / "b.npy").replace(tmp_path / "a.npy")
        np.testing.assert_array_equal(source.read_window(source.info.window), ramp(*SHAPE))
