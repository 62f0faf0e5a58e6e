"""What readers that know nothing of this project see in a pyramid."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rioxarray  # noqa: F401 - gives arrays their `rio`
import tensorstore
import xarray
import zarr
import zarr_cm
from affine import Affine
from ome_zarr_models.v05 import Image
from pyproj import CRS

from oracle import NativeCells, OracleTile, paint
from raster.crs import canonical_crs
from raster.grid import CELL_TRANSFORM
from terrains import UTM, BuiltPyramid, build, save_mosaic

DEGREES = Affine(1 / 1200, 0.0, 7.0, 0.0, -1 / 1200, 47.0)
LOCAL = canonical_crs("+proj=tmerc +lon_0=77.5 +lat_0=1 +datum=WGS84 +type=crs")
"""A CRS that no authority knows: only its WKT says what it is."""

SHARD, CHUNK = 16, 8
SHAPE = 45, 70
"""Seven levels and the 1x1 one: three in shards, the others in one chunk."""


def int16_with_sentinel() -> OracleTile:
    cells = np.random.default_rng(1).integers(-400, 4000, SHAPE).astype(np.int16)
    cells[:20, :20] = -32768
    return OracleTile(0, 0, cells, nodata=-32768)


def int16_without_nodata() -> OracleTile:
    return OracleTile(0, 0, np.random.default_rng(2).integers(-400, 4000, SHAPE).astype(np.int16))


def float32_with_nan() -> OracleTile:
    cells = np.random.default_rng(3).normal(500, 300, SHAPE).astype(np.float32)
    cells[:20, :20] = np.nan
    return OracleTile(0, 0, cells)


@dataclass(frozen=True)
class Case:
    """A pyramid to open: its cells, where they lie, what they were reduced by."""

    tile: Callable[[], OracleTile]
    metric: str
    crs: str | None
    transform: Affine

    def __str__(self) -> str:
        place = "nowhere" if self.crs is None else "by-wkt" if self.crs == LOCAL else self.crs
        return f"{self.tile.__name__}-{self.metric}-{place}"


CASES = [
    Case(int16_with_sentinel, "max", "EPSG:32633", UTM),
    Case(int16_without_nodata, "max", "EPSG:4326", DEGREES),
    Case(float32_with_nan, "min", LOCAL, UTM),
    Case(int16_with_sentinel, "mean", "EPSG:4326", DEGREES),
    Case(float32_with_nan, "count", "EPSG:32633", UTM),
    Case(float32_with_nan, "mean", None, CELL_TRANSFORM),
    Case(int16_without_nodata, "min", None, CELL_TRANSFORM),
]


@dataclass(frozen=True)
class Opened:
    """A pyramid on the disk and what its levels must show, by brute force."""

    case: Case
    built: BuiltPyramid
    native: NativeCells
    tree: xarray.DataTree

    @property
    def root(self) -> str:
        return str(self.built.path)

    @property
    def levels(self) -> range:
        return range(self.native.level_count)

    def dataset(self, level: int) -> xarray.Dataset:
        """A level as xarray opened it."""
        return self.tree[str(level)].to_dataset()

    def shape(self, level: int) -> tuple[int, int]:
        return -(-SHAPE[0] // 2**level), -(-SHAPE[1] // 2**level)

    def transform(self, level: int) -> Affine:
        """The level's: same corner, cells 2^level as large."""
        t = self.case.transform
        return Affine(t.a * 2**level, 0, t.c, 0, t.e * 2**level, t.f)

    def masked(self, level: int) -> np.ndarray:
        """float64 values of a level, NaN for nodata."""
        if self.case.metric == "count":
            return self.native.count(level).astype(np.float64)
        if self.case.metric == "mean":
            values, has_data = self.native.mean(level)
        else:
            values, has_data = self.native.extreme(level, self.case.metric)
        return np.where(has_data, values.astype(np.float64), np.nan)

    @property
    def nodata(self) -> float | None:
        """What a stored cell without data must hold."""
        if self.case.metric == "count":
            return None
        tile = self.case.tile()
        is_float = self.case.metric == "mean" or tile.cells.dtype.kind == "f"
        return np.nan if is_float else tile.nodata


@pytest.fixture(scope="module", params=CASES, ids=str)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    case: Case = request.param
    folder = tmp_path_factory.mktemp("pyramid")
    tiles = [case.tile()]
    mosaic = save_mosaic(folder, tiles, transform=case.transform, crs=case.crs)
    built = build(mosaic, case.metric, folder / "p.zarr", shard_cells=SHARD, chunk_cells=CHUNK)
    with xarray.open_datatree(str(built.path), engine="zarr") as tree:
        yield Opened(case, built, paint(tiles), tree)


def test_the_levels_are_those_of_the_promise_in_shards_and_without(opened: Opened) -> None:
    group = zarr.open_group(opened.root, mode="r")
    assert sorted(group.group_keys()) == [str(level) for level in opened.levels]
    shards = [group[f"{level}/elevation"].shards for level in opened.levels]  # type: ignore[union-attr]
    assert [shard is not None for shard in shards] == [True] * 4 + [False] * 4
    assert opened.shape(opened.levels[-1]) == (1, 1)


def test_zarr_shows_every_cell_and_fill_where_there_is_none(opened: Opened) -> None:
    group = zarr.open_group(opened.root, mode="r")
    for level in opened.levels:
        array: Any = group[f"{level}/elevation"]
        found = array[:].astype(np.float64)
        if opened.nodata is not None and not np.isnan(opened.nodata):
            assert array.fill_value == opened.nodata
            found[found == opened.nodata] = np.nan
        assert_level(found, opened, level)


def assert_level(found: np.ndarray, opened: Opened, level: int) -> None:
    """Equal, NaN where there is no data; a mean to one step of float32, which it is stored as."""
    expected = opened.masked(level)
    assert found.shape == opened.shape(level)
    if opened.case.metric == "mean":
        np.testing.assert_allclose(found, expected, rtol=2**-22, atol=1e-9)
    else:
        np.testing.assert_array_equal(found, expected)


def test_xarray_masks_nodata_and_nothing_else(opened: Opened) -> None:
    assert set(opened.tree.children) == {str(level) for level in opened.levels}
    for level in opened.levels:
        found: np.ndarray = opened.dataset(level)["elevation"].to_numpy()
        assert_level(found.astype(np.float64), opened, level)


def test_xarray_keeps_integers_that_lack_nothing(opened: Opened) -> None:
    kinds = {opened.dataset(level)["elevation"].dtype.kind for level in opened.levels}
    if opened.case.metric == "count":
        assert kinds == {"u"}
    else:
        assert kinds == {"i" if opened.nodata is None else "f"}


def test_coordinates_are_the_centres_of_cells(opened: Opened) -> None:
    for level in opened.levels:
        height, width = opened.shape(level)
        t = opened.transform(level)
        dataset = opened.dataset(level)
        np.testing.assert_allclose(dataset["x"], [t.c + t.a * (i + 0.5) for i in range(width)], rtol=1e-14)
        np.testing.assert_allclose(dataset["y"], [t.f + t.e * (i + 0.5) for i in range(height)], rtol=1e-14)


def test_arrays_say_their_unit_and_what_was_done_to_them(opened: Opened) -> None:
    methods = {
        "max": "area: maximum",
        "min": "area: minimum",
        "mean": "area: mean",
        "count": "area: sum (comment: of valid cells)",
    }
    for level in opened.levels:
        attributes = opened.dataset(level)["elevation"].attrs
        assert attributes["units"] == ("1" if opened.case.metric == "count" else "m")
        assert attributes["cell_methods"] == methods[opened.case.metric]
        assert attributes["long_name"]


def test_the_axes_say_what_they_measure(opened: Opened) -> None:
    names = {
        None: (None, None),
        "EPSG:4326": ("latitude", "degrees_north"),
    }
    name, unit = names.get(opened.case.crs, ("projection_y_coordinate", "m"))
    attributes = opened.dataset(0)["y"].attrs
    assert (attributes["axis"], attributes.get("standard_name"), attributes.get("units")) == ("Y", name, unit)


def test_one_read_of_metadata_opens_the_whole_tree(opened: Opened) -> None:
    group = zarr.open_group(opened.root, mode="r", use_consolidated=True)
    consolidated = group.metadata.consolidated_metadata
    assert consolidated is not None
    nodes = {
        path.parent.relative_to(opened.root).as_posix()
        for path in Path(opened.root).rglob("zarr.json")
        if path.parent != Path(opened.root)
    }
    assert consolidated.flattened_metadata.keys() == nodes
    for path, metadata in consolidated.flattened_metadata.items():
        alone: Any = zarr.open(f"{opened.root}/{path}", mode="r")
        assert alone.attrs.asdict() == metadata.attributes


@contextmanager
def old_affine() -> Iterator[None]:
    """rioxarray up to 0.19 multiplies transforms with `*`, which affine 3 deprecates."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Use `@` matmul", category=PendingDeprecationWarning)
        yield


def test_rioxarray_finds_place_crs_and_nodata_at_every_level(opened: Opened) -> None:
    for level in opened.levels:
        elevation = opened.dataset(level)["elevation"]
        with old_affine():
            found = elevation.rio.transform()
        np.testing.assert_allclose(np.array(found), np.array(opened.transform(level)), rtol=1e-14)
        crs = elevation.rio.crs
        if opened.case.crs is None:
            assert crs is None
        else:
            assert CRS.from_user_input(crs.to_wkt()).equals(
                CRS.from_user_input(opened.case.crs), ignore_axis_order=True
            )
        np.testing.assert_equal(elevation.rio.encoded_nodata, opened.nodata)


CONVENTIONS: dict[str, Callable[[Any], object]] = {
    "multiscales": zarr_cm.multiscales.validate_node_metadata,
    "spatial": zarr_cm.spatial.validate_node_metadata,
    "proj": zarr_cm.proj.validate_node_metadata,
}


def test_every_node_follows_the_conventions_it_must_declare(opened: Opened) -> None:
    placed = {"spatial"} if opened.case.crs is None else {"spatial", "proj"}
    for path in Path(opened.root).rglob("zarr.json"):
        metadata = json.loads(path.read_text())
        revisions = zarr_cm.detect_revisions(metadata["attributes"])
        if path.parent == Path(opened.root):
            assert set(revisions) == {"multiscales", *placed}
            assert None not in revisions.values()
        else:
            assert set(revisions) == (set() if path.parent.name in {"y", "x", "spatial_ref"} else placed)
        for name in revisions:
            CONVENTIONS[name](metadata)


def test_each_level_is_placed_alike_on_its_group_its_arrays_and_in_the_layout(opened: Opened) -> None:
    root: Any = zarr.open_group(opened.root, mode="r")
    layout = root.attrs["multiscales"]["layout"]
    assert [each["asset"] for each in layout] == [str(level) for level in opened.levels]
    assert [each.get("derived_from") for each in layout] == [None, *(str(k) for k in opened.levels[:-1])]
    for level, entry in zip(opened.levels, layout, strict=True):
        for node in (entry, root[str(level)].attrs, *(each.attrs for each in planes(root[str(level)]))):
            assert tuple(node["spatial:shape"]) == opened.shape(level)
            assert tuple(node["spatial:transform"]) == opened.transform(level)[:6]


def planes(level: Any) -> list[Any]:
    """A level's arrays of cells: the values and the parts beside them."""
    return [array for _, array in level.arrays() if array.ndim == 2]


def test_ome_readers_find_every_level_and_where_its_first_cell_lies(opened: Opened) -> None:
    image = Image.from_zarr(zarr.open_group(opened.root, mode="r"))
    (multiscale,) = image.ome_attributes.multiscales
    unit = "meter" if opened.case.crs in ("EPSG:32633", LOCAL) else None
    assert [(axis.name, axis.type, axis.unit) for axis in multiscale.axes] == [
        ("y", "space", unit),
        ("x", "space", unit),
    ]
    assert [each.path for each in multiscale.datasets] == [f"{level}/elevation" for level in opened.levels]
    height, width = -opened.case.transform.e, opened.case.transform.a
    for level, dataset in enumerate(multiscale.datasets):
        scale, shift = (each.model_dump() for each in dataset.coordinateTransformations)
        assert scale["scale"] == pytest.approx([height * 2**level, width * 2**level])
        # from centre of the first native cell to centre of the first cell of the level
        half = (2**level - 1) / 2
        assert shift["translation"] == pytest.approx([half * height, half * width])


def test_tensorstore_reads_every_array_whole_and_by_cell(opened: Opened) -> None:
    group: Any = zarr.open_group(opened.root, mode="r")
    for level in opened.levels:
        for array in planes(group[str(level)]):
            path = f"{opened.root}/{array.path}"
            spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": path}}
            store = tensorstore.open(spec, read=True).result()
            assert store.domain.labels == ("y", "x")
            np.testing.assert_array_equal(store.read().result(), array[:])
            last = tuple(side - 1 for side in array.shape)
            np.testing.assert_array_equal(store[last].read().result(), array[last])
