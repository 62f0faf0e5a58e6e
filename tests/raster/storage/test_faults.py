"""An S3 server that fails: lost bytes are corruption, a failing store is not; neither is nodata."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from distributed import LocalCluster

from oracle import OracleTile, paint
from raster.errors import PyramidCorrupt, StoreFailed
from raster.grid import Window
from raster.journal import Attempt, find_attempts
from raster.pyramid import BuildPlan
from raster.scheduling import ClusterScheduler, ThreadScheduler
from raster.skeleton import METADATA
from raster.storage.bucket import Bucket, Patience
from raster.storage.manifest import Manifest
from raster.storage.s3 import S3Root, S3Store
from raster.storage.store import measure
from raster.verification import Flaw, find_damage
from raster.window import StoredPyramid
from raster.writing import Destination, WrittenPyramid, write_pyramids
from s3_server import QUICK, Rule, S3Server
from terrains import plan, save_mosaic

SHARD = "0/elevation/c/1/0"
TILES = [
    OracleTile(0, 0, np.random.default_rng(5).integers(-400, 4000, (90, 60)).astype(np.int16), nodata=7),
    OracleTile(0, 80, np.random.default_rng(6).integers(-400, 4000, (90, 20)).astype(np.int16), nodata=7),
]

FAILING = {
    "no bucket": (Rule("404", code="NoSuchBucket"), 1),
    "no permission": (Rule("403", code="AccessDenied"), 1),
    "404 of something before the store": (Rule("404", code="Gone"), 1),
    "always 503": (Rule("503"), 2),
    "always 500": (Rule("500", code="InternalError"), 2),
    "connection lost": (Rule("reset"), 4),  # aiohttp asks once more by itself
    "no answer": (Rule("stall"), 2),
    "half a body": (Rule("short"), 1),
    "half a body that seems whole": (Rule("lie"), 1),
}
"""How a store fails, and the requests that may be made of one."""

NATIVE = np.full((90, 100), 7, np.int16)
for _tile in TILES:
    NATIVE[:, _tile.col : _tile.col + _tile.cells.shape[1]] = _tile.cells


def planned(folder: Path) -> BuildPlan:
    folder.mkdir(exist_ok=True)
    return plan(save_mosaic(folder, TILES), "max", "g1", shard_cells=32, chunk_cells=16)


def write(
    build: BuildPlan,
    root: S3Root,
    earlier: list[Attempt] | None = None,
    on_shard: Callable[[int, int], None] = lambda done, total: None,
) -> WrittenPyramid:
    destination = Destination(root=root, earlier=earlier or [])
    (written,) = write_pyramids(build, [destination], ThreadScheduler(2), on_shard)
    return written


@dataclass(frozen=True)
class OnS3:
    """A pyramid in a bucket."""

    server: S3Server
    store: S3Store
    pyramid: StoredPyramid

    @property
    def root(self) -> S3Root:
        assert isinstance(self.pyramid.root, S3Root)
        return self.pyramid.root

    def read(self, level: int = 0) -> np.ndarray:
        return self.pyramid.read_window(level, self.pyramid.grid.level(level).window)

    def put(self, key: str, data: bytes) -> None:
        """Write an object behind everybody's back."""
        self.server.client().put_object(Bucket=self.root.bucket.name, Key=key, Body=data)

    def delete(self, key: str) -> None:
        self.server.client().delete_object(Bucket=self.root.bucket.name, Key=key)


@pytest.fixture(scope="module")
def built_on_s3(running_s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnS3]:
    """What tests damage, they mend."""
    bucket = f"test-{uuid4().hex}"
    running_s3.client().create_bucket(Bucket=bucket)
    store = S3Store(Bucket(bucket, QUICK), "pyramids/")
    build, root = planned(tmp_path_factory.mktemp("tile")), store.root("alps/max/g1.zarr")
    with pytest.MonkeyPatch.context() as usual:
        for name, value in running_s3.environment.items():
            usual.setenv(name, value)
        written = write(build, root)
    yield OnS3(running_s3, store, StoredPyramid(root, build.grid, written.manifest_sha256))
    store.close()


@pytest.fixture
def on_s3(built_on_s3: OnS3, s3: S3Server) -> OnS3:
    s3.requests()
    return built_on_s3


@pytest.fixture
def rules(s3: S3Server) -> Iterator[Callable[..., None]]:
    """Make the server fail, until the test ends."""
    yield s3.spoil
    s3.spoil()


def test_every_level_is_what_numpy_says(on_s3: OnS3) -> None:
    native = paint(TILES)
    np.testing.assert_array_equal(on_s3.read(), NATIVE)
    for level in range(on_s3.pyramid.grid.level_count):
        expected, has_data = native.level("max", level, np.dtype(np.int16))
        found = on_s3.read(level)
        np.testing.assert_array_equal(found[has_data], expected[has_data])
        assert (found[~has_data] == 7).all()
    assert not any(isinstance(found, Flaw) for found in find_damage(on_s3.root))


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "one byte short": lambda data: data[:-1],
    "half": lambda data: data[: len(data) // 2],
    "a bit flipped": lambda data: data[:20] + bytes([data[20] ^ 8]) + data[21:],
}


@pytest.mark.parametrize("key", ["0/elevation/c/1/0", "5/elevation/c/0/0", "zarr.json"])
def test_lost_bytes_are_corruption(on_s3: OnS3, key: str) -> None:
    level = int(key[0]) if key[0].isdigit() else 0
    whole, expected = on_s3.root.read(key), on_s3.read(level)
    assert whole is not None
    for damage in DAMAGES.values():
        on_s3.put(f"{on_s3.root.key}/{key}", damage(whole))
        with pytest.raises(PyramidCorrupt):
            fresh(on_s3).read(level)
    assert [flaw.where for flaw in find_damage(on_s3.root) if isinstance(flaw, Flaw)] == [key]
    on_s3.delete(f"{on_s3.root.key}/{key}")
    with pytest.raises(PyramidCorrupt, match="missing"):
        fresh(on_s3).read(level)
    on_s3.put(f"{on_s3.root.key}/{key}", whole)
    np.testing.assert_array_equal(fresh(on_s3).read(level), expected)


def test_a_lost_or_torn_manifest_is_corruption(on_s3: OnS3) -> None:
    whole = on_s3.root.read_manifest()
    assert whole is not None
    for data in (b"", whole[:-9], whole + b" "):
        on_s3.put(on_s3.root.manifest_key, data)
        with pytest.raises(PyramidCorrupt, match=r"^manifest\.json"):
            fresh(on_s3).read()
    on_s3.delete(on_s3.root.manifest_key)
    with pytest.raises(PyramidCorrupt, match="manifest is missing"):
        fresh(on_s3).read()
    on_s3.put(on_s3.root.manifest_key, whole)
    fresh(on_s3).read()


def fresh(on_s3: OnS3) -> OnS3:
    """The pyramid as whoever has not read of it yet sees it."""
    pyramid = on_s3.pyramid
    return OnS3(on_s3.server, on_s3.store, StoredPyramid(pyramid.root, pyramid.grid, pyramid.manifest_sha256))


@pytest.mark.parametrize(("rule", "tries"), FAILING.values(), ids=FAILING)
def test_a_store_that_fails_is_neither_corruption_nor_nodata(
    on_s3: OnS3, rules: Callable[..., None], rule: Rule, tries: int
) -> None:
    window = Window(row=20, col=20, height=8, width=8)  # of one chunk: no request runs on by itself
    reader = fresh(on_s3)
    for _ in ("manifest", "index of a shard"):
        rules(Rule(rule.fault, method="GET", code=rule.code))
        with pytest.raises(StoreFailed, match=rf"s3://{on_s3.root.bucket.name}/pyramids/alps/max/g1"):
            reader.pyramid.read_window(0, window)
        assert on_s3.server.counts() == {"GET": tries}
        rules()
        found = reader.pyramid.read_window(0, window)
        np.testing.assert_array_equal(found, NATIVE[window.slices])
        on_s3.server.requests()


@pytest.mark.parametrize("rule", [Rule("503", times=1), Rule("reset", times=1)], ids=["503", "reset"])
def test_one_failure_is_not_noticed(on_s3: OnS3, rules: Callable[..., None], rule: Rule) -> None:
    expected = on_s3.read()
    rules(rule)
    np.testing.assert_array_equal(fresh(on_s3).read(), expected)


def test_what_a_store_says_of_keys_is_not_repeated(on_s3: OnS3, rules: Callable[..., None]) -> None:
    said = "<Error><Code>{code}</Code><Message>AKIATEST is unknown</Message></Error>"
    rules(Rule("403", code="InvalidAccessKeyId", body=said))
    with pytest.raises(StoreFailed, match="InvalidAccessKeyId") as failed:
        fresh(on_s3).read()
    assert "AKIATEST" not in str(failed.value)


def test_a_server_that_is_gone_is_told(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://AKIATEST:s3cr3t-key@127.0.0.1:9")
    store = S3Store(Bucket(bucket), "")
    with pytest.raises(StoreFailed, match=r"g1\.manifest\.json") as failed:
        store.root("alps/max/g1.zarr").read_manifest()
    assert "s3cr3t" not in str(failed.value)
    store.close()


def test_a_verification_is_not_deceived_by_a_store_that_fails(
    on_s3: OnS3, rules: Callable[..., None]
) -> None:
    rules(Rule("503", key=SHARD))
    with pytest.raises(StoreFailed):
        list(find_damage(on_s3.root))


# Building


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        ("503", SHARD),
        ("stall", SHARD),
        ("403", "g1.zarr/zarr.json"),
        ("reset", "manifest.json"),
        ("404", "journal"),
    ],
)
def test_a_build_whose_writes_fail_publishes_nothing_and_may_be_tried_again(
    s3_store: S3Store, rules: Callable[..., None], tmp_path: Path, fault: str, key: str
) -> None:
    build, folder = planned(tmp_path / "tile"), s3_store.below("alps/max")
    rules(Rule(fault, method="PUT", key=key, code="NoSuchBucket" if fault == "404" else "SlowDown"))
    with pytest.raises(StoreFailed):
        write(build, folder.root("g1.zarr"))
    rules()
    assert folder.root("g1.zarr").read_manifest() is None
    # a group can be opened when its last cell is safe
    assert (folder.root("g1.zarr").read(METADATA) is not None) == (key == "manifest.json")
    written = write(build, folder.root("g2.zarr"), find_attempts(folder, build.key(build.pyramids[0])))
    pyramid = StoredPyramid(folder.root("g2.zarr"), build.grid, written.manifest_sha256)
    np.testing.assert_array_equal(pyramid.read_window(0, build.grid.window), NATIVE)


def test_after_a_write_that_failed_no_other_one_is_begun(
    s3_store: S3Store, rules: Callable[..., None]
) -> None:
    rules(Rule("403", method="PUT", key=SHARD, code="AccessDenied"))
    folder = s3_store.root("alps/max/g1.zarr").create()

    def put_on() -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            folder.put("5/elevation/c/0/0", b"cells")

    folder.put(SHARD, b"cells")
    with pytest.raises(StoreFailed, match=SHARD):
        put_on()
    folder.close()


class Stopped(Exception):
    """What a progress callback ends a build with."""


def test_a_stopped_build_is_taken_over_within_the_store(
    s3: S3Server, s3_store: S3Store, tmp_path: Path
) -> None:
    def stop(done: int, total: int) -> None:
        if done == 8:
            raise Stopped

    build, folder = planned(tmp_path / "tile"), s3_store.below("alps/max")
    with pytest.raises(Stopped):
        write(build, folder.root("g1.zarr"), on_shard=stop)
    attempts = find_attempts(folder, build.key(build.pyramids[0]))
    s3.requests()
    written = write(build, folder.root("g2.zarr"), attempts)
    assert written.shards_taken_over >= 4
    counts = s3.counts()
    assert counts["COPY"] >= 3  # empty shards need none
    assert counts["HEAD"] >= counts["COPY"]
    assert not any(isinstance(found, Flaw) for found in find_damage(folder.root("g2.zarr")))


def test_a_seal_whose_answer_was_lost_is_a_seal(s3_store: S3Store, rules: Callable[..., None]) -> None:
    root = s3_store.root("alps/max/g1.zarr")
    nothing = Manifest({}, frozenset())
    sealed = root.create().seal(nothing)
    assert root.create().seal(nothing) == sealed  # as botocore would when it got no answer
    with pytest.raises(StoreFailed, match="something else lies there"):
        root.create().seal(Manifest({}, frozenset({"0/elevation/c/0/0"})))
    rules(Rule("409", method="PUT", key="g2.manifest", times=2, code="ConditionalRequestConflict"))
    assert s3_store.root("alps/max/g2.zarr").create().seal(nothing) == sealed
    rules(Rule("409", method="PUT", key="g3.manifest", code="ConditionalRequestConflict"))
    with pytest.raises(StoreFailed, match="ConditionalRequestConflict"):
        s3_store.root("alps/max/g3.zarr").create().seal(nothing)


def test_what_cannot_be_deleted_is_told(s3_store: S3Store, rules: Callable[..., None]) -> None:
    root = s3_store.root("alps/max/g1.zarr")
    root.create().seal(Manifest({}, frozenset()))
    rules(Rule("503", method="POST"))
    with pytest.raises(StoreFailed):
        root.remove()
    rules()
    root.remove()
    assert measure(root).file_count == 0


def test_what_the_store_refuses_to_delete_is_told(s3_store: S3Store, rules: Callable[..., None]) -> None:
    root = s3_store.root("alps/max/g1.zarr")
    root.create().seal(Manifest({}, frozenset()))
    refusal = "<DeleteResult><Error><Key>k</Key><Code>{code}</Code></Error></DeleteResult>"
    rules(Rule("200", method="POST", code="AccessDenied", body=refusal))
    with pytest.raises(StoreFailed, match="AccessDenied"):
        root.remove()


def test_a_read_ends_at_its_deadline_however_often_it_would_be_tried(
    bucket: str, s3: S3Server, rules: Callable[..., None]
) -> None:
    store = S3Store(Bucket(bucket, Patience(silence_s=10, read_s=0.5)), "")
    rules(Rule("stall"))
    with pytest.raises(StoreFailed, match="no answer in time"):
        store.root("alps/max/g1.zarr").read_manifest()
    store.close()


def test_a_write_ends_at_its_deadline_however_often_it_would_be_tried(
    bucket: str, s3: S3Server, rules: Callable[..., None]
) -> None:
    store = S3Store(Bucket(bucket, Patience(silence_s=10, write_s=0.5)), "")
    rules(Rule("stall", method="PUT"))
    folder = store.root("alps/max/g1.zarr").create()
    folder.put(SHARD, b"cells")
    with pytest.raises(StoreFailed, match="no answer in time"):
        folder.flush()
    store.close()


def test_what_is_given_up_is_not_written_any_more(
    bucket: str, s3: S3Server, rules: Callable[..., None]
) -> None:
    store = S3Store(Bucket(bucket, Patience(silence_s=60)), "")
    root = store.root("alps/max/g1.zarr")
    rules(Rule("stall", method="PUT"))
    folder = root.create()
    folder.put(SHARD, b"cells")
    s3.wait_for_request()
    folder.close()
    with pytest.raises(StoreFailed, match="given up"):
        folder.flush()
    rules()
    assert root.read(SHARD) is None
    store.close()


def test_workers_of_a_cluster_write_to_the_bucket_themselves(
    s3: S3Server, s3_store: S3Store, tmp_path: Path
) -> None:
    build, root = planned(tmp_path / "tile"), s3_store.root("alps/max/g1.zarr")
    with LocalCluster(
        n_workers=1, threads_per_worker=2, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    ) as cluster:
        scheduler = ClusterScheduler(cluster.scheduler_address)
        destination = Destination(root=root)
        (written,) = write_pyramids(build, [destination], scheduler, lambda done, total: None)
    assert s3.counts() == {"PUT": written.object_count + 2}
    found = StoredPyramid(root, build.grid, written.manifest_sha256).read_window(0, build.grid.window)
    np.testing.assert_array_equal(found, NATIVE)


# What it costs


def test_few_requests_build_and_fewer_read(on_s3: OnS3, s3: S3Server, tmp_path: Path) -> None:
    build = planned(tmp_path / "tile")
    written = write(build, on_s3.store.below("alps/max").root("g2.zarr"))
    asked = s3.requests()
    # each object, the journal's beginning, the manifest; nothing is looked for, listed or read
    assert Counter(request.split()[0] for request in asked) == {"PUT": written.object_count + 2}
    assert asked[0].endswith("g2.journal/00000000?")
    assert asked[-2].endswith("g2.zarr/zarr.json?")
    assert asked[-1].endswith("g2.manifest.json?")
    reader = fresh(on_s3)
    window = Window(row=40, col=0, height=8, width=16)
    reader.pyramid.read_window(0, window)
    assert s3.counts() == {"GET": 4}  # manifest, group, a shard's index, a chunk
    reader.pyramid.read_window(0, window)
    assert s3.counts() == {"GET": 2}


def test_objects_are_written_beside_each_other(
    bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    patient = S3Store(Bucket(bucket, Patience()), "")
    running: list[int] = []
    put = Bucket.put

    async def watched(bucket: Bucket, key: str, data: bytes) -> None:
        running.append(1)
        most.append(len(running))
        await put(bucket, key, data)
        running.pop()

    most: list[int] = []
    monkeypatch.setattr(Bucket, "put", watched)
    write(planned(tmp_path / "tile"), patient.root("alps/max/g1.zarr"))
    assert 4 <= max(most) <= 16
