"""Objects of other object stores, through a filesystem that stands in for a package of fsspec."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import numpy as np
import pytest
from fsspec import AbstractFileSystem

from foreign import npy
from raster.errors import (
    SourceChanged,
    SourceForbidden,
    SourceNotFound,
    SourceRefused,
    SourceUnreachable,
)
from raster.sources.remote.others import _nanoseconds
from raster.sources.remote.policy import OTHER_SCHEMES, Patience
from raster.sources.remote.remote import RemoteSources

CELLS = np.arange(360_000, dtype=np.int32).reshape(600, 600)
URL = "gs://dem/alps/a.npy"


class FolderObjects(AbstractFileSystem):  # type: ignore[misc]
    """Buckets that are folders; told what it was opened with, and when to fail."""

    folder: ClassVar[Path]
    opened_with: ClassVar[dict[str, Any]]
    error: ClassVar[Exception | None]
    short_by: ClassVar[int]
    before_read: ClassVar[Callable[[], None]]

    def __init__(self, **options: Any) -> None:
        super().__init__()
        type(self).opened_with = {
            name: value for name, value in options.items() if name != "skip_instance_cache"
        }

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        if self.error is not None:
            raise self.error
        found = (self.folder / path).stat()
        is_folder = (self.folder / path).is_dir()
        return {
            "size": 0 if is_folder else found.st_size,  # as gcsfs has it
            "type": "directory" if is_folder else "file",
            "etag": f"{found.st_mtime_ns}",
            "updated": "2026-07-04T12:00:00.000Z",
        }

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        type(self).before_read()
        assert end is not None
        return (self.folder / path).read_bytes()[start : end - self.short_by]


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[type[FolderObjects]]:
    """What `gs://` leads to."""
    FolderObjects.folder = tmp_path / "objects"
    (FolderObjects.folder / "dem" / "alps").mkdir(parents=True)
    (FolderObjects.folder / "dem" / "alps" / "a.npy").write_bytes(npy(CELLS))
    FolderObjects.opened_with, FolderObjects.error, FolderObjects.short_by = {}, None, 0
    FolderObjects.before_read = lambda: None
    before = fsspec.get_filesystem_class.__globals__["_registry"].get("gs")
    fsspec.register_implementation("gs", FolderObjects, clobber=True)
    yield FolderObjects
    assert before is None
    del fsspec.get_filesystem_class.__globals__["_registry"]["gs"]


@pytest.fixture
def sources(open_sources: Callable[..., RemoteSources]) -> RemoteSources:
    """Nothing is waited for."""
    return open_sources(others={"gs": {"token": "anon"}}, patience=Patience(attempts=2, pause_s=0.0))


def read(sources: RemoteSources) -> np.ndarray:
    content = sources.open(URL)
    opened = sources.decode(content)
    return opened.read_window(opened.info.window)


def test_an_object_is_read_with_the_options_that_the_operator_gives(
    sources: RemoteSources, objects: type[FolderObjects]
) -> None:
    np.testing.assert_array_equal(read(sources), CELLS)
    assert objects.opened_with == {"token": "anon"}
    identity = sources.open(URL).identity
    assert identity.size == len(npy(CELLS))
    assert (identity.etag, identity.mtime_ns) == (str(stamp(objects)), 1_783_166_400 * 10**9)


def stamp(objects: type[FolderObjects]) -> int:
    return (objects.folder / "dem/alps/a.npy").stat().st_mtime_ns


@pytest.mark.parametrize("scheme", OTHER_SCHEMES)
def test_a_scheme_that_nobody_named_is_not_taken(
    open_sources: Callable[..., RemoteSources], objects: type[FolderObjects], scheme: str
) -> None:
    with pytest.raises(SourceForbidden):
        open_sources().open(URL.replace("gs:", f"{scheme}:"))
    assert objects.opened_with == {}


def test_buckets_hold_for_them_too(
    open_sources: Callable[..., RemoteSources], objects: type[FolderObjects]
) -> None:
    sources = open_sources(others={"gs": {}}, buckets=("open-*",))
    with pytest.raises(SourceForbidden):
        sources.open(URL)
    for url in (
        "gs://dem",
        "gs://dem/",
        "gs://DEM/a.npy",
        "gs:///a.npy",
        "gs://dem/a.npy?x",
        "gs://a@dem/b.npy",
    ):
        with pytest.raises(SourceRefused):
            sources.open(url)


def test_a_package_that_is_not_installed_is_named(open_sources: Callable[..., RemoteSources]) -> None:
    with pytest.raises(SourceRefused, match=r"oss:// needs a package of fsspec that is not installed"):
        open_sources(others={"oss": {}}).open("oss://dem/a.npy")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FileNotFoundError(), SourceNotFound),
        (PermissionError(), SourceUnreachable),
        (KeyError("whatever a package raises"), SourceUnreachable),
    ],
)
def test_what_a_package_raises_is_told_as_what_it_means(
    sources: RemoteSources, objects: type[FolderObjects], error: Exception, told: type[Exception]
) -> None:
    objects.error = error
    with pytest.raises(told, match=re.escape(URL)) as caught:
        sources.open(URL)
    assert "whatever" not in str(caught.value)


def test_a_folder_is_no_object(sources: RemoteSources, objects: type[FolderObjects]) -> None:
    with pytest.raises(SourceNotFound):
        sources.open("gs://dem/alps")


def test_an_object_that_gives_less_than_it_says_is_an_error(
    sources: RemoteSources, objects: type[FolderObjects]
) -> None:
    objects.short_by = 1
    with pytest.raises(SourceUnreachable, match="number of bytes"):
        sources.open(URL)


def test_one_that_changes_while_it_is_read_is_not_mixed(
    sources: RemoteSources, objects: type[FolderObjects]
) -> None:
    def change() -> None:
        path = objects.folder / "dem/alps/a.npy"
        path.write_bytes(npy(CELLS + 1))
        os.utime(path, ns=(0, stamp(objects) + 1000))

    objects.before_read = change
    with pytest.raises(SourceChanged):
        sources.open(URL)


def test_one_that_changed_since_is_told(sources: RemoteSources, objects: type[FolderObjects]) -> None:
    known = sources.open(URL).identity
    path = objects.folder / "dem/alps/a.npy"
    path.write_bytes(npy(CELLS + 1))
    os.utime(path, ns=(0, stamp(objects) + 1000))
    with pytest.raises(SourceChanged):
        sources.confirm(URL, known)


@pytest.mark.parametrize("told", [1.5, 1, "1970-01-01T00:00:01+00:00", "Thu, 01 Jan 1970 00:00:01 GMT"])
def test_times_are_whole_seconds_however_they_are_told(told: object) -> None:
    assert _nanoseconds(told) == 10**9


@pytest.mark.parametrize("told", [None, "", "yesterday", "Thu, 99 Jan 1970", b"1"])
def test_what_is_no_time_is_none(told: object) -> None:
    assert _nanoseconds(told) is None
