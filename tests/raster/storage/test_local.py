"""Objects and their manifest: what is listed is on the disk, and a damaged list is not believed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raster.errors import PyramidCorrupt, StoreFailed
from raster.storage.local import LocalRoot, LocalStore
from raster.storage.manifest import Manifest, StoredObject
from raster.storage.store import read_manifest

KEY = "0/elevation/c/1/2"

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which file is synced")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What was synced to the disk, in order: inodes, which a rename does not change."""
    seen: list[int] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        seen.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    return seen


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path]]:
    """What was synced and what was renamed, in order: files by the name they had at that time."""
    seen: list[tuple[str, Path]] = []
    fsync, rename = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        seen.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def watched_rename(source: Path, target: Path) -> None:
        seen.append(("rename", Path(target)))
        rename(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_rename)
    return seen


def inode(path: Path) -> int:
    return path.stat().st_ino


def manifest_of(*stored: StoredObject, empty: tuple[str, ...] = ()) -> Manifest:
    return Manifest({each.key: each for each in stored}, frozenset(empty))


def test_an_object_is_known_by_its_length_and_checksum(tmp_path: Path) -> None:
    folder = LocalRoot(tmp_path / "p.zarr").create()
    assert folder.put(KEY, b"cells") == StoredObject(KEY, 5, zlib.crc32(b"cells"))
    assert (tmp_path / "p.zarr" / KEY).read_bytes() == b"cells"


def test_a_place_that_is_taken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.zarr").mkdir()
    with pytest.raises(StoreFailed, match="exists"):
        LocalRoot(tmp_path / "p.zarr").create()


def test_the_seal_is_the_hash_of_the_manifest_on_the_disk(tmp_path: Path) -> None:
    root = LocalRoot(tmp_path / "p.zarr")
    folder = root.create()
    manifest = manifest_of(folder.put(KEY, b"cells"), folder.put("zarr.json", b"{}"), empty=("0/e/c/0/0",))
    digest = folder.seal(manifest)
    text = (tmp_path / "p.manifest.json").read_bytes()
    assert root.manifest_path == tmp_path / "p.manifest.json"
    assert hashlib.sha256(text).hexdigest() == digest
    assert read_manifest(root) == manifest


@needs_proc
def test_files_then_their_folders_then_the_manifest_reach_the_disk(
    tmp_path: Path, steps: list[tuple[str, Path]]
) -> None:
    root = LocalRoot(tmp_path / "p.zarr")
    folder = root.create()
    manifest = manifest_of(folder.put(KEY, b"cells"), folder.put("0/zarr.json", b"{}"))
    steps.clear()
    folder.seal(manifest)
    files = {("sync", root.path / key) for key in manifest.objects}
    folders = {
        ("sync", root.path / below) for below in ("", "0", "0/elevation", "0/elevation/c", "0/elevation/c/1")
    }
    assert set(steps[:2]) == files
    assert set(steps[2:7]) == folders
    place, text, manifest_put, place_again = steps[7:]
    assert place == place_again == ("sync", tmp_path)
    assert text[0] == "sync"
    assert text[1].name.startswith(".p.manifest.json.")  # its bytes are there before its name is
    assert manifest_put == ("rename", root.manifest_path)


@needs_proc
def test_an_object_has_its_name_when_it_is_synced(tmp_path: Path, steps: list[tuple[str, Path]]) -> None:
    folder = LocalRoot(tmp_path / "p.zarr").create()
    steps.clear()
    stored = folder.put(KEY, b"cells")
    assert steps == [("rename", tmp_path / "p.zarr" / KEY)]  # waiting for the disk is the seal's work
    folder.seal(manifest_of(stored))
    assert steps[1] == ("sync", tmp_path / "p.zarr" / KEY)


@needs_proc
def test_an_object_taken_over_is_synced_like_one_of_its_own(
    tmp_path: Path, steps: list[tuple[str, Path]]
) -> None:
    earlier = LocalRoot(tmp_path / "earlier.zarr")
    stored = earlier.create().put(KEY, b"cells")
    folder = LocalRoot(tmp_path / "p.zarr").create()
    assert folder.link(stored, earlier)
    steps.clear()
    folder.seal(manifest_of(stored))
    assert steps[0] == ("sync", tmp_path / "p.zarr" / KEY)
    assert ("sync", (tmp_path / "p.zarr" / KEY).parent) in steps[1:6]


def test_new_folders_above_the_pyramid_are_on_the_disk_before_its_bytes(
    tmp_path: Path, synced: list[int]
) -> None:
    LocalRoot(tmp_path / "terrain" / "max" / "p.zarr").create()
    assert set(synced) == {inode(tmp_path), inode(tmp_path / "terrain")}
    synced.clear()
    LocalRoot(tmp_path / "terrain" / "max" / "q.zarr").create()
    assert synced == []


def test_a_failed_sync_leaves_no_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = LocalRoot(tmp_path / "p.zarr").create()
    manifest = manifest_of(folder.put(KEY, b"cells"))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFailed, match="No space"):
        folder.seal(manifest)
    assert [path.name for path in tmp_path.iterdir()] == ["p.zarr"]


keys = st.from_regex(r"[0-9]{1,2}/(elevation|count)/c/[0-9]{1,3}/[0-9]{1,3}", fullmatch=True)
stored_objects = st.builds(StoredObject, keys, st.integers(0, 2**40), st.integers(0, 2**32 - 1))


@given(st.lists(stored_objects, max_size=5, unique_by=lambda stored: stored.key), st.sets(keys, max_size=5))
def test_a_manifest_comes_back_as_it_was(stored: list[StoredObject], empty: set[str]) -> None:
    manifest = manifest_of(*stored, empty=tuple(empty))
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert manifest.byte_count == sum(each.size for each in stored)


def test_equal_manifests_are_equal_bytes() -> None:
    one, two = StoredObject("a", 1, 2), StoredObject("b", 3, 4)
    empty = tuple(f"0/elevation/c/0/{col}" for col in range(9))
    assert manifest_of(one, two).to_json() == manifest_of(two, one).to_json()
    assert json.loads(manifest_of(empty=empty).to_json())["empty"] == list(empty)


def test_a_torn_manifest_is_damaged_wherever_it_is_torn() -> None:
    text = manifest_of(StoredObject(KEY, 5, 7), empty=("0/elevation/c/0/0",)).to_json()
    for length in range(len(text)):
        with pytest.raises(PyramidCorrupt, match="damaged"):
            Manifest.from_json(text[:length])


@pytest.mark.parametrize(
    "text",
    [
        b"[]", b"null", b"{}", b'{"objects": {}}', b'{"objects": [], "empty": []}', b"\xff",
        b'{"objects": {"a": 5}, "empty": []}', b'{"objects": {"a": [5]}, "empty": []}',
        b'{"objects": {"a": [5, 7]}, "empty": []}', b'{"objects": {"a": [5, "xyz"]}, "empty": []}',
        b'{"objects": {}, "empty": null}',
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_damaged(text: bytes) -> None:
    with pytest.raises(PyramidCorrupt, match="damaged"):
        Manifest.from_json(text)


def test_a_missing_manifest_is_corruption(tmp_path: Path) -> None:
    with pytest.raises(PyramidCorrupt, match="missing"):
        read_manifest(LocalRoot(tmp_path / "p.zarr"))


def test_a_disk_that_cannot_be_read_now_is_not_corruption(tmp_path: Path) -> None:
    # stands for EIO, EMFILE and the like, which root cannot provoke
    LocalRoot(tmp_path / "p.zarr").manifest_path.mkdir()
    with pytest.raises(StoreFailed, match="directory"):
        read_manifest(LocalRoot(tmp_path / "p.zarr"))


def test_a_replaced_file_is_on_the_disk_and_leaves_nothing_beside_it(
    tmp_path: Path, synced: list[int]
) -> None:
    path = tmp_path / "latest.json"
    LocalStore(tmp_path).replace_file(path.name, b"one")
    synced.clear()
    LocalStore(tmp_path).replace_file(path.name, b"two")
    assert path.read_bytes() == b"two"
    assert [each.name for each in tmp_path.iterdir()] == ["latest.json"]
    assert synced == [inode(path), inode(tmp_path)]


def test_a_file_that_cannot_be_replaced_stays_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    taken = tmp_path / "latest.json"
    taken.mkdir()
    with pytest.raises(StoreFailed, match="directory"):
        LocalStore(tmp_path).replace_file(taken.name, b"two")
    assert [each.name for each in tmp_path.iterdir()] == ["latest.json"]


def test_readers_see_whole_files_while_several_threads_replace_them(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    texts = {bytes([65 + index]) * 5000 for index in range(8)}
    LocalStore(tmp_path).replace_file(path.name, next(iter(texts)))
    with ThreadPoolExecutor(4) as pool:
        replaced = [pool.submit(LocalStore(tmp_path).replace_file, path.name, text) for text in texts]
        seen = {path.read_bytes() for _ in range(50)}
        for each in replaced:
            each.result()
    assert seen <= texts
    assert path.read_bytes() in texts
