"""What the catalogue knows, as bodies of answers: the same over REST and with `--json`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from catalog.models import MissingTile, Pyramid, Registration, Terrain, Tile
from catalog.repository.paging import Page
from catalog.repository.registrations import RegistrationState
from catalog.repository.terrains import ListedTerrain
from catalog.repository.tiles import ListedTile
from raster.grid import Extent
from service.encoding import json_nodata
from service.failures import Failure
from service.house import House
from service.links import zarr_path
from service.pyramid_schemas import FailureBody, LevelBody, MissingTileBody, ProgressBody, PyramidBody
from service.pyramid_states import PyramidState
from service.schemas import (
    ReasonBody,
    RowProblemBody,
    TableRegistrationBody,
    TerrainBody,
    TileBody,
)
from service.terrain_grids import anchor_of, grid_of, ground_of, window_of


def terrain_body(terrain: Terrain | ListedTerrain) -> TerrainBody:
    """A terrain as an answer."""
    return TerrainBody(**_terrain_fields(terrain))


def terrain_page(page: Page[ListedTerrain], following: str | None) -> bytes:
    """A page of terrains as the JSON of a `TerrainPage`."""
    return _encode_page({"terrains": [_terrain_fields(each) for each in page.items], "next": following})


def _terrain_fields(terrain: Terrain | ListedTerrain) -> dict[str, Any]:
    """The fields of a `TerrainBody`, in its order and of its types."""
    window = window_of(terrain)
    grid = None if window is None else ground_of(anchor_of(terrain), window)
    return {
        "id": terrain.id,
        "name": terrain.name,
        "title": terrain.title,
        "description": terrain.description,
        "attribution": terrain.attribution,
        "license": terrain.license,
        "unit": terrain.unit,
        "vertical_datum": terrain.vertical_datum,
        "crs": terrain.crs,
        "anchor_transform": terrain.anchor_transform,
        "nodata": None if terrain.nodata is None else float(terrain.nodata),
        "tile_size": terrain.tile_size,
        "revision": terrain.revision,
        "tile_count": terrain.tile_count,
        "size": None if grid is None else {"height": grid.height, "width": grid.width},
        "x": None if window is None else window.col,
        "y": None if window is None else window.row,
        "level_count": None if grid is None else grid.level_count,
        "extent": None if grid is None else _extent_fields(grid.extent),
        "lonlat_extent": _lonlat_fields(terrain),
        "created_at": terrain.created_at,
        "updated_at": terrain.updated_at,
    }


def _extent_fields(extent: Extent) -> dict[str, float]:
    return {"left": extent.left, "bottom": extent.bottom, "right": extent.right, "top": extent.top}


def _lonlat_fields(terrain: Terrain | ListedTerrain) -> dict[str, float] | None:
    if terrain.west is None or terrain.south is None or terrain.east is None or terrain.north is None:
        return None
    return {"left": terrain.west, "bottom": terrain.south, "right": terrain.east, "top": terrain.north}


def tile_body(tile: Tile) -> TileBody:
    """A tile as an answer."""
    return TileBody(**_tile_fields(tile))


def tile_page(page: Page[ListedTile], following: str | None) -> bytes:
    """A page of tiles as the JSON of a `TilePage`."""
    return _encode_page({"tiles": [_tile_fields(each) for each in page.items], "next": following})


def _tile_fields(tile: Tile | ListedTile) -> dict[str, Any]:
    """The fields of a `TileBody`, in its order and of its types."""
    modified = None if tile.mtime_ns is None else datetime.fromtimestamp(tile.mtime_ns / 1e9, UTC)
    return {
        "id": tile.id,
        "terrain_id": tile.terrain_id,
        "url": tile.url,
        "x": tile.x,
        "y": tile.y,
        "width": tile.width,
        "height": tile.height,
        "dtype": tile.dtype,
        "nodata": json_nodata(tile.nodata),
        "scale": tile.scale,
        "offset": tile.offset,
        "priority": tile.priority,
        "identity": {"size": tile.size, "modified_at": modified, "etag": tile.etag},
        "declared": tile.is_declared,
    }


def _encode_page(page: dict[str, Any]) -> bytes:
    """What a page's model would write, without an object for each of a thousand items."""
    return to_json(page, inf_nan_mode="null")


def registration_body(job: Registration) -> TableRegistrationBody:
    """The registration of a table as an answer."""
    columns = ("id", "terrain_id", "rows_read", "rows_registered", "problem_count", "revision")
    times = ("origin_moved", "created_at", "finished_at")
    return TableRegistrationBody(
        **{column: getattr(job, column) for column in (*columns, *times)},
        state=RegistrationState(job.state).value,
        progress=min(1.0, job.bytes_read / max(1, job.byte_count)),
        problems=[RowProblemBody(**problem) for problem in job.problems],
        failure=None if job.failure is None else ReasonBody(**job.failure),
    )


def pyramid_body(house: House, state: PyramidState) -> PyramidBody:
    """A pyramid's state as an answer."""
    pyramid = state.pyramid
    generation = None if pyramid is None else pyramid.generation
    zarr_url = zarr_path(state.terrain.name, state.metric, generation.id) if generation else None
    return PyramidBody(
        terrain_id=state.terrain.id,
        metric=state.metric,
        state=state.state.value,
        generation=generation.id if generation else None,
        built_at=generation.built_at if generation else None,
        revision=generation.revision if generation else None,
        level_count=generation.level_count if generation else None,
        dtype=generation.dtype if generation else None,
        nodata=json_nodata(generation.nodata) if generation else None,
        levels=_levels(pyramid),
        store_url=house.pyramid_root(generation.href).url if generation else None,
        zarr_url=zarr_url,
        vrt_url=f"{zarr_url}.vrt" if zarr_url else None,
        byte_count=generation.byte_count if generation else None,
        tile_count=generation.tile_count if generation else None,
        missing_tile_count=generation.missing_tile_count if generation else None,
        missing_tiles=[_missing_body(tile) for tile in state.missing],
        progress=_progress_body(state),
        failure=None if state.failure is None else _failure_body(state.failure),
    )


def _missing_body(tile: MissingTile) -> MissingTileBody:
    columns = ("source", "row", "col", "height", "width", "kind", "reason")
    return MissingTileBody(**{column: getattr(tile, column) for column in columns})


def _levels(pyramid: Pyramid | None) -> list[LevelBody]:
    if pyramid is None or pyramid.generation is None:
        return []
    grid = grid_of(pyramid.generation)
    levels = [grid.level(level) for level in range(grid.level_count)]
    return [
        LevelBody(level=level, height=each.height, width=each.width, transform=list(each.transform[:6]))
        for level, each in enumerate(levels)
    ]


def _failure_body(failure: Failure) -> FailureBody:
    return FailureBody(
        error=failure.error,
        detail=failure.detail,
        transient=failure.is_transient,
        failed_at=failure.failed_at,
    )


def _progress_body(state: PyramidState) -> ProgressBody | None:
    if state.progress is None:
        return None
    done, total = state.progress.shards_done, state.progress.shards_total
    body = ProgressBody(shards_done=done, shards_total=total)
    if state.attempt is None:
        return body
    age_s = state.attempt.age_s
    return body.model_copy(
        update={
            "builder": state.attempt.host,
            "attempt": state.attempt.attempts,
            "age_s": round(age_s, 1),
            "eta_s": round(age_s * (total - done) / done, 1) if done else None,
        }
    )
