"""Bytes by range: each is fetched once, by whoever needs it first, and is of the content that is wanted."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from raster.errors import CacheFailed, SourceChanged, SourceUnreachable
from raster.sources.ranges import SourceIdentity
from raster.sources.remote.answers import Again, Answer
from raster.sources.remote.asking import Clock
from raster.sources.remote.cache import BLOCK_BYTES
from raster.sources.remote.policy import Patience
from raster.sources.remote.ranges import _blocks
from raster.sources.remote.remote import RemoteSources
from web_server import WebServer, etag_of, web_server

DATA = np.random.default_rng(0).bytes(40 * BLOCK_BYTES + 1000)

Open = Callable[..., RemoteSources]


def read(
    sources: RemoteSources, url: str, start: int, length: int, known: SourceIdentity | None = None
) -> bytes:
    buffer = bytearray(length)
    got = sources.open(url, known).read_into(start, buffer)
    return bytes(buffer[:got])


def test_a_range_is_that_of_the_file(sources: RemoteSources, site: WebServer) -> None:
    ranges = sources.open(site.put("deep/a.npy", DATA))
    assert (ranges.name, ranges.size) == ("a.npy", len(DATA))
    assert ranges.identity == SourceIdentity(size=len(DATA), etag=etag_of(DATA))
    for start, length in [
        (0, 10),
        (BLOCK_BYTES - 5, 10),
        (7, 3 * BLOCK_BYTES),
        (len(DATA) - 4, 10),
        (0, len(DATA)),
    ]:
        assert read(sources, ranges.url, start, length, ranges.identity) == DATA[start : start + length]
    assert read(sources, ranges.url, len(DATA) + 10, 10, ranges.identity) == b""
    assert site.sent_bytes == len(DATA)


def test_to_look_at_a_source_costs_one_request_of_a_block(sources: RemoteSources, site: WebServer) -> None:
    assert read(sources, site.put("a.npy", DATA), 0, 100) == DATA[:100]
    assert [asked.range for asked in site.asked] == [f"bytes=0-{BLOCK_BYTES - 1}"]
    assert site.sent_bytes == BLOCK_BYTES


def test_what_is_wanted_at_once_is_asked_for_at_once(sources: RemoteSources, site: WebServer) -> None:
    ranges = sources.open(site.put("a.npy", DATA))
    ranges.read_into(20 * BLOCK_BYTES + 3, bytearray(4 * BLOCK_BYTES))
    assert [asked.range for asked in site.asked][1:] == [f"bytes={20 * BLOCK_BYTES}-{25 * BLOCK_BYTES - 1}"]


def test_one_that_is_read_in_its_order_is_read_ahead(sources: RemoteSources, site: WebServer) -> None:
    ranges = sources.open(site.put("a.npy", DATA))
    for start in range(0, len(DATA), 1000):
        ranges.read_into(start, bytearray(1000))
    assert len(site.asked) <= 8
    assert site.sent_bytes == len(DATA)


def test_what_was_fetched_is_not_fetched_again_by_anybody(open_sources: Open, site: WebServer) -> None:
    url = site.put("a.npy", DATA)
    known = open_sources().open(url).identity
    assert read(open_sources(), url, 0, len(DATA), known) == DATA
    fetched = site.sent_bytes
    assert read(open_sources(), url, 0, len(DATA), known) == DATA
    assert site.sent_bytes == fetched == len(DATA)
    assert site.asked[-1].range == "bytes=0-0", "whether it is the same"


def test_threads_fetch_each_block_once(sources: RemoteSources, site: WebServer) -> None:
    url = site.put("a.npy", DATA)
    known = sources.open(url).identity
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read(sources, url, 0, len(DATA), known), range(16)))
    assert set(found) == {DATA}
    assert site.sent_bytes == len(DATA)


READING = """
import pickle, sys
from hashlib import sha256
sources, url, known = pickle.loads(bytes.fromhex(sys.argv[1]))
ranges = sources.open(url, known)
buffer = bytearray(ranges.size)
ranges.read_into(0, buffer)
print(sha256(buffer).hexdigest())
"""


def test_processes_fetch_each_block_once(sources: RemoteSources, site: WebServer) -> None:
    url = site.put("a.npy", DATA)
    known = sources.open(url).identity
    told = pickle.dumps((sources, url, known)).hex()
    command = [sys.executable, "-c", READING, told]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {reader.communicate(timeout=60)[0] for reader in readers}
    assert len(said) == 1
    assert site.sent_bytes <= len(DATA) + 3


def test_a_server_without_ranges_gives_all_once(open_sources: Open) -> None:
    with web_server(knows_ranges=False) as site:
        url = site.put("a.npy", DATA)
        known = open_sources().open(url).identity
        assert read(open_sources(), url, 5 * BLOCK_BYTES, 100, known) == DATA[5 * BLOCK_BYTES :][:100]
        assert site.sent_bytes == len(DATA)


def test_the_cache_stays_within_its_bound(open_sources: Open, site: WebServer, tmp_path: Path) -> None:
    limit = 16 * BLOCK_BYTES
    sources = open_sources(cache_bytes=limit)
    urls = [site.put(f"{at}.npy", DATA) for at in range(3)]
    for url in urls:
        assert read(sources, url, 0, len(DATA)) == DATA, "what does not fit is fetched again"
    kept = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*"))
    assert kept <= 2.5 * limit


@pytest.mark.parametrize("damage", [b"", bytes(200)], ids=["empty", "short"])
def test_what_a_full_disk_left_is_fetched_again(
    open_sources: Open, site: WebServer, tmp_path: Path, damage: bytes
) -> None:
    url = site.put("a.npy", DATA)
    known = open_sources().open(url).identity
    for path in (tmp_path / "cache").rglob("*"):
        if path.is_file():
            path.write_bytes(damage)
    assert read(open_sources(), url, 0, 100, known) == DATA[:100]


def test_a_disk_that_takes_nothing_is_our_failure(
    open_sources: Open, site: WebServer, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheFailed):
        open_sources(cache=tmp_path / "file" / "cache").open(site.put("a.npy", DATA))


@pytest.mark.parametrize("tells_etag", [True, False])
def test_another_content_is_not_read_as_the_one_that_is_known(open_sources: Open, tells_etag: bool) -> None:
    with web_server(tells_etag=tells_etag) as site:
        url = site.put("a.npy", DATA)
        known = open_sources().open(url).identity
        site.put("a.npy", DATA[:-1])
        with pytest.raises(SourceChanged):
            open_sources().open(url, known)


def test_a_change_is_noticed_at_the_next_range(sources: RemoteSources, site: WebServer) -> None:
    ranges = sources.open(site.put("a.npy", DATA))
    site.put("a.npy", DATA[::-1])
    assert ranges.read_into(0, bytearray(10)) == 10, "that is here"
    with pytest.raises(SourceChanged):
        ranges.read_into(10 * BLOCK_BYTES, bytearray(10))


def test_what_changed_is_fetched_anew(open_sources: Open, site: WebServer) -> None:
    url = site.put("a.npy", DATA)
    assert read(open_sources(), url, 0, 100) == DATA[:100]
    site.put("a.npy", DATA[::-1])
    assert read(open_sources(), url, 0, 100) == DATA[::-1][:100]


def test_weak_tags_are_compared_and_not_sent(sources: RemoteSources, site: WebServer) -> None:
    url = site.put("a.npy", DATA)
    site.fault("a.npy", lambda handler: handler.give_file(DATA, 'W/"weak"'), ...)
    known = sources.open(url).identity
    assert known.etag == 'W/"weak"'
    assert read(sources, url, 5 * BLOCK_BYTES, 10, known) == DATA[5 * BLOCK_BYTES :][:10]
    assert all("If-Match" not in asked.headers for asked in site.asked)


def test_whole_sources_are_not_downloaded_to_see_whether_they_changed(open_sources: Open) -> None:
    with web_server(knows_ranges=False, tells_etag=False) as site:
        large = bytes(2**26)
        known = open_sources().open(site.put("a.npy", large)).identity
        before = site.sent_bytes
        open_sources().open(site.url("a.npy"), known)
        assert site.sent_bytes - before < len(large) / 2


@pytest.mark.parametrize(("sent", "error"), [(5, Again), (7, SourceUnreachable)])
def test_an_answer_has_as_many_bytes_as_it_says(sent: int, error: type[Exception]) -> None:
    """Of HTTP its client sees to that; not every one does."""

    async def chunks() -> AsyncIterator[bytes]:
        yield bytes(sent)

    async def take_all() -> None:
        answer = Answer(identity=SourceIdentity(size=6), start=0, stop=6, chunks=chunks())
        async with asyncio.timeout(30) as timeout:
            async for _ in _blocks("a.npy", answer, Clock(Patience(), timeout)):
                pass

    with pytest.raises(error):
        asyncio.run(take_all())


def test_a_server_that_is_gone_is_told(sources: RemoteSources) -> None:
    with web_server() as site:
        url = site.url("a.npy")
    with pytest.raises(SourceUnreachable, match="connection"):
        sources.open(url)
