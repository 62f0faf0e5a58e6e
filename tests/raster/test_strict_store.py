"""The store that never turns lost bytes into nodata: what it gives, refuses and lists."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype

from raster.errors import PyramidCorrupt, StoreFailed
from raster.storage.local import LocalRoot
from raster.storage.manifest import Manifest
from raster.strict_store import StrictStore

CHUNK, EMPTY, UNKNOWN = "0/elevation/c/0/0", "0/elevation/c/0/1", "0/elevation/c/9/9"
BYTES = bytes(range(100))
RANGES = [
    None,
    RangeByteRequest(0, 100),
    RangeByteRequest(10, 30),
    RangeByteRequest(90, 120),
    OffsetByteRequest(40),
    SuffixByteRequest(16),
    SuffixByteRequest(200),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "p.zarr"


@pytest.fixture
def store(root: Path) -> StrictStore:
    folder = LocalRoot(root).create()
    stored = [folder.put(CHUNK, BYTES), folder.put("zarr.json", b'{"a":1}'), folder.put("0/zarr.json", b"{}")]
    manifest = Manifest({each.key: each for each in stored}, frozenset({EMPTY}))
    return StrictStore(LocalRoot(root), manifest)


def get(store: StrictStore, key: str, byte_range: ByteRequest | None = None) -> bytes | None:
    found = asyncio.run(store.get(key, default_buffer_prototype(), byte_range))
    return None if found is None else found.to_bytes()


def cut(byte_range: ByteRequest | None) -> bytes:
    match byte_range:
        case None:
            return BYTES
        case RangeByteRequest():
            return BYTES[byte_range.start : byte_range.end]
        case OffsetByteRequest():
            return BYTES[byte_range.offset :]
        case SuffixByteRequest():
            return BYTES[-byte_range.suffix :]


@pytest.mark.parametrize("byte_range", RANGES, ids=repr)
def test_what_is_whole_is_given_as_it_is(store: StrictStore, byte_range: ByteRequest | None) -> None:
    assert get(store, CHUNK, byte_range) == cut(byte_range)


@pytest.mark.parametrize("byte_range", RANGES, ids=repr)
def test_an_object_that_is_gone_or_empty_is_corruption(
    store: StrictStore, root: Path, byte_range: ByteRequest | None
) -> None:
    (root / CHUNK).write_bytes(b"")
    with pytest.raises(PyramidCorrupt, match="0 bytes where"):
        get(store, CHUNK, byte_range)
    (root / CHUNK).unlink()
    with pytest.raises(PyramidCorrupt, match="missing"):
        get(store, CHUNK, byte_range)


@pytest.mark.parametrize(
    "byte_range", [None, RangeByteRequest(90, 100), OffsetByteRequest(99), SuffixByteRequest(100)], ids=repr
)
def test_an_object_that_lacks_its_last_byte_is_corruption(
    store: StrictStore, root: Path, byte_range: ByteRequest | None
) -> None:
    (root / CHUNK).write_bytes(BYTES[:-1])
    with pytest.raises(PyramidCorrupt, match="bytes where"):
        get(store, CHUNK, byte_range)


def test_only_what_the_manifest_lists_as_empty_may_be_absent(store: StrictStore) -> None:
    assert get(store, EMPTY) is None
    with pytest.raises(PyramidCorrupt, match="does not know"):
        get(store, UNKNOWN)


def test_a_chunk_the_manifest_does_not_know_is_not_read(store: StrictStore, root: Path) -> None:
    (root / UNKNOWN).parent.mkdir(parents=True)
    (root / UNKNOWN).write_bytes(BYTES)
    with pytest.raises(PyramidCorrupt, match="does not know"):
        get(store, UNKNOWN)


@pytest.mark.parametrize("key", [".zgroup", "0/.zarray", "0/elevation/.zattrs"])
def test_readers_may_look_for_metadata_of_other_formats(store: StrictStore, key: str) -> None:
    assert get(store, key) is None


METADATA = ["zarr.json", "0/zarr.json"]


@pytest.mark.parametrize("key", METADATA)
def test_no_flipped_bit_in_metadata_is_read(store: StrictStore, root: Path, key: str) -> None:
    whole = (root / key).read_bytes()
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        (root / key).write_bytes(flipped)
        with pytest.raises(PyramidCorrupt, match=f"^{key}: other bytes than were stored"):
            get(store, key)
    (root / key).write_bytes(whole)
    assert get(store, key) == whole


@pytest.mark.parametrize("key", METADATA)
def test_torn_metadata_is_corruption_wherever_it_is_torn(store: StrictStore, root: Path, key: str) -> None:
    whole = (root / key).read_bytes()
    for length in range(len(whole)):
        (root / key).write_bytes(whole[:length])
        with pytest.raises(PyramidCorrupt, match=f"^{key}: {length} bytes where {len(whole)} were stored"):
            get(store, key)
    (root / key).unlink()
    with pytest.raises(PyramidCorrupt, match=f"^{key}: missing"):
        get(store, key)


@pytest.mark.parametrize("key", METADATA)
def test_metadata_with_something_after_it_is_corruption(store: StrictStore, root: Path, key: str) -> None:
    (root / key).write_bytes((root / key).read_bytes() + b" ")  # JSON all the same
    with pytest.raises(PyramidCorrupt, match="bytes where"):
        get(store, key)


def test_a_pyramid_whose_folder_is_gone_is_corruption(store: StrictStore, root: Path) -> None:
    root.rename(root.with_name("elsewhere"))
    with pytest.raises(PyramidCorrupt, match="missing"):
        get(store, CHUNK)


def test_a_disk_that_cannot_be_read_now_is_not_corruption(store: StrictStore, root: Path) -> None:
    (root / CHUNK).unlink()
    (root / CHUNK).symlink_to(Path(CHUNK).name)  # a loop: stands for EIO, EMFILE and the like
    with pytest.raises(StoreFailed, match="symbolic links"):
        get(store, CHUNK)


def test_several_ranges_are_read_as_strictly_as_one(store: StrictStore, root: Path) -> None:
    async def read() -> list[bytes | None]:
        wanted = [(CHUNK, RangeByteRequest(0, 2)), (EMPTY, None), (CHUNK, SuffixByteRequest(2))]
        found = await store.get_partial_values(default_buffer_prototype(), wanted)
        return [None if each is None else each.to_bytes() for each in found]

    assert asyncio.run(read()) == [b"\x00\x01", None, b"\x62\x63"]
    (root / CHUNK).write_bytes(b"")
    with pytest.raises(PyramidCorrupt):
        asyncio.run(read())


def test_it_lists_what_the_manifest_lists(store: StrictStore, root: Path) -> None:
    (root / "stray").write_bytes(b"")

    async def listed() -> tuple[list[str], ...]:
        return (
            [key async for key in store.list()],
            [key async for key in store.list_prefix("0/")],
            [key async for key in store.list_dir("")],
            [key async for key in store.list_dir("0/")],
            [key async for key in store.list_dir("0/elevation/c")],
        )

    everything, below, top, level, chunks = asyncio.run(listed())
    assert sorted(everything) == [CHUNK, "0/zarr.json", "zarr.json"]
    assert sorted(below) == [CHUNK, "0/zarr.json"]
    assert (top, level, chunks) == (["0", "zarr.json"], ["elevation", "zarr.json"], ["0"])


@pytest.mark.parametrize(("key", "exists"), [(CHUNK, True), (EMPTY, False), (UNKNOWN, False)])
def test_what_exists_is_what_the_manifest_lists(store: StrictStore, key: str, exists: bool) -> None:
    assert asyncio.run(store.exists(key)) is exists


def test_nothing_can_be_written_or_deleted(store: StrictStore, root: Path) -> None:
    value = default_buffer_prototype().buffer.from_bytes(b"other")
    with pytest.raises(PermissionError, match="never changes"):
        asyncio.run(store.set(CHUNK, value))
    with pytest.raises(PermissionError, match="never changes"):
        asyncio.run(store.delete(CHUNK))
    assert (store.read_only, store.supports_writes, store.supports_deletes) == (True, False, False)
    assert (root / CHUNK).read_bytes() == BYTES
