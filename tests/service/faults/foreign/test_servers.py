"""Servers of sources that fail, lie, change their minds, or give without end."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foreign import large, npy, reason_of, register, sources, tile_id
from installations import Installation
from memory import watched_memory
from rest import AppClient, open_client, problem_in
from web_server import Fault, Handler, WebServer, drip, half, never, stall, status, web_server

TOP = "/terrain/alps/pyramid/max/-1"
MB = 2**20
ENORMOUS = f"bytes 0-65535/{10**15}"


@pytest.fixture
def tile(client: AppClient, site: WebServer) -> str:
    """A tile that is registered, and of which most is still to be fetched; its address in REST."""
    return f"/terrain/tile/{tile_id(register(client, site.put('a.npy', npy(large()))))}"


@pytest.mark.parametrize(
    ("fault", "code", "kind", "tries"),
    [
        (status(404), 502, "source-not-found", 1),
        (status(403), 502, "source-unreachable", 1),
        (status(500), 502, "source-unreachable", 3),
        (half, 502, "source-unreachable", 3),
        (never, 504, "source-too-slow", None),
        (stall, 504, "source-too-slow", None),
        (drip, 504, "source-too-slow", 1),
    ],
    ids=["404", "403", "500", "half", "never", "stall", "drip"],
)
def test_row_38_what_is_wrong_with_a_server_is_told(
    client: AppClient, site: WebServer, tile: str, fault: Fault, code: int, kind: str, tries: int | None
) -> None:
    site.fault("a.npy", fault, ...)
    before = len(site.asked)
    problem = problem_in(client.get(f"{tile}/stats"), code, kind)
    assert problem["source"] == site.url("a.npy")
    assert tries in {None, len(site.asked) - before}
    site.fault("a.npy")
    assert client.get(f"{tile}/stats").status_code == 200


def test_row_38_a_host_that_fails_is_left_alone(client: AppClient, site: WebServer) -> None:
    for name in "abcdefgh":
        site.fault(f"{name}.npy", status(503), ...)
    urls = [site.url(f"{name}.npy") for name in "abcdefgh"]
    for url in urls:
        assert reason_of(register(client, url))[0] == "source-unreachable"
    assert len(site.asked) == 5 * 3


def test_row_38_a_build_names_all_tiles_that_cannot_be_had(client: AppClient, site: WebServer) -> None:
    urls = [site.put(f"{name}.npy", npy(large())) for name in "abcd"]
    assert register(client, *urls).status_code == 201
    site.fault("b.npy", status(403), ...)
    del site.files["/c.npy"]
    problem = problem_in(client.get(TOP), 502, "sources-unavailable")
    assert problem["tile_count"] == 2
    assert {each["source"]: each["kind"] for each in problem["tiles"]} == {
        urls[1]: "SourceUnreachable",
        urls[2]: "SourceNotFound",
    }
    state = client.get("/terrain/alps/pyramid/max").json()
    assert (state["state"], state["failure"]["error"]) == ("failed", "SourcesUnavailable")
    assert problem_in(client.get(TOP), 502, "sources-unavailable")["tiles"] == problem["tiles"], "from memory"


def test_row_39_what_passes_is_waited_for(client: AppClient, site: WebServer) -> None:
    site.put("a.npy", npy(large()))
    site.fault("a.npy", status(503), status(503))
    assert register(client, site.url("a.npy")).status_code == 201
    assert len(site.asked) == 3
    site.put("b.npy", npy(large()))
    site.fault("b.npy", status(429, **{"Retry-After": "1"}))
    began = time.monotonic()
    assert register(client, site.url("b.npy")).status_code == 201
    assert time.monotonic() - began >= 1
    assert len(site.asked) == 5


def test_row_39_a_server_that_wants_to_be_left_alone_for_long_is_given_up(
    client: AppClient, site: WebServer
) -> None:
    site.put("a.npy", npy(large()))
    site.fault("a.npy", status(429, **{"Retry-After": "3600"}))
    assert reason_of(register(client, site.url("a.npy")))[0] == "source-unreachable"
    assert len(site.asked) == 1


def says(code: int, body: bytes, **headers: str) -> Fault:
    """An answer whose head is made up; the connection ends with it."""

    def answer(handler: Handler) -> None:
        handler.give(code, b"", **{name.replace("_", "-"): value for name, value in headers.items()})
        handler.send(body)
        handler.close_connection = True

    return answer


def packed(handler: Handler) -> None:
    """16 MB of zeros, gzipped, as if to be unpacked on the way."""
    handler.give(200, gzip.compress(bytes(16 * MB)), **{"Content-Encoding": "gzip"})


def endless(handler: Handler) -> None:
    """A body without end."""
    handler.give(200, b"", **{"Content-Length": str(10**15)})
    while not handler.site.closing.is_set():
        handler.send(bytes(MB))


def endless_chunks(handler: Handler) -> None:
    """One without length."""
    handler.give(200, b"", **{"Transfer-Encoding": "chunked"})
    while not handler.site.closing.is_set():
        handler.send(b"%x\r\n%b\r\n" % (MB, bytes(MB)))


@pytest.mark.parametrize(
    "fault",
    [
        says(200, b"short", Content_Length="100000"),
        says(206, b"x" * 10, Content_Length="10", Content_Range="bytes 5-14/100"),
        says(206, b"x" * 10, Content_Length="10", Content_Range="bytes 0-9/*"),
        says(206, b"x" * 10, Content_Length="10", Content_Range="bytes 0-9/100000"),
        says(206, b"x" * 10, Content_Length="20", Content_Range="bytes 0-9/10"),
        says(206, b"x" * 10, Content_Length="10", Content_Range="bytes 0-9/10, 11-12/10"),
        says(206, b"x" * 10, Content_Length="10"),
        says(200, b"4\r\nabcd\r\n", Transfer_Encoding="chunked"),
        says(200, b"truncated", Connection="close", Transfer_Encoding="identity"),
        says(200, b"", Content_Length="0"),
        says(416, b"", Content_Length="0", Content_Range="bytes */0"),
        says(204, b"", Content_Length="0"),
        says(200, b"x", Content_Length="abc"),
        says(200, b"x", **{"Content-Length": "1", "X-Long": "y" * 10**5}),
        lambda handler: handler.send(b"this is no HTTP\r\n\r\n"),
    ],
    ids=range(15),
)
def test_row_40_lies_are_not_registered(client: AppClient, site: WebServer, fault: Fault) -> None:
    site.fault("a.npy", fault, ...)
    kind, _ = reason_of(register(client, site.url("a.npy")))
    assert kind in {"source-unreachable", "source-unreadable", "source-refused"}
    assert client.get("/terrain/alps").json()["tile_count"] == 0


def test_row_40_what_comes_beyond_the_announced_length_is_not_taken(
    client: AppClient, site: WebServer
) -> None:
    """It depends on when it comes whether it is noticed."""
    data = npy(np.ones((4, 4), np.int16))
    site.fault("a.npy", says(200, data + b"more" * 1000, Content_Length=str(len(data))), ...)
    answer = register(client, site.url("a.npy"))
    if answer.status_code == 201:
        assert answer.json()["tiles"][0]["identity"]["size"] == len(data)
    else:
        assert reason_of(answer)[0] == "source-unreachable"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (status(200, **{"Content-Length": str(10**15)}), "source-refused"),
        (says(206, bytes(2**16), Content_Length="65536", Content_Range=ENORMOUS), "source-refused"),
        (endless, "source-refused"),
        (endless_chunks, "source-refused"),
        (packed, "source-unreachable"),
    ],
    ids=["announced", "by ranges", "endless", "chunks", "packed"],
)
def test_row_41_what_is_too_large_is_refused_before_it_comes(
    client: AppClient, site: WebServer, fault: Fault, kind: str
) -> None:
    site.fault("a.npy", fault, ...)
    with watched_memory() as growth:
        assert reason_of(register(client, site.url("a.npy")))[0] == kind
    assert growth.peak < 64 * MB
    assert sum(path.stat().st_size for path in site_cache(client).rglob("*") if path.is_file()) == 0


def site_cache(client: AppClient) -> Path:
    """Where its sources are kept."""
    cache = client.app.state.desk.house.settings.sources.cache
    assert isinstance(cache, Path)
    return cache


def test_row_41_a_source_without_ranges_that_is_too_large_to_keep_is_refused(
    installation: Installation,
) -> None:
    small = sources(installation.folder, cache_bytes="16MiB")
    with web_server(knows_ranges=False) as site, open_client(installation, sources=small) as client:
        site.put("a.npy", bytes(9 * MB))
        kind, reason = reason_of(register(client, site.url("a.npy")))
        assert (kind, "ranges" in reason) == ("source-refused", True)


def test_row_44_a_source_that_changed_before_the_build_is_told(
    client: AppClient, site: WebServer, tile: str
) -> None:
    site.put("a.npy", npy(large(1)))
    problem_in(client.get(TOP), 409, "source-changed")
    assert register(client, site.url("a.npy")).status_code == 201
    assert client.get(TOP).json()["values"] == [[int(large(1).max())]]


def ignoring_conditions(data: bytes) -> Callable[[Handler], None]:
    """Another file, whatever the request says of the one it wants."""

    def answer(handler: Handler) -> None:
        for name in ("If-Match", "If-None-Match"):
            del handler.headers[name]
        handler.give_file(data)

    return answer


@pytest.mark.parametrize("obeys", [True, False])
def test_row_44_one_that_changes_in_the_midst_of_a_build_is_not_mixed(
    client: AppClient, site: WebServer, tile: str, obeys: bool
) -> None:
    """The build has asked whether it is the same, then it changes."""
    old, new = site.files["/a.npy"], npy(large(1))

    def change(handler: Handler) -> None:
        handler.give_file(old)
        site.put("a.npy", new)
        if not obeys:
            site.fault("a.npy", ignoring_conditions(new), ...)

    site.fault("a.npy", change)
    problem_in(client.get(TOP), 409, "source-changed")
    assert client.get("/terrain/alps/pyramid/max").json()["generation"] is None


def test_row_44_a_published_pyramid_needs_its_sources_no_more(
    client: AppClient, site: WebServer, tile: str
) -> None:
    assert client.get(TOP).status_code == 200
    site.files.clear()
    before = len(site.asked)
    assert client.get(TOP).json()["values"] == [[int(large().max())]]
    assert len(site.asked) == before
