"""Pyramids as Zarr groups over HTTP: what readers find, what it costs them, and what they are never told."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import numpy as np
import pytest
import xarray
import zarr
from aiohttp import ClientResponseError

from installations import Installation
from oracle import OracleTile, paint
from raster.datatree import open_pyramid
from raster.errors import PyramidNotFound
from raster.storage.manifest import Manifest
from raw_http import written
from rest import (
    AppClient,
    add_golden,
    add_terrain,
    figure,
    generation_count,
    open_client,
    problem_in,
    serve,
    until,
)
from stored_files import StoredFile
from terrains import UTM

SHAPE = 2100, 2600
"""Four shards of level 0, three of them ragged; levels 2 and up are one chunk."""

VIEWS = ["zarr", "unsharded"]


def wide_cells() -> np.ndarray:
    cells = np.random.default_rng(7).integers(-400, 4000, SHAPE).astype(np.int16)
    cells[:600, :1100] = -9999  # two chunks are all nodata
    return cells


def add_wide(installation: Installation, client: AppClient) -> dict[str, Any]:
    """A terrain of several shards, and its pyramid of the maximum."""
    np.save(installation.tiles / "wide.npy", wide_cells())
    tile = {"url": "wide.npy", "x": 0, "y": 0, "nodata": -9999}
    add_terrain(client, "wide", tile, crs="EPSG:32633", anchor_transform=list(UTM[:6]))
    return build(client, "wide")


@pytest.fixture(scope="module")
def wide(shared_installation: Installation) -> Iterator[AppClient]:
    """A service with that terrain; tests leave it as it is."""
    with open_client(shared_installation) as client:
        add_wide(shared_installation, client)
        yield client


def build(client: AppClient, terrain: str) -> dict[str, Any]:
    answer = client.post(f"/terrain/{terrain}/pyramid/max", headers={"Prefer": "wait=30"})
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()
    return state


def address_of(client: AppClient, terrain: str, view: str = "zarr") -> str:
    url: str = client.get(f"/terrain/{terrain}/pyramid/max").json()["zarr_url"]
    return url.replace("/zarr/", f"/{view}/")


def stored(client: AppClient, terrain: str) -> StoredFile:
    return StoredFile(client.get(f"/terrain/{terrain}/pyramid/max").json()["store_url"])


def test_xarray_opens_both_views_and_finds_the_cells_of_the_terrain(installation: Installation) -> None:
    oracle = paint([OracleTile(0, 0, wide_cells(), nodata=-9999)])
    with open_client(installation) as client:
        add_wide(installation, client)
        addresses = [address_of(client, "wide", view) for view in VIEWS]
    with serve(installation) as service:
        for address in addresses:
            with xarray.open_datatree(f"{service}{address}", engine="zarr") as tree:
                assert len(tree.children) == 13
                for level in range(13):
                    values, valid = oracle.extreme(level, "max")
                    found = np.asarray(tree[f"{level}/elevation"])
                    np.testing.assert_array_equal(~np.isnan(found), valid)
                    np.testing.assert_array_equal(found[valid], values[valid])


def test_the_address_of_a_state_leads_to_the_tree(installation: Installation) -> None:
    with open_client(installation) as client, serve(installation) as service:
        add_golden(installation, client)
        with pytest.raises(PyramidNotFound):
            open_pyramid(f"{service}/terrain/golden/pyramid/max")
        build(client, "golden")
        top = open_pyramid(f"{service}/terrain/golden/pyramid/max", level=-1)
        assert np.asarray(top["elevation"]) == [[87]]


def test_opening_costs_one_request_for_metadata_and_those_for_coordinates(
    installation: Installation,
) -> None:
    with open_client(installation) as client:
        add_golden(installation, client)
        build(client, "golden")
        address = address_of(client, "golden")
    with serve(installation) as service:
        with xarray.open_datatree(f"{service}{address}", engine="zarr", zarr_format=3):
            pass
        with httpx.Client(base_url=service) as client:
            route = "/terrain/{terrain}/zarr/{metric}/{generation}/{key:path}"
            answered = figure(client, "ziggurat_request_seconds_count", route=route, status="2xx")
    # zarr.json, and y and x of each of the four levels
    assert answered == 1 + 2 * 4


def test_an_open_tree_stays_what_it_is_while_others_are_published(installation: Installation) -> None:
    with open_client(installation) as client:
        add_golden(installation, client)
        first = build(client, "golden")
        with serve(installation) as service:
            with xarray.open_datatree(f"{service}{first['zarr_url']}", engine="zarr") as tree:
                values = np.asarray(tree["0/elevation"])
                for number in range(10):
                    np.save(installation.tiles / f"new-{number}.npy", np.full((1, 1), 99, np.int16))
                    tile = {"url": f"new-{number}.npy", "x": number % 7, "y": 0, "priority": number + 1}
                    assert client.post("/terrain/golden/tile", json={"tiles": [tile]}).status_code == 201
                    assert build(client, "golden")["generation"] != first["generation"]
            with xarray.open_datatree(f"{service}{first['zarr_url']}", engine="zarr") as again:
                np.testing.assert_array_equal(np.asarray(again["0/elevation"]), values)
    assert generation_count(installation) == 11


def test_the_view_without_shards_has_the_bytes_of_the_shards(wide: AppClient) -> None:
    root, address = stored(wide, "wide"), address_of(wide, "wide", "unsharded")
    without = zarr.open_array(store=root.url, path="0/elevation", mode="r", zarr_format=3)
    assert without.shards == (2048, 2048)
    described = wide.get(f"{address}/0/elevation/zarr.json").json()
    assert described["chunk_grid"]["configuration"]["chunk_shape"] == [512, 512]
    assert [codec["name"] for codec in described["codecs"]] == ["bytes", "zstd"]
    shard = (root / "0/elevation/c/0/0").read_bytes()
    found = {
        (row, col): wide.get(f"{address}/0/elevation/c/{row}/{col}") for row in range(4) for col in range(4)
    }
    assert {place for place, answer in found.items() if answer.status_code == 404} == {(0, 0), (0, 1)}
    assert all(answer.content in shard for answer in found.values() if answer.status_code == 200)
    assert wide.get(f"{address}/0/elevation/c/4/5").status_code == 200
    for outside in ("5/0", "0/6", "4/6", "99999/0", "00/1", "x/1", "0"):
        problem_in(wide.get(f"{address}/0/elevation/c/{outside}"), 404, "object-not-found")


RANGES = [
    ("bytes=0-9", slice(0, 10)),
    ("bytes=5-", slice(5, None)),
    ("bytes=-20", slice(-20, None)),
    ("bytes=-99999999", slice(None)),
    ("bytes=7-99999999", slice(7, None)),
    ("Bytes= 3-3 ", slice(3, 4)),
]
"""Of objects with more than 20 bytes."""

NO_RANGES = ["bytes=9-3", "bytes=0-1,4-5", "cells=0-9", "bytes=", "bytes=-", "bytes=a-b", "0-9", ""]


@pytest.mark.parametrize("key", ["zarr.json", "0/y/c/0", "0/elevation/c/1/1", "0/elevation/c/0/0"])
@pytest.mark.parametrize(("asked", "part"), RANGES)
def test_a_range_is_those_bytes(wide: AppClient, key: str, asked: str, part: slice) -> None:
    data = (stored(wide, "wide") / key).read_bytes()
    answer = wide.get(f"{address_of(wide, 'wide')}/{key}", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, data[part])
    start, stop, _ = part.indices(len(data))
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(data)}"
    assert answer.headers["content-length"] == str(stop - start)


@pytest.mark.parametrize("key", ["zarr.json", "0/elevation/c/1/1"])
@pytest.mark.parametrize("asked", NO_RANGES)
def test_what_is_no_range_is_answered_with_everything(wide: AppClient, key: str, asked: str) -> None:
    data = (stored(wide, "wide") / key).read_bytes()
    answer = wide.get(f"{address_of(wide, 'wide')}/{key}", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("key", ["zarr.json", "0/elevation/c/1/1"])
@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_behind_the_end_is_refused_with_the_size(wide: AppClient, key: str, asked: str) -> None:
    size = len((stored(wide, "wide") / key).read_bytes())
    answer = wide.get(f"{address_of(wide, 'wide')}/{key}", headers={"Range": asked})
    assert problem_in(answer, 416, "range-not-satisfiable")["size"] == size
    assert answer.headers["content-range"] == f"bytes */{size}"
    assert wide.head(f"{address_of(wide, 'wide')}/{key}", headers={"Range": asked}).status_code == 200


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    "key", ["zarr.json", "0/elevation/zarr.json", "1/elevation/c/0/0", "2/elevation/c/0/0"]
)
def test_an_object_never_changes_under_its_address(wide: AppClient, view: str, key: str) -> None:
    address = f"{address_of(wide, 'wide', view)}/{key}"
    whole = wide.get(address, headers={"Accept-Encoding": "identity"})
    assert whole.status_code == 200
    is_made = view == "unsharded" and key.endswith("zarr.json")
    kept = "public, max-age=3600" if is_made else "public, max-age=31536000, immutable"
    assert whole.headers["cache-control"] == kept
    tag = whole.headers["etag"]
    again = wide.get(address, headers={"If-None-Match": tag, "Accept-Encoding": "identity"})
    assert (again.status_code, again.content) == (304, b"")
    head = wide.head(address, headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert head.headers["etag"] == tag
    part = wide.get(address, headers={"Range": "bytes=0-4", "If-Range": tag})
    assert (part.status_code, part.content) == (206, whole.content[:5])
    other = wide.get(
        address, headers={"Range": "bytes=0-4", "If-Range": '"0"', "Accept-Encoding": "identity"}
    )
    assert (other.status_code, other.content) == (200, whole.content)


def test_a_head_of_cells_reads_but_one_byte(wide: AppClient) -> None:
    root = stored(wide, "wide")
    kept = (root / "0/elevation/c/0/1").read_bytes()
    try:
        # damaged before its end: whoever reads it would notice its length only
        (root / "0/elevation/c/0/1").write_bytes(bytes(len(kept)))
        assert wide.head(f"{address_of(wide, 'wide')}/0/elevation/c/0/1").status_code == 200
    finally:
        (root / "0/elevation/c/0/1").write_bytes(kept)


def test_metadata_is_packed_for_those_who_take_it_and_cells_are_not(wide: AppClient) -> None:
    address = address_of(wide, "wide")
    plain = wide.get(f"{address}/zarr.json", headers={"Accept-Encoding": "identity"})
    packed = wide.get(f"{address}/zarr.json", headers={"Accept-Encoding": "gzip"})
    assert plain.headers.get("content-encoding") is None
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content)) < len(plain.content) / 5
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding, Origin"
    assert packed.headers["etag"] != plain.headers["etag"]
    for taken in ("gzip;q=0", "x-gzip", "br"):
        unpacked = wide.get(f"{address}/zarr.json", headers={"Accept-Encoding": taken})
        assert "content-encoding" not in unpacked.headers
    assert wide.get(f"{address}/zarr.json", headers={"Accept-Encoding": "br, GZIP;q=0.5"}).headers[
        "content-encoding"
    ]
    cells = wide.get(f"{address}/0/elevation/c/1/1", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in cells.headers


@pytest.mark.parametrize("view", VIEWS)
def test_pages_of_any_origin_may_read_ranges(wide: AppClient, view: str) -> None:
    address = f"{address_of(wide, 'wide', view)}/zarr.json"
    origin = {"Origin": "https://maps.example"}
    asking = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
    preflight = wide.request("OPTIONS", address, headers=origin | asking)
    assert preflight.status_code == 200
    assert "range" in preflight.headers["access-control-allow-headers"].lower()
    assert int(preflight.headers["access-control-max-age"]) >= 600
    answer = wide.get(address, headers=origin | {"Range": "bytes=-5"})
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"]
    assert {"Content-Range", "ETag", "Accept-Ranges"} <= set(exposed.split(", "))


def test_what_does_not_exist_is_not_found_and_nothing_is_built(golden: AppClient) -> None:
    golden.get("/terrain/golden/pyramid/max/0")
    builds = figure(golden, "ziggurat_builds_total")
    pinned = address_of(golden, "golden")
    generation = pinned.rpartition("/")[2]
    for address, kind in (
        (f"{pinned}/.zgroup", "object-not-found"),
        (f"{pinned}/", "object-not-found"),
        (f"{pinned}/0/elevation/c/9/9", "object-not-found"),
        (f"{pinned}/%2e%2e/{generation}.manifest.json", "object-not-found"),
        (f"/terrain/golden/zarr/min/{generation}/zarr.json", "generation-not-found"),
        ("/terrain/golden/zarr/max/latest/zarr.json", "generation-not-found"),
        ("/terrain/golden/zarr/max/latest.vrt", "generation-not-found"),
        (f"/terrain/nobody/zarr/max/{generation}/zarr.json", "generation-not-found"),
    ):
        for view in VIEWS:
            if view == "zarr" or not address.endswith(".vrt"):
                # 404 is nodata to readers, and only where it is
                status = 404 if kind == "object-not-found" else 410
                problem_in(golden.get(address.replace("/zarr/", f"/{view}/")), status, kind)
    assert figure(golden, "ziggurat_builds_total") == builds


def test_a_generation_of_another_terrain_is_not_found(client: AppClient, installation: Installation) -> None:
    add_golden(installation, client)
    add_terrain(client, "other", {"url": "west.npy", "x": 0, "y": 0})
    generation = build(client, "golden")["generation"]
    answer = client.get(f"/terrain/other/zarr/max/{generation}/zarr.json")
    problem_in(answer, 410, "generation-not-found")


DAMAGES = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("key", ["zarr.json", "0/elevation/c/0/0"])
def test_what_is_damaged_is_never_answered_and_built_anew(
    client: AppClient, installation: Installation, view: str, key: str, damage: str
) -> None:
    add_golden(installation, client)
    state = build(client, "golden")
    address = f"{address_of(client, 'golden', view)}/{key}"
    DAMAGES[damage](StoredFile(state["store_url"]) / key)
    answer = client.get(address)
    problem_in(answer, 503, "pyramid-corrupt")
    assert int(answer.headers["retry-after"]) > 0
    assert client.get("/terrain/golden/pyramid/max").json()["state"] == "corrupt"
    client.get("/terrain/golden/pyramid/max/0", headers={"Prefer": "wait=30"})
    fresh = address_of(client, "golden", view)
    assert client.get(f"{fresh}/{key}").status_code == 200
    assert fresh not in address


@pytest.mark.parametrize(("view", "key"), [("zarr", "0/zarr.json"), ("unsharded", "1/elevation/c/0/0")])
def test_a_flipped_bit_in_metadata_or_in_an_index_is_found(
    client: AppClient, installation: Installation, view: str, key: str
) -> None:
    file = StoredFile(add_wide(installation, client)["store_url"]) / key
    damaged = bytearray(file.read_bytes())
    damaged[-10] ^= 1
    file.write_bytes(damaged)
    problem_in(client.get(f"{address_of(client, 'wide', view)}/{key}"), 503, "pyramid-corrupt")


LARGE = "0/elevation/c/0/0"
"""A shard of 6 MB: more than is read, and than connections hold, at once."""


def test_a_large_object_that_lacks_its_last_byte_is_found_before_anything_is_sent(
    client: AppClient, installation: Installation
) -> None:
    shard = StoredFile(add_wide(installation, client)["store_url"]) / LARGE
    shard.write_bytes(shard.read_bytes()[:-1])
    address = f"{address_of(client, 'wide')}/{LARGE}"
    assert client.head(address).status_code == 503
    problem_in(client.get(address), 503, "pyramid-corrupt")


def test_an_answer_whose_object_is_lost_meanwhile_breaks_off(installation: Installation) -> None:
    with open_client(installation) as client, serve(installation) as service, socket.socket() as connection:
        shard = StoredFile(add_wide(installation, client)["store_url"]) / LARGE
        size, url = len(shard.read_bytes()), httpx.URL(service)
        connection.settimeout(30)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**14)
        connection.connect((url.host, url.port))
        connection.sendall(written("GET", f"{address_of(client, 'wide')}/{LARGE}"))
        received = connection.recv(1000)
        shard.unlink()
        count = len(received)
        while more := connection.recv(2**16):
            count += len(more)
        assert received.startswith(b"HTTP/1.1 200 ")
        assert count < size
        until(lambda: client.get("/terrain/wide/pyramid/max").json()["state"] == "corrupt")


def hide_cells(path: StoredFile) -> None:
    """Make a manifest of the golden terrain tell of a shard that it holds nodata only."""
    manifest, shard = Manifest.from_json(path.read_bytes()), "0/elevation/c/0/0"
    left = {key: stored for key, stored in manifest.objects.items() if key != shard}
    path.write_bytes(Manifest(left, manifest.empty | {shard}).to_json())


@pytest.mark.parametrize("damage", [*DAMAGES.values(), hide_cells], ids=[*DAMAGES, "hides cells"])
@pytest.mark.parametrize("view", VIEWS)
def test_a_manifest_that_is_another_one_is_never_believed(
    client: AppClient, installation: Installation, view: str, damage: Callable[[StoredFile], object]
) -> None:
    """No cells must not become 404, which is nodata to readers."""
    add_golden(installation, client)
    damage(StoredFile(build(client, "golden")["store_url"].replace(".zarr", ".manifest.json")))
    problem_in(client.get(f"{address_of(client, 'golden', view)}/0/elevation/c/0/0"), 503, "pyramid-corrupt")
    assert client.get("/terrain/golden/pyramid/max").json()["state"] == "corrupt"


def test_a_terrain_that_is_deleted_is_not_found(client: AppClient, installation: Installation) -> None:
    add_golden(installation, client)
    state = build(client, "golden")
    assert client.get(f"{state['zarr_url']}/zarr.json").status_code == 200
    assert client.delete("/terrain/golden").status_code == 204
    (StoredFile(state["store_url"]) / "zarr.json").unlink()
    problem_in(client.get(f"{state['zarr_url']}/zarr.json"), 410, "generation-not-found")


def test_without_public_reading_nothing_is_kept_by_proxies(
    installation: Installation, module_catalogue_url: str
) -> None:
    with open_client(installation) as client:
        add_golden(installation, client)
        address = build(client, "golden")["zarr_url"]
    said = installation.run("key", "create", "reader", "--scope", "read", "--json")
    with open_client(installation, auth="keys", public_reading=False) as client:
        problem_in(client.get(f"{address}/zarr.json"), 401)
        key = {"Authorization": f"Bearer {said.document['key']}"}
        answer = client.get(f"{address}/zarr.json", headers=key)
        assert answer.headers["cache-control"].startswith("private")


def test_an_open_tree_is_told_that_its_generation_is_gone(installation: Installation) -> None:
    with open_client(installation) as client, serve(installation) as service:
        add_golden(installation, client)
        state = build(client, "golden")
        with xarray.open_datatree(f"{service}{state['zarr_url']}", engine="zarr") as tree:
            assert client.delete("/terrain/golden").status_code == 204
            (StoredFile(state["store_url"]) / "0/elevation/c/0/0").unlink()
            with pytest.raises(ClientResponseError, match="410"):
                np.asarray(tree["0/elevation"])


def test_a_vrt_names_every_level_of_the_view_without_shards(wide: AppClient) -> None:
    state = wide.get("/terrain/wide/pyramid/max").json()
    answer = wide.get(state["vrt_url"])
    assert answer.headers["content-type"] == "application/xml"
    band = ET.fromstring(answer.text).find("VRTRasterBand")  # noqa: S314 - our own
    assert band is not None
    names = [each.text for each in band.iter("SourceFilename")]
    path = address_of(wide, "wide", "unsharded")
    base = f"http://ziggurat{path}"
    assert names == [f'ZARR:"/vsicurl/{base}":/{level}/elevation' for level in range(13)]
    assert wide.get(f"{path}/12/elevation/zarr.json").json()["node_type"] == "array"
    assert wide.get(f"{path}/zarr.json").json()["node_type"] == "group"
