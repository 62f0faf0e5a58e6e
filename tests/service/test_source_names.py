"""Names on the command line as sources."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import pytest

from raster.errors import SourceForbidden, SourceNotFound
from raster.sources.roots import TileRoots
from service.source_names import expand_sources

FILES = ("b.tif", "a.tif", "c.npy", "notes.txt", "deep/d.hgt", "deep/deeper/e.asc")


@pytest.fixture
def roots(tmp_path: Path) -> TileRoots:
    """Two tile roots; `first` has the files."""
    for name in FILES:
        file = tmp_path / "first" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "second").mkdir()
    (tmp_path / "elsewhere").mkdir()
    return TileRoots((tmp_path / "first", tmp_path / "second"))


def test_names_keep_their_order(roots: TileRoots) -> None:
    assert expand_sources(roots, ["b.tif", "a.tif"]) == ["b.tif", "a.tif"]


def test_patterns_are_sorted_and_match_whatever_they_name(roots: TileRoots) -> None:
    assert expand_sources(roots, ["*.tif"]) == ["a.tif", "b.tif"]
    assert expand_sources(roots, ["**/*.[ah][sg][ct]"]) == ["deep/d.hgt", "deep/deeper/e.asc"]
    assert expand_sources(roots, ["n*"]) == ["notes.txt"]


def test_many_files_are_sorted_whatever_the_order_on_the_disk(roots: TileRoots) -> None:
    names = [f"many/{index:02}.tif" for index in range(40)]
    (roots.folders[0] / "many").mkdir()
    for name in names[::3] + names[1::3] + names[2::3]:
        (roots.folders[0] / name).touch()
    assert expand_sources(roots, ["many/*.tif"]) == expand_sources(roots, ["many"]) == names


def test_a_folder_gives_its_files_of_known_kinds_sorted_and_all_the_way_down(roots: TileRoots) -> None:
    assert expand_sources(roots, ["deep"]) == ["deep/d.hgt", "deep/deeper/e.asc"]
    with chdir(roots.folders[0]):
        assert expand_sources(roots, ["."]) == ["a.tif", "b.tif", "c.npy", "deep/d.hgt", "deep/deeper/e.asc"]


def test_a_file_that_several_names_give_comes_once(roots: TileRoots) -> None:
    assert expand_sources(roots, ["b.tif", "*.tif"]) == ["b.tif", "a.tif"]


def test_absolute_names_and_patterns_are_found_from_anywhere(roots: TileRoots) -> None:
    first = roots.folders[0]
    assert expand_sources(roots, [str(first / "a.tif"), str(first / "*.npy")]) == ["a.tif", "c.npy"]
    assert expand_sources(roots, [str(first / "deep")]) == ["deep/d.hgt", "deep/deeper/e.asc"]


def test_the_current_folder_comes_before_the_roots(roots: TileRoots) -> None:
    (roots.folders[1] / "a.tif").touch()
    with chdir(roots.folders[1]):
        assert expand_sources(roots, ["a.tif"]) == [str(roots.folders[1] / "a.tif")]


def test_the_second_root_is_sought_when_the_first_has_nothing(roots: TileRoots) -> None:
    (roots.folders[1] / "z.tif").touch()
    assert expand_sources(roots, ["z.tif"]) == ["z.tif"]


@pytest.mark.parametrize("name", ["x.tif", "*.png", "", "a**b", "\x00", "nowhere/*.tif"])
def test_a_name_that_gives_nothing_is_told_with_where_was_looked(roots: TileRoots, name: str) -> None:
    with pytest.raises(SourceNotFound) as missing:
        expand_sources(roots, ["a.tif", name])
    assert missing.value.source == name
    assert str(roots.folders[0]) in str(missing.value)


def test_a_folder_without_tiles_is_told_as_such(roots: TileRoots) -> None:
    (roots.folders[0] / "empty").mkdir()
    with pytest.raises(SourceNotFound, match=r"empty: the folder holds no file of a known kind \(\.npy"):
        expand_sources(roots, ["empty"])


def test_a_file_outside_the_roots_is_refused_naming_the_setting(roots: TileRoots, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere" / "mine.tif"
    outside.touch()
    with pytest.raises(SourceForbidden) as refused:
        expand_sources(roots, [str(outside)])
    assert str(outside) in str(refused.value)
    assert f"outside the tile root ({roots.folders[0]}:{roots.folders[1]})" in str(refused.value)
    assert "ZIGGURAT_TILE_ROOT" in str(refused.value)
