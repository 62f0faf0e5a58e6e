"""JSON in a request: one reading is left of it, and what is no JSON is told apart from what is not wanted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from installations import Installation
from rest import AppClient, open_client, problem_in
from service.json_bodies import read_json
from service.request_errors import BodyMalformed

JSON = "application/json"


@pytest.fixture
def client(installation: Installation) -> Iterator[AppClient]:
    with open_client(installation) as client:
        yield client


def test_json_is_read() -> None:
    value = {"a": [1, -0.5, 1e3, True, None, "Möwe \U0001f3d4"], "b": {"a": {}}}
    written = '{"a": [1, -0.5, 1e3, true, null, "Möwe \\ud83c\\udfd4"], "b": {"a": {}}}'
    assert read_json(written.encode()) == value


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "line 1, column 2"),
        (b"1\n2", "line 2, column 1"),
        (b"", "line 1, column 1"),
        (b"NaN", "NaN is no number"),
        (b'{"a": -Infinity}', "-Infinity is no number"),
        (b'{"a": 1, "a": 1}', "a name twice"),
        (b'[{"b": {"a": 1, "\\u0061": 2}}]', "a name twice"),
        (b'"\xff"', "byte 1 is not UTF-8"),
        (b'"\xed\xa0\x80"', "byte 1 is not UTF-8"),
        (b'\xef\xbb\xbf"a"', "BOM"),
        (b"9" * 5000, "too many digits"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_what_leaves_open_what_it_says_is_no_json(content: bytes, reason: str) -> None:
    with pytest.raises(BodyMalformed, match=reason):
        read_json(content)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"name": "a", "tile_size": true}', "body.tile_size"),
        (b'{"name": "a", "tile_size": "1"}', "body.tile_size"),
        (b'{"name": "a", "tile_size": 1.5}', "body.tile_size"),
        (b'{"name": "a", "nodata": "1"}', "body.nodata"),
        (b'{"name": "a", "nodata": 1e400}', "body.nodata"),
        (b'{"name": 1}', "body.name"),
    ],
)
def test_a_value_of_another_kind_is_not_taken_for_the_right_one(
    client: AppClient, body: bytes, where: str
) -> None:
    answer = client.post("/terrain", content=body, headers={"Content-Type": JSON})
    assert problem_in(answer, 422, "request-invalid")["errors"][0]["where"] == where


def test_whole_numbers_may_be_written_as_others(client: AppClient) -> None:
    body = b'{"name": "a", "tile_size": 2.0, "nodata": -9999}'
    answer = client.post("/terrain", content=body, headers={"Content-Type": JSON})
    assert (answer.json()["tile_size"], answer.json()["nodata"]) == (2, -9999.0)


@pytest.mark.parametrize(
    ("headers", "header"),
    [
        ([], "Content-Type"),
        ([("Content-Type", "text/plain")], "Content-Type"),
        ([("Content-Type", "text/csv")], "Content-Type"),
        ([("Content-Type", "application/json-seq")], "Content-Type"),
        ([("Content-Type", JSON), ("Content-Type", "text/plain")], "Content-Type"),
        ([("Content-Type", JSON), ("Content-Encoding", "gzip")], "Content-Encoding"),
    ],
)
def test_a_body_of_another_kind_is_not_read(
    client: AppClient, headers: list[tuple[str, str]], header: str
) -> None:
    answer = client.post("/terrain", content=b'{"name": "a"}', headers=headers)
    assert problem_in(answer, 415, "media-type-not-taken")["header"] == header


@pytest.mark.parametrize("media_type", ["Application/JSON", "application/json ; charset=utf-8"])
def test_a_media_type_may_be_written_in_other_ways(client: AppClient, media_type: str) -> None:
    answer = client.post("/terrain", content=b'{"name": "a"}', headers={"Content-Type": media_type})
    assert answer.status_code == 201


def test_a_body_that_is_missing_is_missed(client: AppClient) -> None:
    assert problem_in(client.post("/terrain"), 422, "request-invalid")["errors"][0]["where"] == "body"


def test_the_name_of_a_field_is_cut_short(client: AppClient) -> None:
    answer = client.post("/terrain", json={"name": "a", "b" * 10**6: 1})
    problem_in(answer, 422, "request-invalid")
    assert len(answer.content) < 2_000


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/health/live", "GET, HEAD"),
        ("/terrain", "GET, HEAD, POST"),
        ("/terrain/golden", "GET, HEAD, PATCH, DELETE"),
        ("/terrain/golden/tile", "GET, HEAD, POST"),
        ("/terrain/tile/1", "GET, HEAD, PATCH, DELETE"),
        ("/terrain/tile/1/stats", "GET, HEAD"),
        ("/terrain/golden/pyramid/max", "GET, HEAD, POST, DELETE"),
        ("/terrain/golden/pyramid/max/0", "GET, HEAD"),
    ],
)
def test_who_asks_with_another_method_is_told_all_there_are(
    client: AppClient, path: str, allowed: str
) -> None:
    for method in ("PUT", "TRACE", "PROPFIND"):
        answer = client.request(method, path)
        problem_in(answer, 405)
        assert answer.headers["allow"] == allowed


def test_an_address_has_one_spelling(client: AppClient) -> None:
    for path in ("/terrain/", "http://ziggurat//terrain", "/terrain/golden/", "/Terrain"):
        problem_in(client.get(path), 404)
