"""What a pyramid's Zarr group says of itself: attributes that readers understand unaided.

Conventions multiscales, spatial and proj (v0.1), OME-Zarr 0.5 and CF 1.11. Pure: values in,
JSON-able attributes out.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from raster.cells import Nodata
from raster.crs import parse_crs
from raster.grid import Grid
from raster.metrics.interface import VALUE, StoredArray
from raster.missing import MissingTile, missing_attributes

Attributes = dict[str, Any]

_CONVENTION_URL = "https://raw.githubusercontent.com/zarr-conventions/{name}/refs/tags/v0.1/schema.json"
_SPECIFICATION_URL = "https://github.com/zarr-conventions/{name}/blob/v0.1/README.md"
_CONVENTIONS = {
    "multiscales": ("d35379db-88df-4056-af3a-620245f8e347", "Multiscale layout of zarr datasets"),
    "spatial": ("689b58e2-cf7b-45e0-9fff-9cfc0883d6b4", "Spatial coordinate information"),
    "proj": (
        "f17cb550-5864-4468-aeb7-f3180cfb622f",
        "Coordinate reference system information for geospatial data",
    ),
}

_CF_UNITS = {"metre": "m", "kilometre": "km", "foot": "foot", "US survey foot": "US_survey_foot"}
_OME_UNITS = {"metre": "meter", "kilometre": "kilometer", "foot": "foot", "US survey foot": "foot"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What the pyramid is of, in the words of its catalogue entry; None where unknown."""

    name: str
    metric: str
    cell_methods: str
    is_stepwise: bool
    generation: str
    title: str | None = None
    unit: str | None = None
    vertical_datum: str | None = None
    attribution: str | None = None
    license: str | None = None
    missing: Sequence[MissingTile] = ()


def root_attributes(description: Description, grid: Grid) -> Attributes:
    """Attributes of the pyramid's root group."""
    levels = [grid.level(level) for level in range(grid.level_count)]
    named = {
        "title": description.title or description.name,
        "attribution": description.attribution,
        "license": description.license,
        "vertical_datum": description.vertical_datum,
    }
    return {
        "Conventions": "CF-1.11",
        **{key: value for key, value in named.items() if value is not None},
        "zarr_conventions": [
            _convention(name) for name in ("multiscales", "spatial", "proj")[: 3 if grid.crs else 2]
        ],
        "multiscales": {
            "resampling_method": description.metric,
            "layout": [_layout_entry(description.metric, level, each) for level, each in enumerate(levels)],
        },
        "spatial:dimensions": ["y", "x"],
        **_placement(grid),
        **_projection(grid, with_wkt=True),
        "ziggurat": {
            "metric": description.metric,
            "stepwise": description.is_stepwise,
            "generation": description.generation,
            **({"missing_tiles": missing_attributes(description.missing)} if description.missing else {}),
        },
        "ome": _ome(description, levels),
    }


def level_attributes(level_grid: Grid) -> Attributes:
    """Attributes of a level's group."""
    return {"Conventions": "CF-1.11", **_node_attributes(level_grid, with_wkt=False)}


def array_attributes(array: StoredArray, level_grid: Grid, description: Description) -> Attributes:
    """Attributes of a level's value array or of a part beside it."""
    unit = _unit(array, description.unit)
    return {
        **_node_attributes(level_grid, with_wkt=True),
        "spatial:registration": "pixel",
        **({"units": unit} if unit else {}),
        "long_name": array.long_name,
        **({"cell_methods": description.cell_methods} if array.name == VALUE else {}),
        **({} if array.nodata is None else {"_FillValue": _encoded_fill(array.nodata)}),
        "grid_mapping": "spatial_ref",
        "coordinates": "spatial_ref",
    }


def _unit(array: StoredArray, terrain_unit: str | None) -> str | None:
    """CF (UDUNITS) unit of an array, None where the terrain's is unknown."""
    if array.unit == "1":
        return "1"
    return f"({terrain_unit})^2" if terrain_unit and array.unit == "terrain squared" else terrain_unit


def spatial_ref_attributes(level_grid: Grid, vertical_datum: str | None) -> Attributes:
    """Attributes of the CF grid mapping; without a CRS it still carries the transform.

    rioxarray has no other source for the transform of a level of one cell.
    """
    t = level_grid.transform
    mapping: Attributes = parse_crs(level_grid.crs).to_cf() if level_grid.crs else {}
    if vertical_datum:
        mapping["geopotential_datum_name"] = vertical_datum
    mapping["GeoTransform"] = " ".join(repr(float(value)) for value in (t.c, t.a, t.b, t.f, t.d, t.e))
    return mapping


def coordinate_attributes(axis: str, crs: str | None) -> Attributes:
    """Attributes of the coordinate array `axis`, "y" or "x"."""
    attributes: Attributes = {"axis": axis.upper()}
    if crs is None:
        return attributes
    if parse_crs(crs).is_geographic:
        name, direction = ("latitude", "north") if axis == "y" else ("longitude", "east")
        return {**attributes, "standard_name": name, "units": _angle_unit(crs, direction)}
    return {**attributes, "standard_name": f"projection_{axis}_coordinate", "units": _ground_unit(crs)}


def _convention(name: str) -> Attributes:
    uuid, description = _CONVENTIONS[name]
    return {
        "uuid": uuid,
        "name": name,
        "description": description,
        "schema_url": _CONVENTION_URL.format(name=name),
        "spec_url": _SPECIFICATION_URL.format(name=name),
    }


def _node_attributes(grid: Grid, *, with_wkt: bool) -> Attributes:
    # GDAL takes the conventions of the first node that lists any, so each node lists all of its own
    names = ("spatial", "proj") if grid.crs else ("spatial",)
    return {
        "zarr_conventions": [{"uuid": _CONVENTIONS[name][0], "name": name} for name in names],
        "spatial:dimensions": ["y", "x"],
        **_placement(grid),
        **_projection(grid, with_wkt=with_wkt),
    }


def _placement(grid: Grid) -> Attributes:
    extent = grid.extent
    return {
        "spatial:transform": list(grid.transform[:6]),
        "spatial:shape": list(grid.shape),
        "spatial:bbox": [extent.left, extent.bottom, extent.right, extent.top],
    }


def _projection(grid: Grid, *, with_wkt: bool) -> Attributes:
    """The CRS; its WKT beside a code frees readers from an EPSG database, and is all there is without one."""
    if grid.crs is None:
        return {}
    code = {} if "[" in grid.crs else {"proj:code": grid.crs}
    wkt = {"proj:wkt2": parse_crs(grid.crs).to_wkt("WKT2_2019")} if with_wkt or not code else {}
    return {**code, **wkt}


def _layout_entry(metric: str, level: int, grid: Grid) -> Attributes:
    scale = 2.0 if level else 1.0
    derived = {"derived_from": str(level - 1), "resampling_method": metric} if level else {}
    return {
        "asset": str(level),
        **derived,
        "transform": {"scale": [scale, scale], "translation": [0.0, 0.0]},
        "spatial:shape": list(grid.shape),
        "spatial:transform": list(grid.transform[:6]),
    }


def _ome(description: Description, levels: list[Grid]) -> Attributes:
    """OME-Zarr places cell centres: level k is shifted by (2^k - 1) / 2 native cells."""
    crs = levels[0].crs
    unit = {} if crs is None else _ome_unit(crs)
    sides = [(abs(each.transform.e), abs(each.transform.a)) for each in levels]
    return {
        "version": "0.5",
        "multiscales": [
            {
                "name": description.name,
                "type": description.metric,
                "axes": [{"name": axis, "type": "space", **unit} for axis in ("y", "x")],
                "datasets": [
                    {
                        "path": f"{level}/{VALUE}",
                        "coordinateTransformations": [
                            {"type": "scale", "scale": list(side)},
                            {
                                "type": "translation",
                                "translation": [
                                    (cell - native) / 2 for cell, native in zip(side, sides[0], strict=True)
                                ],
                            },
                        ],
                    }
                    for level, side in enumerate(sides)
                ],
            }
        ],
    }


def _angle_unit(crs: str, direction: str) -> str:
    """CF (UDUNITS) unit of a geographic CRS's axes; a few old ones are in grads."""
    axis = parse_crs(crs).axis_info[0]
    return f"degrees_{direction}" if axis.unit_name == "degree" else f"{axis.unit_conversion_factor!r} rad"


def _ground_unit(crs: str) -> str:
    """CF (UDUNITS) unit of a projected CRS's axes: many feet and links have no name there."""
    axis = parse_crs(crs).axis_info[0]
    return _CF_UNITS.get(axis.unit_name, f"{axis.unit_conversion_factor!r} m")


def _ome_unit(crs: str) -> Attributes:
    """OME's name of a CRS's unit, nothing where it has none: it knows no angles and but one foot."""
    name = _OME_UNITS.get(parse_crs(crs).axis_info[0].unit_name)
    return {"unit": name} if name else {}


def _encoded_fill(nodata: Nodata) -> int | str:
    """`_FillValue` as xarray writes it in Zarr v3: base64 of a little-endian float64, or an int."""
    if isinstance(nodata, float):
        return base64.b64encode(struct.pack("<d", nodata)).decode()
    return int(nodata or 0)
