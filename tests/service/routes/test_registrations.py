"""Tables of tiles over REST: received, registered as jobs, and what becomes of those that are wrong."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import pytest

from catalog.models import StagedTile
from catalog.repository.keys import Scope
from installations import Installation
from rest import AppClient, add_terrain, open_client, opened_files, problem_in, row_count
from service.creation import TerrainOrder, create_terrain
from service.keys import issue_key
from service.registration_desk import ATTEMPTS
from service.registration_jobs import claim, queue_registration
from tables import COLUMNS, CSV, NDJSON, SIDE, declared, ended, ndjson, save_tiles, send, spooled

pytestmark = pytest.mark.long


def tiles_of(client: AppClient, terrain: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/terrain/{terrain}/tile?limit=1000").json()["tiles"]
    return found


def staged(installation: Installation) -> int:
    return row_count(installation, StagedTile)


def assert_nothing_is_left(installation: Installation) -> None:
    """What a registration needed is removed soon after its end."""
    until = time.monotonic() + 20
    while spooled(installation) or staged(installation):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_table_of_20000_declared_tiles_is_registered_without_opening_one(
    client: AppClient, installation: Installation
) -> None:
    count = 20_000
    save_tiles(installation.tiles, count)
    add_terrain(client, "alps")
    body = ndjson(declared(number) for number in range(count))
    with opened_files.below(installation.tiles) as opened:
        job = ended(client, send(client, "alps", body, NDJSON))
    assert opened == []
    assert (job["state"], job["failure"], job["progress"]) == ("done", None, 1.0)
    assert (job["rows_read"], job["rows_registered"], job["problem_count"]) == (count, count, 0)
    terrain = client.get("/terrain/alps").json()
    assert (terrain["tile_count"], terrain["revision"], terrain["revision"]) == (count, 1, job["revision"])
    assert terrain["size"] == {"height": count // COLUMNS * SIDE, "width": COLUMNS * SIDE}
    first = tiles_of(client, "alps")
    assert [tile["url"] for tile in first] == [f"{number}.npy" for number in range(1000)]
    assert {tile["declared"] for tile in first} == {True}
    assert (first[999]["x"], first[999]["y"], first[999]["nodata"]) == (99 * SIDE, 9 * SIDE, -9999)
    assert first[0]["identity"]["size"] == (installation.tiles / "0.npy").stat().st_size
    assert_nothing_is_left(installation)


def test_a_csv_of_tiles_that_are_looked_at(client: AppClient, installation: Installation) -> None:
    save_tiles(installation.tiles, 3)
    add_terrain(client, "alps", tile_size=SIDE)
    body = '\ufeffurl,x,y,priority,nodata\r\n0.npy,0,0,,\r\n\r\n"1.npy",1,0,2,7\r\n2.npy, 1,1,,nan'
    job = ended(client, send(client, "alps", body.encode(), CSV))
    assert job["problems"] == [
        {"line": 5, "url": "2.npy", "reason": "nodata nan is not a value of int16"},
    ]
    job = ended(client, send(client, "alps", body.replace("nan", "").encode(), CSV))
    assert (job["state"], job["rows_registered"]) == ("done", 3)
    told = [(tile["x"], tile["y"], tile["priority"], tile["nodata"]) for tile in tiles_of(client, "alps")]
    assert told == [(0, 0, 0, None), (4, 0, 2, 7), (4, 4, 0, None)]
    assert not any(tile["declared"] for tile in tiles_of(client, "alps"))


def test_bad_rows_are_listed_with_their_lines_and_nothing_is_registered(
    client: AppClient, installation: Installation
) -> None:
    save_tiles(installation.tiles, 3)
    add_terrain(client, "alps")
    rows = [
        declared(0),
        declared(1, height=None),
        {**declared(2), "hight": 3},
        declared(3),
        declared(2, url="../etc/passwd"),
        declared(0, url="./0.npy"),
        declared(2, dtype="int64"),
        {"url": "2.npy", "x": 1},
        {"url": "2.npy"},
        *(declared(number) for number in range(3, 200)),
    ]
    job = ended(client, send(client, "alps", ndjson(rows) + b"{]\n", NDJSON))
    assert (job["state"], job["rows_registered"], job["revision"]) == ("failed", 0, None)
    assert job["failure"] == {
        "error": "TableRefused",
        "detail": "206 rows cannot be registered, so none was; mend the table and send it again",
    }
    assert (job["problem_count"], len(job["problems"]), job["rows_read"]) == (206, 100, 207)
    reasons = {problem["line"]: problem["reason"] for problem in job["problems"]}
    assert reasons[2] == "height, width and dtype go together: give all of them, or none"
    assert reasons[3] == "hight: Extra inputs are not permitted"
    assert reasons[4] == "no such file below the tile root (ZIGGURAT_TILE_ROOT)"
    assert "leaves the tile root" in reasons[5]
    assert reasons[7].startswith("its dtype is 'int64'; taken are int8")
    assert reasons[8] == "x and y go together; give both or neither"
    assert reasons[9] == "the file is not georeferenced; give its x and y"
    assert 1 not in reasons
    assert tiles_of(client, "alps") == []
    assert_nothing_is_left(installation)


def test_a_source_that_is_named_twice_is_a_problem_of_the_later_row(
    client: AppClient, installation: Installation
) -> None:
    save_tiles(installation.tiles, 2)
    add_terrain(client, "alps")
    body = ndjson([declared(0), declared(1), declared(0, url="./0.npy", x=50)])
    job = ended(client, send(client, "alps", body, NDJSON))
    assert job["problems"] == [{"line": 3, "url": "0.npy", "reason": "named twice in this registration"}]
    assert job["problem_count"] == 1


@pytest.mark.parametrize(
    ("body", "headers", "line", "reason"),
    [
        (b"", NDJSON, 1, "the table has no rows"),
        (b"\n \n", NDJSON, 1, "the table has no rows"),
        (b"url,x,y\n", CSV, 1, "the table has no rows"),
        (b"", CSV, 1, "the first line names the columns, each once, and `url` is one of them"),
        (b"url,url\n", CSV, 1, "the first line names the columns, each once, and `url` is one of them"),
        (b"url,elevation\na,1\n", CSV, 1, "no column 'elevation' is known; there are url, x, y"),
        (b"url,x\na.npy,1,2\n", CSV, 2, "it has 3 cells, the first line names 2"),
        (b'url\n"a.npy\n', CSV, 2, "no CSV from here on: unexpected end of data"),
        (b"url,x\n\xff.npy,0\n", CSV, 2, "url: "),
        (b'{"url": "' + b"a" * 2**17 + b'"}\n', NDJSON, 1, "the line is longer than 65536 bytes"),
        (b'{"url": "\xff.npy"}', NDJSON, 1, "Invalid JSON"),
    ],
)
def test_a_body_that_is_no_table_says_where(
    client: AppClient, body: bytes, headers: dict[str, str], line: int, reason: str
) -> None:
    add_terrain(client, "alps")
    (problem,) = ended(client, send(client, "alps", body, headers))["problems"]
    assert problem["line"] == line
    assert problem["reason"].startswith(reason)


def test_a_table_that_is_too_large_or_for_no_terrain_leaves_nothing(installation: Installation) -> None:
    with open_client(installation, max_table_bytes=1000) as client:
        add_terrain(client, "alps")
        answer = client.post("/terrain/alps/tile", content=b"x" * 1001, headers=NDJSON)
        assert problem_in(answer, 413, "body-too-large")["limit"] == 1000
        answer = client.post("/terrain/none/tile", content=b"x", headers=NDJSON)
        problem_in(answer, 404, "terrain-not-found")
        for none in ("1", "%00", "0" * 32, "0" * 31 + "%00"):
            problem_in(client.get(f"/terrain/alps/registration/{none}"), 404, "registration-not-found")
    assert spooled(installation) == []


def test_a_registration_is_told_to_its_terrain_only(client: AppClient, installation: Installation) -> None:
    save_tiles(installation.tiles, 1)
    add_terrain(client, "alps")
    add_terrain(client, "andes")
    address = send(client, "alps", ndjson([declared(0)]), NDJSON)
    problem_in(client.get(address.replace("alps", "andes")), 404, "registration-not-found")
    assert ended(client, address)["state"] == "done"


# Killed, stopped, repeated


@contextmanager
def started(installation: Installation) -> Iterator[Any]:
    """The service as a process of its own, and a client of it."""
    process = installation.start("serve", "--port", "0")
    try:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "listens on" in line)
        address = line.split("listens on ")[1].split(";")[0]
        with httpx.Client(base_url=address) as client:
            yield process, client
    finally:
        process.kill()
        process.communicate()


def test_a_killed_process_leaves_a_registration_that_the_next_one_carries_out(
    installation: Installation,
) -> None:
    count = 12_000
    save_tiles(installation.tiles, count)
    with started(installation) as (process, client):
        add_terrain(client, "alps")
        address = send(client, "alps", ndjson(declared(number) for number in range(count)), NDJSON)
        while client.get(address).json()["rows_read"] == 0:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert staged(installation) > 0
    assert len(spooled(installation)) == 1
    with open_client(installation) as client:
        assert client.get("/terrain/alps").json()["tile_count"] == 0
        job = ended(client, address)
        assert (job["state"], job["rows_registered"]) == ("done", count)
        assert client.get("/terrain/alps").json()["tile_count"] == count
    assert_nothing_is_left(installation)


def test_a_service_that_stops_leaves_its_registrations_to_the_next_start(installation: Installation) -> None:
    count = 8000
    save_tiles(installation.tiles, count)
    with open_client(installation) as client:
        add_terrain(client, "alps")
        address = send(client, "alps", ndjson(declared(number) for number in range(count)), NDJSON)
    assert len(spooled(installation)) == 1
    with open_client(installation) as client:
        assert ended(client, address)["state"] == "done"


def test_a_table_that_ends_its_process_again_and_again_is_given_up(installation: Installation) -> None:
    save_tiles(installation.tiles, 1)
    (installation.folder / "spool").mkdir()
    with installation.house() as house:
        terrain = create_terrain(house, TerrainOrder(name="alps"))
        job = queue_registration(house, terrain.id, "0" * 32, 1, None)
        for _ in range(ATTEMPTS):
            assert claim(house, job.id) is not None
    (installation.folder / "spool" / f"{job.id}.ndjson").write_bytes(ndjson([declared(0)]))
    with open_client(installation) as client:
        told = ended(client, f"/terrain/alps/registration/{job.id}")
        assert (told["state"], told["failure"]["error"]) == ("failed", "RegistrationAbandoned")
        assert_nothing_is_left(installation)


def test_a_table_of_a_terrain_that_is_deleted_meanwhile_is_left(installation: Installation) -> None:
    count = 8000
    save_tiles(installation.tiles, count)
    with open_client(installation) as client:
        add_terrain(client, "alps")
        address = send(client, "alps", ndjson(declared(number) for number in range(count)), NDJSON)
        while client.get(address).json()["rows_read"] == 0:
            time.sleep(0.01)
        assert client.delete("/terrain/alps").status_code == 204
        assert_nothing_is_left(installation)
        add_terrain(client, "andes", {"url": "0.npy", "x": 0, "y": 0})
        assert ended(client, send(client, "andes", ndjson([declared(1)]), NDJSON))["state"] == "done"


def test_a_table_that_is_sent_again_with_its_key_is_registered_once(
    client: AppClient, installation: Installation
) -> None:
    save_tiles(installation.tiles, 2)
    add_terrain(client, "alps")
    keyed = {**NDJSON, "Idempotency-Key": "nightly-1"}
    body = ndjson([declared(0)])
    address = send(client, "alps", body, keyed)
    assert send(client, "alps", body, keyed) == address
    ended(client, address)
    assert send(client, "alps", body, keyed) == address
    other = client.post("/terrain/alps/tile", content=ndjson([declared(1)]), headers=keyed)
    assert problem_in(other, 409, "request-key-taken")["key"] == "nightly-1"
    as_json = client.post(
        "/terrain/alps/tile", json={"tiles": [{"url": "1.npy"}]}, headers={"Idempotency-Key": "nightly-1"}
    )
    problem_in(as_json, 409, "request-key-taken")
    assert_nothing_is_left(installation)
    add_terrain(client, "andes")
    assert send(client, "andes", body, keyed) != address  # another terrain, another request
    unkeyed = send(client, "alps", body, NDJSON)
    assert unkeyed != address


def test_requests_that_are_repeated_with_their_key_change_nothing_more(
    client: AppClient, installation: Installation
) -> None:
    keyed = {"Idempotency-Key": "first"}
    terrain = {"name": "alps", "title": "The Alps"}
    made, again = (client.post("/terrain", json=terrain, headers=keyed) for _ in range(2))
    assert (made.status_code, again.status_code) == (201, 201)
    assert made.json() == again.json()
    problem_in(client.post("/terrain", json={"name": "andes"}, headers=keyed), 409, "request-key-taken")
    problem_in(client.post("/terrain", json=terrain), 409, "terrain-exists")
    save_tiles(installation.tiles, 2)
    tiles = {"tiles": [{"url": "0.npy", "x": 0, "y": 0}]}
    first, repeated = (client.post("/terrain/alps/tile", json=tiles, headers=keyed) for _ in range(2))
    assert (first.status_code, repeated.status_code) == (201, 201)
    assert first.json() == repeated.json()
    assert client.get("/terrain/alps").json()["revision"] == 1
    # even when the source has changed since: it would be another registration
    np.save(installation.tiles / "new.npy", np.zeros((2, 2), np.int16))
    (installation.tiles / "new.npy").replace(installation.tiles / "0.npy")
    assert client.post("/terrain/alps/tile", json=tiles, headers=keyed).json() == first.json()
    assert client.get("/terrain/alps").json()["revision"] == 1
    problem_in(client.post("/terrain", json=terrain, headers={"Idempotency-Key": "a b"}), 422)


def test_a_refused_request_may_be_sent_again_with_its_key(
    client: AppClient, installation: Installation
) -> None:
    add_terrain(client, "alps")
    keyed, tiles = {"Idempotency-Key": "k"}, {"tiles": [{"url": "0.npy", "x": 0, "y": 0}]}
    problem_in(client.post("/terrain/alps/tile", json=tiles, headers=keyed), 422, "registration-refused")
    save_tiles(installation.tiles, 1)
    assert client.post("/terrain/alps/tile", json=tiles, headers=keyed).status_code == 201


def test_keys_of_requests_are_their_holders_own(installation: Installation) -> None:
    with installation.house() as house:
        one, other = (issue_key(house, "test", Scope.WRITE, None).text for _ in range(2))
    with open_client(installation, auth="keys") as client:
        sent = {"json": {"name": "alps"}}
        headers = {"Authorization": f"Bearer {one}", "Idempotency-Key": "k"}
        assert client.post("/terrain", **sent, headers=headers).status_code == 201
        assert client.post("/terrain", **sent, headers=headers).status_code == 201
        headers["Authorization"] = f"Bearer {other}"
        problem_in(client.post("/terrain", **sent, headers=headers), 409, "terrain-exists")
