from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import numpy as np
import pytest

from installations import Installation, save_geotiff
from make_small_terrains import GOLDEN
from oracle import OracleTile, paint
from raster.cells import Cells
from raster.chunk_cache import ChunkCache
from raster.chunks import ChunkPlace, StoredChunks
from raster.errors import StoreFailed
from rest import AppClient, add_golden, add_terrain, open_client, problem_in
from service.pyramid_schemas import LevelWindowBody
from terrains import UTM

LEVELS = (
    GOLDEN,
    [[62, 37, 66, 36], [87, 74, 53, 12], [15, 41, 59, 0]],
    [[87, 66], [41, 59]],
    [[87]],
)


def read_npy(content: bytes) -> np.ndarray:
    return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))


@pytest.mark.parametrize("level", range(4))
def test_the_golden_levels_are_those_of_the_design(golden: AppClient, level: int) -> None:
    answer = golden.get(f"/terrain/1/pyramid/max/{level}")
    assert answer.status_code == 200
    assert answer.json()["values"] == [list(row) for row in LEVELS[level]]
    from_the_top = golden.get(f"/terrain/golden/pyramid/max/{level - 4}")
    assert from_the_top.json() == answer.json()


@pytest.mark.parametrize("level", [4, -5, 2**53, -(2**53)])
def test_a_level_that_does_not_exist_is_not_found(golden: AppClient, level: int) -> None:
    problem = problem_in(golden.get(f"/terrain/golden/pyramid/max/{level}"), 404, "level-not-found")
    assert (problem["level"], problem["level_count"]) == (level, 4)


def test_a_level_says_what_it_is(golden: AppClient) -> None:
    answer = golden.get("/terrain/golden/pyramid/max/1?row=1&col=2&height=2&width=1")
    body = answer.json()
    LevelWindowBody.model_validate_json(answer.content, strict=True)
    generation = body.pop("generation")
    assert generation == answer.headers["ziggurat-generation"]
    assert answer.headers["ziggurat-state"] == "ready"
    assert body == {
        "terrain_id": 1, "metric": "max", "level": 1, "level_count": 4,
        "row": 1, "col": 2, "height": 2, "width": 1, "level_height": 3, "level_width": 4,
        "missing_tile_count": 0, "dtype": "int16", "nodata": None, "unit": "m", "crs": None,
        "transform": [2.0, 0.0, 4.0, 0.0, -2.0, -2.0], "extent": [4.0, -6.0, 6.0, -2.0],
        "state": "ready", "values": [[53], [59]],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "rows", "cols"),
    [
        ("", slice(0, 5), slice(0, 7)),
        ("row=2", slice(2, 5), slice(0, 7)),
        ("col=6", slice(0, 5), slice(6, 7)),
        ("height=1", slice(0, 1), slice(0, 7)),
        ("row=4&col=6", slice(4, 5), slice(6, 7)),
        ("row=1&col=3&height=3&width=2", slice(1, 4), slice(3, 5)),
    ],
)
def test_a_window_runs_from_its_first_cell_to_its_end_or_to_the_levels(
    golden: AppClient, query: str, rows: slice, cols: slice
) -> None:
    expected = np.array(GOLDEN)[rows, cols]
    assert golden.get(f"/terrain/golden/pyramid/max/0?{query}").json()["values"] == expected.tolist()
    npy = golden.get(f"/terrain/golden/pyramid/max/0?{query}&f=npy")
    np.testing.assert_array_equal(read_npy(npy.content), expected)


@pytest.mark.parametrize(
    "query",
    ["row=5", "col=7", "row=4&height=2", "width=8", "height=6", "row=9007199254740992", "col=1&width=7"],
)
def test_a_window_past_the_edge_is_refused(golden: AppClient, query: str) -> None:
    answer = golden.get(f"/terrain/golden/pyramid/max/0?{query}")
    problem = problem_in(answer, 422, "window-out-of-bounds")
    assert (problem["height"], problem["width"]) == (5, 7)


@pytest.mark.parametrize(
    "query",
    ["row=-1", "col=-1", "height=0", "width=-3", "row=x", "row=1.5", "height=", "row=1e3", f"col={10**30}"],
)
def test_a_window_that_is_none_is_refused(golden: AppClient, query: str) -> None:
    problem = problem_in(golden.get(f"/terrain/golden/pyramid/max/0?{query}"), 422, "request-invalid")
    assert problem["errors"][0]["where"] == f"query.{query.partition('=')[0]}"


@pytest.mark.parametrize("level", ["x", str(10**30), "1.5", "0x1", "%00", "%FF", "NaN"])
def test_a_level_that_is_no_number_is_refused(golden: AppClient, level: str) -> None:
    problem_in(golden.get(f"/terrain/golden/pyramid/max/{level}"), 422, "request-invalid")


def test_an_address_with_a_slash_behind_it_is_another_one(golden: AppClient) -> None:
    answer = golden.get("/terrain/golden/pyramid/max/", follow_redirects=False)
    problem_in(answer, 404)


def test_a_mistyped_parameter_is_not_silently_without_effect(golden: AppClient) -> None:
    problem = problem_in(golden.get("/terrain/golden/pyramid/max/0?heigth=2"), 422, "parameter-unknown")
    assert problem["unknown"] == ["heigth"]
    window = {"row", "col", "height", "width", "bbox", "bbox-crs", "resolution", "max_size"}
    assert set(problem["known"]) == window | {"f", "stale"}


def test_an_unknown_metric_is_not_found_and_the_known_ones_are_named(golden: AppClient) -> None:
    problem = problem_in(golden.get("/terrain/golden/pyramid/maximum/0"), 404, "metric-not-found")
    assert "max" in problem["known"]


def test_a_terrain_without_tiles_has_no_levels(client: AppClient) -> None:
    add_terrain(client, "bare")
    problem_in(client.get("/terrain/bare/pyramid/max/0"), 409, "terrain-empty")


def test_a_terrain_of_one_cell_is_its_only_level(client: AppClient, installation: Installation) -> None:
    np.save(installation.tiles / "cell.npy", np.array([[-7]], dtype=np.int8))
    add_terrain(client, "dot", {"url": "cell.npy", "x": -3, "y": 9})
    for level in (0, -1):
        body = client.get(f"/terrain/dot/pyramid/max/{level}").json()
        assert (body["values"], body["level_count"]) == ([[-7]], 1)
    problem_in(client.get("/terrain/dot/pyramid/max/1"), 404, "level-not-found")


# Nodata


@pytest.fixture
def with_gaps(client: AppClient, installation: Installation) -> np.ndarray:
    """A georeferenced terrain `gaps` of float32 with every kind of what is no measurement."""
    cells = np.array([[1.5, np.nan, -9999], [np.inf, -np.inf, 2.25], [-9999, -9999, 0]], dtype=np.float32)
    save_geotiff(installation.tiles / "gaps.tif", cells, transform=UTM, nodata=-9999)
    add_terrain(client, "gaps", {"url": "gaps.tif"})
    return cells


def refuse_constant(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")


def test_nodata_is_null_and_nothing_that_json_does_not_know_is_in_an_answer(
    client: AppClient, with_gaps: np.ndarray
) -> None:
    answer = client.get("/terrain/gaps/pyramid/max/0")
    body = json.loads(answer.text, parse_constant=refuse_constant)
    assert body["values"] == [[1.5, None, None], [None, None, 2.25], [None, None, 0.0]]
    assert (body["nodata"], body["crs"]) == ("NaN", "EPSG:32632")
    LevelWindowBody.model_validate_json(answer.content, strict=True)


def test_an_npy_answer_holds_the_stored_cells_and_nodata(client: AppClient, with_gaps: np.ndarray) -> None:
    answer = client.get("/terrain/gaps/pyramid/max/0", headers={"accept": "application/x-npy"})
    assert answer.headers["content-type"] == "application/x-npy"
    cells = read_npy(answer.content)
    assert cells.dtype == np.dtype("<f4")
    expected = np.array([[1.5, np.nan, np.nan], [np.nan, np.nan, 2.25], [np.nan, np.nan, 0]], "f4")
    np.testing.assert_array_equal(cells, expected)


def test_gaps_between_integer_tiles_are_null(client: AppClient, installation: Installation) -> None:
    cells = np.array([[255, 0]], dtype=np.uint8)
    np.save(installation.tiles / "byte.npy", cells)
    np.save(installation.tiles / "byte2.npy", cells)
    add_terrain(client, "islands", {"url": "byte.npy", "x": 0, "y": 0}, {"url": "byte2.npy", "x": 3, "y": 1})
    native = paint([OracleTile(0, 0, cells), OracleTile(1, 3, cells)])
    for level in range(native.level_count):
        for metric in ("max", "min"):
            values, valid = native.extreme(level, metric)
            expected = [
                [int(v) if ok else None for v, ok in zip(*row, strict=True)]
                for row in zip(values, valid, strict=True)
            ]
            body = client.get(f"/terrain/islands/pyramid/{metric}/{level}").json()
            assert body["values"] == expected
            assert body["nodata"] not in (None, 255, 0)


# Formats


def test_the_format_is_asked_for_by_name_or_by_accept(golden: AppClient) -> None:
    address = "/terrain/golden/pyramid/max/0"
    npy, json_ = "application/x-npy", "application/json"
    for query, accept, expected in (
        ("", "*/*", json_),
        ("", f"text/html, {npy};q=0.9, {json_};q=0.1", npy),
        ("", f"{npy};q=0.1, {json_};q=0.9", json_),
        ("", f"{json_};q=0, */*", npy),
        ("?f=json", "image/png", json_),
        ("?f=npy", json_, npy),
        ("?f=json", npy, json_),
    ):
        answer = golden.get(f"{address}{query}", headers={"accept": accept})
        assert answer.headers["content-type"] == expected, (query, accept)
        assert "Accept" in answer.headers["vary"]
    problem = problem_in(golden.get(f"{address}?f=gif"), 422, "format-not-supported")
    assert problem["known"] == ["json", "npy", "tif", "png"]
    for accept in ("image/jpeg", f"{json_};q=0", "*/*;q=0"):
        answer = golden.get(address, headers={"accept": accept})
        assert problem_in(answer, 406, "nothing-acceptable")["offered"][:2] == [json_, npy]


# Size


def test_too_many_cells_are_refused_with_the_limit_and_the_finest_level_that_fits(
    installation: Installation,
) -> None:
    np.save(installation.tiles / "a.npy", np.arange(5 * 7, dtype=np.int16).reshape(5, 7))
    with open_client(installation, max_answer_cells=6) as client:
        add_terrain(client, "wide", {"url": "a.npy", "x": 0, "y": 0})
        answer = client.get("/terrain/wide/pyramid/max/0")
        problem = problem_in(answer, 413, "window-too-large")
        assert (problem["cell_count"], problem["limit"], problem["finest_level"]) == (35, 6, 2)
        assert "6" in problem["detail"]
        assert not installation.stored_files(), "a request that is refused starts no build"
        problem_in(client.get("/terrain/wide/pyramid/max/1"), 413)
        assert client.get("/terrain/wide/pyramid/max/2").status_code == 200
        assert client.get("/terrain/wide/pyramid/max/0?height=2&width=3").status_code == 200
        problem_in(client.get("/terrain/wide/pyramid/max/0?height=1"), 413)


# Caches


def test_an_answer_the_client_has_is_not_sent_again(golden: AppClient) -> None:
    address = "/terrain/golden/pyramid/max/0"
    tag = golden.get(address).headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = golden.get(address, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert golden.get(address, headers={"if-none-match": '"other"'}).status_code == 200


def test_tags_tell_windows_formats_metrics_and_generations_apart(
    client: AppClient, installation: Installation
) -> None:
    add_golden(installation, client)
    address = "/terrain/golden/pyramid/max"

    def tags() -> list[str]:
        parts = ("0", "1", "0?row=1", "0?col=1", "0?height=1", "0?width=1", "0?f=npy")
        found = [client.get(f"{address}/{part}").headers["etag"] for part in parts]
        return [*found, client.get("/terrain/golden/pyramid/min/0").headers["etag"]]

    before = tags()
    assert len(set(before)) == len(before)
    assert tags() == before
    assert client.get(f"{address}/-4").headers["etag"] == before[0]
    client.patch("/terrain/golden", json={"unit": "ft"})
    assert not set(before) & set(tags())


@pytest.mark.parametrize(
    "address", ["/terrain/golden/pyramid/max/0", "/terrain", "/terrain/golden", "/terrain/x"]
)
def test_head_answers_as_get_without_the_body(golden: AppClient, address: str) -> None:
    get, head = golden.get(address), golden.head(address)
    assert head.content == b""
    assert head.status_code == get.status_code
    changing = {"x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in get.headers.items() if k not in changing
    }


def test_chunks_of_small_windows_are_decoded_once(
    installation: Installation, client: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_golden(installation, client)
    decoded: list[ChunkPlace] = []
    read = StoredChunks.read

    def watched(
        chunks: StoredChunks, places: Sequence[ChunkPlace]
    ) -> Iterator[tuple[ChunkPlace, Cells | None]]:
        decoded.extend(places)
        return read(chunks, places)

    monkeypatch.setattr(StoredChunks, "read", watched)
    for height in (1, 2, 3):
        assert client.get(f"/terrain/golden/pyramid/max/0?height={height}").status_code == 200
    assert len(decoded) == 1


def test_chunks_of_large_windows_are_not_kept(golden: AppClient, monkeypatch: pytest.MonkeyPatch) -> None:
    # however few cells they have: a row touches as many chunks as a whole level may
    monkeypatch.setattr("service.levels.KEPT_CELLS", 34)  # the golden terrain is one chunk of 35 cells
    monkeypatch.setattr(ChunkCache, "get", lambda *_: pytest.fail("it was kept"))
    assert golden.get("/terrain/golden/pyramid/max/0?height=1&width=1").status_code == 200


def test_a_store_that_cannot_be_read_now_is_no_damage(
    installation: Installation, client: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_golden(installation, client)
    assert client.get("/terrain/golden/pyramid/max/0").status_code == 200

    def fail(*_: object) -> NoReturn:
        raise StoreFailed("0/elevation/c/0/0", "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr("raster.cached_chunks.CachedChunks.read_window", fail)
        answer = client.get("/terrain/golden/pyramid/max/0")
        problem_in(answer, 503, "store-unavailable")
        assert answer.headers["retry-after"]
    assert client.get("/terrain/golden/pyramid/max").json()["state"] == "ready"
    assert client.get("/terrain/golden/pyramid/max/0").status_code == 200
