"""Values at points against plain numpy on all cells, wherever chunks, shards and edges lie."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oracle import OracleTile
from raster.cells import CellType
from raster.chunks import StoredChunks
from raster.places import Places
from raster.points import Finding, GatheredCells, Interpolation, PointValues, gather_cells, read_points
from terrains import BuiltPyramid, build, save_mosaic, value_type

SHARD, CHUNK = 16, 8
KINDS = ("int16", "float32", "no nodata")


def make_cells(kind: str) -> np.ndarray:
    """45 x 70 cells of several shards, some of them, and some whole chunks and a shard, nodata."""
    cells = (
        np.random.default_rng(7)
        .integers(-50, 900, (45, 70))
        .astype(np.uint16 if kind == "no nodata" else kind)
    )
    if kind != "no nodata":
        cells[np.random.default_rng(8).random(cells.shape) < 0.15] = -99
        cells[:8, 8:16] = -99
        cells[16:32, 32:48] = -99
    return cells


@pytest.fixture(scope="module")
def pyramids(tmp_path_factory: pytest.TempPathFactory) -> dict[str, BuiltPyramid]:
    built = {}
    for kind in KINDS:
        folder = tmp_path_factory.mktemp("points")
        nodata = None if kind == "no nodata" else -99.0
        mosaic = save_mosaic(folder, [OracleTile(0, 0, make_cells(kind), nodata)])
        built[kind] = build(mosaic, "max", folder / "p.zarr", shard_cells=SHARD, chunk_cells=CHUNK)
    return built


def look(
    pyramid: BuiltPyramid, places: list[tuple[float, float]], interpolation: Interpolation, level: int = 0
) -> PointValues:
    chunks, cell_type = opened(pyramid, level)
    rows, cols = (np.array(axis, float) for axis in zip(*places, strict=True))
    return read_points(chunks, cell_type, Places(rows, cols), interpolation)


def opened(pyramid: BuiltPyramid, level: int = 0) -> tuple[StoredChunks, CellType]:
    value = pyramid.plan.pyramids[0].reduction.value
    return pyramid.stored.open_chunks(level), value_type(value)


def expected(
    cells: np.ndarray, valid: np.ndarray, row: float, col: float
) -> tuple[float, float] | str | None:
    """Nearest and bilinear by the words of the rule; None for nodata."""
    height, width = cells.shape
    if not (0 <= row <= height and 0 <= col <= width):
        return "outside"
    own = min(int(row), height - 1), min(int(col), width - 1)
    if not valid[own]:
        return None
    summed = total = 0.0
    for r in range(max(0, own[0] - 1), min(height, own[0] + 2)):
        for c in range(max(0, own[1] - 1), min(width, own[1] + 2)):
            down = 1 - abs(min(max(row, 0.5), height - 0.5) - (r + 0.5))
            right = 1 - abs(min(max(col, 0.5), width - 0.5) - (c + 0.5))
            if down > 0 and right > 0 and valid[r, c]:
                summed += down * right * float(cells[r, c])
                total += down * right
    return float(cells[own]), summed / total


def border(size: int) -> st.SearchStrategy[float]:
    """Places on, just beside and far from the borders of chunks, shards and the terrain."""
    beside = st.sampled_from([-1.0, -0.5, -1e-3, 0.0, 1e-3, 0.25, 0.5, 1.0])
    lines = st.sampled_from([*range(0, size, CHUNK), size])
    return st.builds(lambda line, by: line + by, lines, beside) | st.floats(-3, size + 3)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.tuples(border(45), border(70)), min_size=1, max_size=40))
def test_points_equal_plain_numpy(
    pyramids: dict[str, BuiltPyramid], kind: str, places: list[tuple[float, float]]
) -> None:
    cells = make_cells(kind)
    valid = np.ones(cells.shape, bool) if kind == "no nodata" else cells != -99
    nearest = look(pyramids[kind], places, Interpolation.NEAREST)
    bilinear = look(pyramids[kind], places, Interpolation.BILINEAR)
    np.testing.assert_array_equal(nearest.findings, bilinear.findings)
    for index, (row, col) in enumerate(places):
        answer = expected(cells, valid, row, col)
        finding = Finding(nearest.findings[index])
        if isinstance(answer, str) and finding is not Finding.OUTSIDE:
            assert min(abs(row), abs(row - 45), abs(col), abs(col - 70)) <= 1e-6
        elif isinstance(answer, str):
            continue
        elif answer is None:
            assert finding is Finding.NODATA
        else:
            assert finding is Finding.VALUE
            assert nearest.values[index] == answer[0]
            assert math.isclose(bilinear.values[index], answer[1], rel_tol=1e-9, abs_tol=1e-6)


def test_a_plane_has_no_seam_anywhere(tmp_path: Path) -> None:
    rows, cols = np.mgrid[0:40, 0:50]
    plane = (3.0 * rows - 2.0 * cols + 7).astype(np.float64)
    tiles = [OracleTile(0, 0, plane[:, :21]), OracleTile(0, 21, plane[:, 21:])]
    pyramid = build(save_mosaic(tmp_path, tiles), "max", tmp_path / "p.zarr", shard_cells=16, chunk_cells=8)
    at = np.random.default_rng(3).uniform((0.5, 0.5), (39.5, 49.5), (3000, 2))
    found = look(pyramid, [tuple(each) for each in at.tolist()], Interpolation.BILINEAR)
    assert (found.findings == Finding.VALUE).all()
    np.testing.assert_allclose(found.values, 3 * (at[:, 0] - 0.5) - 2 * (at[:, 1] - 0.5) + 7, atol=1e-9)


@contextmanager
def decoded_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Chunks that are decoded meanwhile."""
    seen: list[str] = []
    decode = StoredChunks._decode

    def note(self: StoredChunks, data: bytes, part: object) -> np.ndarray:
        seen.append(str(part))
        return decode(self, data, part)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(StoredChunks, "_decode", note)
        yield seen


@pytest.mark.parametrize("interpolation", Interpolation)
def test_each_chunk_is_decoded_once(
    pyramids: dict[str, BuiltPyramid], monkeypatch: pytest.MonkeyPatch, interpolation: Interpolation
) -> None:
    places = np.random.default_rng(1).uniform(0, (45, 70), (2000, 2))
    around = 0.0 if interpolation is Interpolation.NEAREST else 0.5
    touched = {
        (min(max(int(row + down), 0), 44) // CHUNK, min(max(int(col + right), 0), 69) // CHUNK)
        for row, col in places.tolist()
        for down in (-around, around)
        for right in (-around, around)
    }
    with decoded_chunks(monkeypatch) as seen:
        found = look(pyramids["no nodata"], [tuple(each) for each in places.tolist()], interpolation)
    assert found.chunk_count == len(touched) == len(seen) == len(set(seen))


def test_a_point_on_a_centre_reads_no_other_chunk(
    pyramids: dict[str, BuiltPyramid], monkeypatch: pytest.MonkeyPatch
) -> None:
    with decoded_chunks(monkeypatch) as seen:
        look(pyramids["no nodata"], [(7.5, 7.5)], Interpolation.BILINEAR)
    assert len(seen) == 1


def test_levels_without_shards_and_of_one_cell(pyramids: dict[str, BuiltPyramid]) -> None:
    pyramid = pyramids["no nodata"]
    for level in range(pyramid.plan.grid.level_count):
        cells = pyramid.level(level)
        places = [(r + 0.5, c + 0.5) for r, c in np.ndindex(*cells.shape)]
        for interpolation in Interpolation:
            found = look(pyramid, places, interpolation, level)
            np.testing.assert_array_equal(found.values, cells.ravel())


@pytest.mark.parametrize("place", [math.nan, math.inf, -math.inf, 1e300])
def test_what_is_no_place_lies_outside(pyramids: dict[str, BuiltPyramid], place: float) -> None:
    found = look(pyramids["int16"], [(place, 3.0), (3.0, place)], Interpolation.BILINEAR)
    assert (found.findings == Finding.OUTSIDE).all()
    assert found.chunk_count == 0


@pytest.mark.parametrize("interpolation", Interpolation)
def test_what_is_infinite_is_no_value(
    pyramids: dict[str, BuiltPyramid], monkeypatch: pytest.MonkeyPatch, interpolation: Interpolation
) -> None:
    """A metric of anyone's may store it, and JSON has no number for it."""

    def with_infinite(chunks: StoredChunks, rows: np.ndarray, cols: np.ndarray) -> GatheredCells:
        gathered = gather_cells(chunks, rows, cols)
        cells = np.where(rows == 40, np.inf, 7).astype(gathered.cells.dtype)
        return GatheredCells(cells, gathered.chunk_count)

    monkeypatch.setattr("raster.points.gather_cells", with_infinite)
    found = look(pyramids["float32"], [(40.5, 3.5), (39.9, 3.5)], interpolation)
    assert found.findings.tolist() == [Finding.NODATA, Finding.VALUE]
    assert found.values[1] == 7
