"""Which paths may be tiles: those below the roots, and no word for a way out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from raster.errors import SourceForbidden, SourceNotFound, SourceRefused
from raster.sources.roots import LONGEST_URL, TileRoots


@pytest.fixture
def roots(tmp_path: Path) -> TileRoots:
    """Two roots, and a file outside them."""
    for name in ("one", "two", "one/deep", "one-more"):
        (tmp_path / name).mkdir()
    for name in ("one/a.tif", "one/deep/b.tif", "two/a.tif", "two/c.tif", "one-more/d.tif", "outside.tif"):
        (tmp_path / name).write_text(name)
    return TileRoots((tmp_path / "one", tmp_path / "two"))


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("a.tif", "one/a.tif"),
        ("deep/b.tif", "one/deep/b.tif"),
        ("c.tif", "two/c.tif"),
        ("./deep/../a.tif", "one/a.tif"),
        ("deep//b.tif", "one/deep/b.tif"),
        ("../two/c.tif", "two/c.tif"),
    ],
)
def test_a_relative_path_is_looked_up_in_each_root_in_turn(
    roots: TileRoots, tmp_path: Path, url: str, found: str
) -> None:
    assert roots.resolve(url) == tmp_path / found


def test_an_absolute_path_is_taken_if_it_lies_below_a_root(roots: TileRoots, tmp_path: Path) -> None:
    assert roots.resolve(str(tmp_path / "two" / "a.tif")) == tmp_path / "two" / "a.tif"


@pytest.mark.parametrize(
    "url",
    ["../outside.tif", "deep/../../outside.tif", "/etc/passwd", "..", "/", "../one-more/d.tif", "../nothing"],
)
def test_a_path_out_of_every_root_is_forbidden_whether_or_not_something_is_there(
    roots: TileRoots, url: str
) -> None:
    with pytest.raises(SourceForbidden, match="leaves the tile root"):
        roots.resolve(url)


def test_a_link_out_of_the_root_is_forbidden(roots: TileRoots, tmp_path: Path) -> None:
    (tmp_path / "one" / "file").symlink_to(tmp_path / "outside.tif")
    (tmp_path / "one" / "folder").symlink_to(tmp_path)
    one = TileRoots(roots.folders[:1])
    for url in ("file", "folder/outside.tif"):
        with pytest.raises(SourceForbidden):
            one.resolve(url)
        with pytest.raises(SourceNotFound):  # looked for in the other root, and not found there
            roots.resolve(url)


def test_a_link_that_stays_inside_is_followed(roots: TileRoots, tmp_path: Path) -> None:
    (tmp_path / "one" / "link.tif").symlink_to(tmp_path / "two" / "c.tif")
    assert roots.resolve("link.tif") == tmp_path / "two" / "c.tif"


def test_a_root_may_be_a_link_itself(roots: TileRoots, tmp_path: Path) -> None:
    (tmp_path / "root").symlink_to(tmp_path / "one")
    linked = TileRoots((tmp_path / "root",))
    assert linked.resolve("a.tif") == tmp_path / "one" / "a.tif"
    assert linked.url_of(tmp_path / "root" / "deep" / "b.tif") == "deep/b.tif"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "local:///etc/passwd",
        "http://127.0.0.1/a.tif",
        "https://example.org/a.tif",
        "s3://bucket/a.tif",
        "memory://a.tif",
        "simplecache::file:///etc/passwd",
        "zip::memory://a.zip",
        "zip://a.tif::file:///etc/a.zip",
        "reference::x",
        "async_wrapper::file:///etc/passwd",
        "vrt://a.tif",
    ],
)
def test_urls_and_chained_urls_are_refused(roots: TileRoots, url: str) -> None:
    with pytest.raises(SourceRefused, match="no URLs"):
        roots.resolve(url)


@pytest.mark.parametrize(
    "url",
    ["/vsicurl/http://127.0.0.1/a.tif", "/vsizip//etc/a.zip", "/vsimem/a.tif", "//host/share/a.tif"],
)
def test_paths_that_mean_something_to_gdal_are_only_paths(roots: TileRoots, url: str) -> None:
    with pytest.raises(SourceForbidden):
        roots.resolve(url)


@pytest.mark.parametrize(
    "url",
    ["data:,x", "file:/etc/passwd", "GTIFF_DIR:1:a.tif", "~/a.tif", "$HOME/a.tif", "a.tif\\..", "A.TIF"],
)
def test_other_words_name_files_that_are_not_there(roots: TileRoots, url: str) -> None:
    with pytest.raises(SourceNotFound):
        roots.resolve(url)


@pytest.mark.parametrize(
    "url", ["", "a\x00.tif", "\x00", "a\n.tif", "a\x1b[2J.tif", "a\x7f.tif", "\ud800.tif"]
)
def test_what_is_no_path_is_refused_and_can_be_printed(roots: TileRoots, url: str) -> None:
    with pytest.raises(SourceRefused, match="not a path") as refusal:
        roots.resolve(url)
    assert str(refusal.value).encode().decode().isprintable()


def test_a_path_that_is_too_long_is_refused_and_not_repeated(roots: TileRoots) -> None:
    with pytest.raises(SourceRefused, match="not a path") as refusal:
        roots.resolve("a" * (LONGEST_URL + 1))
    assert len(str(refusal.value)) < 200
    with pytest.raises(SourceNotFound):
        roots.resolve("a/" * (LONGEST_URL // 2))


def test_a_name_too_long_for_the_disk_names_nothing(roots: TileRoots) -> None:
    with pytest.raises(SourceNotFound):
        roots.resolve("a" * 300)


def test_links_in_a_circle_name_nothing(roots: TileRoots, tmp_path: Path) -> None:
    (tmp_path / "one" / "x").symlink_to(tmp_path / "one" / "y")
    (tmp_path / "one" / "y").symlink_to(tmp_path / "one" / "x")
    with pytest.raises(SourceNotFound):
        roots.resolve("x")


def test_folders_and_pipes_are_no_files(roots: TileRoots, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "one" / "pipe.tif")
    for url in ("deep", ".", "a.tif/b.tif", "pipe.tif", "nothing.tif"):
        with pytest.raises(SourceNotFound):
            roots.resolve(url)


def test_a_file_is_named_relative_to_its_root(roots: TileRoots, tmp_path: Path) -> None:
    assert roots.url_of(tmp_path / "one" / "deep" / "b.tif") == "deep/b.tif"
    assert roots.url_of(tmp_path / "two" / "c.tif") == "c.tif"


def test_a_file_that_an_earlier_root_hides_keeps_its_absolute_name(roots: TileRoots, tmp_path: Path) -> None:
    hidden = tmp_path / "two" / "a.tif"
    assert roots.url_of(hidden) == str(hidden)
    assert roots.resolve(roots.url_of(hidden)) == hidden


def test_a_file_outside_has_no_name(roots: TileRoots, tmp_path: Path) -> None:
    (tmp_path / "one" / "link").symlink_to(tmp_path / "outside.tif")
    for path in (tmp_path / "outside.tif", tmp_path / "one" / "link", tmp_path / "one-more" / "d.tif"):
        with pytest.raises(SourceForbidden):
            roots.url_of(path)
