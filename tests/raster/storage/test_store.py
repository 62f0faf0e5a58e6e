"""What every store does, whatever it is made of."""

from __future__ import annotations

import asyncio
import pickle
import time
import zlib

import pytest

from raster.errors import PyramidCorrupt, StoreFailed
from raster.storage.manifest import Manifest, StoredObject, digest
from raster.storage.store import Store, measure, read_manifest, read_whole

KEY, HREF, OTHER = "0/elevation/c/1/2", "alps/max/g1.zarr", "alps/max/g2.zarr"
BYTES = bytes(range(200))


def manifest_of(*stored: StoredObject) -> Manifest:
    return Manifest({each.key: each for each in stored}, frozenset({"0/elevation/c/0/0"}))


def write(store: Store, href: str = HREF) -> tuple[Manifest, str]:
    """A finished generation of two objects."""
    folder = store.root(href).create()
    manifest = manifest_of(folder.put(KEY, BYTES[:50], BYTES[50:]), folder.put("zarr.json", b"{}"))
    return manifest, folder.seal(manifest)


def part(store: Store, key: str, start: int, stop: int | None) -> bytes | None:
    return asyncio.run(store.root(HREF).read_part(key, start, stop))


def test_what_is_put_is_read(store: Store) -> None:
    folder = store.root(HREF).create()
    stored = folder.put(KEY, BYTES[:50], BYTES[50:])
    folder.flush()
    assert stored == StoredObject(KEY, 200, zlib.crc32(BYTES))
    assert folder.get(KEY) == store.root(HREF).read(KEY) == read_whole(store.root(HREF), stored) == BYTES
    assert part(store, KEY, 0, None) == BYTES
    assert part(store, KEY, 10, 20) == BYTES[10:20]
    assert part(store, KEY, 190, 300) == BYTES[190:]
    assert part(store, KEY, 300, 310) == b""


def test_what_is_not_there_is_none(store: Store) -> None:
    root = store.root(HREF)
    assert root.read(KEY) is None
    assert part(store, KEY, 0, None) is None
    assert part(store, KEY, 3, 5) is None
    assert root.read_manifest() is None
    assert not root.is_whole(StoredObject(KEY, 1, 1))
    assert [*root.list_files(), *store.list_hrefs(), *store.list_logged(), *root.read_log()] == []
    root.remove()
    root.forget_log()
    assert not root.is_abandoned(0)


def test_the_seal_pins_the_manifest(store: Store) -> None:
    manifest, sealed = write(store)
    root = store.root(HREF)
    assert sealed == digest(root.read_manifest() or b"")
    assert read_manifest(root, sealed) == manifest
    with pytest.raises(PyramidCorrupt, match="not the one"):
        read_manifest(root, digest(b"another"))


def test_another_process_may_write_objects(store: Store) -> None:
    folder = store.root(HREF).create()
    elsewhere = pickle.loads(pickle.dumps(folder))
    stored = elsewhere.put(KEY, BYTES)
    assert store.root(HREF).is_whole(stored)  # nobody there would wait for it
    folder.seal(manifest_of(stored))
    for each in (elsewhere, pickle.loads(pickle.dumps(store))):
        each.close()


@pytest.mark.parametrize("damage", ["missing", "short", "flipped", "empty"])
def test_only_whole_objects_are_taken_over(store: Store, damage: str) -> None:
    manifest, _ = write(store)
    root, stored = store.root(HREF), manifest.objects[KEY]
    assert root.is_whole(stored)
    folder = store.root(OTHER).create()
    assert folder.link(stored, root)
    assert store.root(OTHER).read(KEY) == BYTES
    root.remove()
    if damage != "missing":
        bad = {"short": BYTES[:-1], "flipped": BYTES[:-1] + b"\0", "empty": b""}[damage]
        again = root.create()
        again.put(KEY, bad)
        again.flush()
    assert not root.is_whole(stored)
    assert read_whole(root, stored) is None
    assert store.root(OTHER).read(KEY) == BYTES


def test_what_is_gone_is_not_linked(store: Store) -> None:
    assert not store.root(OTHER).create().link(StoredObject(KEY, 1, 1), store.root(HREF))


def test_a_journal_is_read_back_line_by_line(store: Store) -> None:
    root = store.root(HREF)
    root.create()
    log = root.start_log("first")
    for line in ("second", "third"):
        log.write(line)
    log.close()
    assert root.read_log() == ["first", "second", "third"]
    assert [each.generation for each in store.below("alps/max").list_logged()] == ["g1"]
    root.forget_log()
    assert root.read_log() == []


def test_a_build_that_is_stopped_leaves_a_whole_journal(store: Store) -> None:
    root = store.root(HREF)
    root.create()
    with pytest.raises(KeyboardInterrupt), root.start_log("first") as log:
        log.write("second")
        raise KeyboardInterrupt
    assert root.read_log() == ["first", "second"]


def test_a_place_that_is_taken_is_refused(store: Store) -> None:
    def take() -> None:
        store.root(HREF).create()
        store.root(HREF).start_log(str(time.monotonic())).close()

    take()
    with pytest.raises(StoreFailed, match=r"exists|already"):
        take()


def test_the_latest_attempts_come_first(store: Store) -> None:
    for number in (1, 3, 2):
        root = store.root(f"alps/max/g{number}.zarr")
        root.create()
        root.start_log("line").close()
    assert [each.generation for each in store.below("alps/max").list_logged()] == ["g3", "g2", "g1"]


def test_a_finished_writer_s_attempt_is_abandoned_after_some_time(store: Store) -> None:
    root = store.root(HREF)
    root.create()
    root.start_log("line").close()
    assert not root.is_abandoned(3600)
    assert root.is_abandoned(-2)  # the store's clock need not be ours


def test_every_generation_is_listed_and_measured(store: Store) -> None:
    write(store)
    write(store, "alps/mean/g5.zarr")
    attempt = store.root("jura/max/g7.zarr")
    attempt.create()
    attempt.start_log("12345").close()
    store.below("alps/max").replace_file("latest.json", b"{}")
    assert list(store.list_hrefs()) == [HREF, "alps/mean/g5.zarr", "jura/max/g7.zarr"]
    assert list(store.below("alps/max").list_hrefs()) == ["g1.zarr"]
    finished, begun = measure(store.root(HREF)), measure(attempt)
    manifest = store.root(HREF).read_manifest() or b""
    assert (finished.file_count, finished.byte_count) == (3, 202 + len(manifest))
    assert (begun.file_count, begun.byte_count) == (1, 6)
    assert abs(time.time() - finished.written_at) < 60
    assert abs(time.time() - begun.written_at) < 60


def test_a_generation_is_removed_whole_and_no_other(store: Store) -> None:
    for href in (HREF, OTHER, "alps/max/g11.zarr"):
        write(store, href)
        store.root(href).start_log("line").close()
    store.root(HREF).remove()
    assert list(store.list_hrefs()) == ["alps/max/g11.zarr", OTHER]
    assert list(store.root(HREF).list_files()) == []
    assert store.root(OTHER).read(KEY) == BYTES
    assert measure(store.root(OTHER)).file_count == 4


def test_a_file_is_replaced(store: Store) -> None:
    write(store)
    folder = store.below("alps/max")
    folder.replace_file("latest.json", b"one")
    folder.replace_file("latest.json", b"two")
    assert list(store.list_hrefs()) == [HREF]
