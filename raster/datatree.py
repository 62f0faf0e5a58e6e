"""A pyramid as xarray's DataTree, wherever it lies: on a disk, in a bucket of S3, behind HTTP.

Needs no catalogue and no service; only an address of the service's REST asks it where the Zarr is.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import urljoin

import xarray
import zarr
from aiohttp import ClientError, ClientResponseError
from fsspec.implementations.http import HTTPFileSystem
from zarr.abc.store import Store as ZarrStore
from zarr.storage import FsspecStore

from raster.errors import LevelNotFound, PyramidNotFound, StoreFailed
from raster.metrics.interface import VALUE
from raster.skeleton import METADATA
from raster.storage.manifest import Manifest
from raster.storage.opening import open_store
from raster.storage.store import LATEST, OBJECTS, Root
from raster.strict_store import StrictStore

NOTHING_THERE = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.GONE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
"""What other addresses than those of Zarr groups are answered with."""


def open_pyramid(
    url: str | Path, *, level: int | None = None, resolution: float | None = None
) -> xarray.DataTree:
    """Open a pyramid, lazily: cells are read when they are needed, a shard at a time.

    Read from a disk or a bucket, a lost or damaged chunk is an error; from HTTP it is one where the
    service serves it.

    Parameters
    ----------
    url : str or Path
        A generation (`….zarr`), or the folder of a pyramid, which names the current one in `latest.json`:
        a path, `s3://…` with the usual AWS settings, `http://…`. Or the REST address of a pyramid's
        state, `http://…/terrain/…/pyramid/…`.
    level : int, optional
        Only this one; negative ones count from the top.
    resolution : float, optional
        Only the coarsest level whose cells are at most so large, in units of the CRS; the native one
        when all are larger.

    Returns
    -------
    xarray.DataTree
        A node for each level, named by its number, with `elevation` (y, x), parts such as `count`,
        and `spatial_ref`; or the node of the one level. Nodata is NaN, the CRS that of `spatial_ref`
        (`rio.crs` with rioxarray). Dask chunks are shards.

    Raises
    ------
    PyramidNotFound
        There is no pyramid, or not its manifest, which a copy needs: without it lost chunks are nodata.
    LevelNotFound
    PyramidCorrupt
        Now, or when cells are read: a stored byte is missing or damaged.
    StoreFailed
        The store does not answer.
    ValueError
        Both a level and a resolution are given.
    """
    if level is not None and resolution is not None:
        raise ValueError("either a level or a resolution names what to open, not both")
    store: Any = _find(str(url))  # xarray takes it, and its types do not say so
    layout = _Layout.of(zarr.open_group(store, mode="r", zarr_format=3))
    options: dict[str, Any] = {"engine": "zarr", "zarr_format": 3, "chunks": layout.chunks}
    if resolution is not None:
        level = layout.level_for(resolution)
    if level is None:
        return xarray.open_datatree(store, **options)
    group = str(layout.checked(level))
    return xarray.DataTree(xarray.open_dataset(store, group=group, **options), name=group)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a pyramid is cut: sides of a cell for each level, and what is one Dask chunk."""

    cell_sides: tuple[float, ...]
    chunks: dict[str, int]

    @classmethod
    def of(cls, group: zarr.Group) -> _Layout:
        entries: Any = group.attrs["multiscales"]
        transforms = [entry["spatial:transform"] for entry in entries["layout"]]
        native = cast("zarr.Array[Any]", group[f"0/{VALUE}"])
        height, width = native.shards or native.chunks
        return cls(tuple(max(abs(t[0]), abs(t[4])) for t in transforms), {"y": height, "x": width})

    def level_for(self, resolution: float) -> int:
        fine_enough = [level for level, side in enumerate(self.cell_sides) if side <= resolution]
        return fine_enough[-1] if fine_enough else 0

    def checked(self, level: int) -> int:
        count = len(self.cell_sides)
        if not -count <= level < count:
            raise LevelNotFound(level, count)
        return level % count


def _find(url: str) -> ZarrStore:
    if url.startswith(("http://", "https://")):
        return FsspecStore.from_url(_find_over_http(url.rstrip("/")), read_only=True)
    root = _find_root(url.rstrip("/"))
    text = root.read_manifest()
    if text is None:
        raise PyramidNotFound(url, f"neither {LATEST} nor a {OBJECTS} with its manifest beside it")
    return StrictStore(root, Manifest.from_json(text))


def _find_root(url: str) -> Root:
    """The generation at a path or in a bucket, or the current one of the pyramid's folder there."""
    store = open_store(url if url.startswith("s3://") else Path(url))
    latest = store.read_file(LATEST)
    if latest is not None:
        return store.root(_href_in(url, latest))
    folder, _, name = store.url.rpartition("/")
    return open_store(folder if url.startswith("s3://") else Path(folder)).root(name)


def _find_over_http(url: str) -> str:
    files = HTTPFileSystem(skip_instance_cache=True)
    if _get(files, f"{url}/{METADATA}") is not None:
        return url
    latest = _get(files, f"{url}/{LATEST}")
    if latest is not None:
        return urljoin(f"{url}/", _href_in(url, latest))
    state = _get(files, url)
    zarr_url = None if state is None else _read_json(url, state).get("zarr_url")
    if zarr_url is None:
        raise PyramidNotFound(url, "no Zarr and no pyramid that is built is served there")
    return urljoin(url, str(zarr_url))


def _get(files: HTTPFileSystem, url: str) -> bytes | None:
    """What is served at an address; None when there is nothing, or something else is asked for there."""
    try:
        content: bytes = files.cat_file(url)
    except FileNotFoundError:
        return None
    except ClientResponseError as error:
        if error.status not in NOTHING_THERE:
            raise StoreFailed(url, f"the service answers {error.status}") from error
        return None
    except (ClientError, TimeoutError) as error:
        raise StoreFailed(url, f"no answer ({type(error).__name__})") from error
    return content


def _href_in(url: str, latest: bytes) -> str:
    """Where the current generation lies, seen from the pyramid's folder."""
    href = _read_json(url, latest).get("href")
    if not isinstance(href, str):
        raise PyramidNotFound(url, f"its {LATEST} names no generation")
    return href


def _read_json(url: str, text: bytes) -> dict[str, Any]:
    with suppress(ValueError):
        document = json.loads(text)
        if isinstance(document, dict):
            return document
    raise PyramidNotFound(url, "what is served there is not about a pyramid")
