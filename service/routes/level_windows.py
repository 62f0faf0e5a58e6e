"""Parameters that name a window of a level: by cells, or by a box on the ground."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import Depends, Path, Query
from pydantic import Field

from service.boxes import BOX_TEXT, CRS_TEXT, parse_box
from service.errors import ParameterInvalid
from service.field_types import SafeInteger
from service.windows import Asked, BoxAsked, WindowAsked

LevelAsked = Annotated[
    SafeInteger | Literal["auto"],
    Path(
        description="0 is native; negative ones count from the top. `auto`: by `resolution` or `max_size`.",
        examples=[1, "auto"],
    ),
]
Start = Annotated[
    Annotated[int, Field(ge=0, le=2**53)] | None,
    Query(description="Of the window; default: the first.", examples=[0]),
]
Count = Annotated[
    Annotated[int, Field(ge=1, le=2**53)] | None,
    Query(description="Of the window; default: to the last.", examples=[1]),
]
BoxText = Annotated[
    Annotated[str, Field(max_length=200, json_schema_extra={"pattern": BOX_TEXT.pattern})] | None,
    Query(
        description="Instead of row, col, height and width: the cells that a rectangle touches. Its lower "
        "left and its upper right corner, in the order of the axes of `bbox-crs`; in degrees west > east "
        "crosses the antimeridian.",
        examples=["9.0002,46.0524,9.0024,46.0534"],
    ),
]
BoxCrs = Annotated[
    Annotated[str, Field(max_length=200, json_schema_extra={"pattern": CRS_TEXT.pattern})] | None,
    Query(
        alias="bbox-crs",
        description="Of `bbox`: AUTHORITY:CODE, a URI such as "
        "`http://www.opengis.net/def/crs/EPSG/0/4326`, or `terrain`, the terrain's own CRS with x before y. "
        "Default: OGC:CRS84, longitude and latitude.",
        examples=["OGC:CRS84"],
    ),
]
Resolution = Annotated[
    Annotated[float, Field(gt=0, allow_inf_nan=False)] | None,
    Query(
        description="With `auto`: the coarsest level whose cells are no larger, in units of the terrain's "
        "CRS; else level 0.",
        examples=[60],
    ),
]
MaxSize = Annotated[
    Annotated[int, Field(ge=1, le=2**53)] | None,
    Query(
        description="With `auto`: the finest level in which the longer side of the window has no more cells.",
        examples=[4],
    ),
]


async def _name_window(
    level: LevelAsked,
    row: Start = None,
    col: Start = None,
    height: Count = None,
    width: Count = None,
    bbox: BoxText = None,
    bbox_crs: BoxCrs = None,
    resolution: Resolution = None,
    max_size: MaxSize = None,
) -> Asked:
    """The window that a request names.

    Raises
    ------
    ParameterInvalid
        It is named in two ways.
    GridInvalid
        There is no CRS of this name.
    """
    by_cells = {"row": row, "col": col, "height": height, "width": width}
    _refuse(by_cells, level == "auto", "auto says the cells of no level; name the window by bbox")
    _refuse(by_cells, bbox is not None, "the window is named by bbox already")
    _refuse({"bbox-crs": bbox_crs}, bbox is None, "there is no bbox")
    _refuse({"resolution": resolution, "max_size": max_size}, level != "auto", "only level auto heeds it")
    _refuse({"max_size": max_size}, resolution is not None, "the level is chosen by resolution already")
    if level != "auto" and bbox is None:
        return WindowAsked(level=level, row=row, col=col, height=height, width=width)
    return BoxAsked(
        box=None if bbox is None else parse_box(bbox, bbox_crs),
        level=None if level == "auto" else level,
        resolution=resolution,
        max_size=max_size,
    )


def _refuse(given: Mapping[str, object], is_wrong: bool, reason: str) -> None:
    for name, value in given.items():
        if is_wrong and value is not None:
            raise ParameterInvalid(name, reason)


GivenWindow = Annotated[Asked, Depends(_name_window)]
