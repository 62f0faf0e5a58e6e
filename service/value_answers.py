"""Values at points as bodies of answers. Written without models, which would be slow for thousands."""

from __future__ import annotations

from typing import Any

import numpy as np

from raster.places import Places
from raster.points import Finding, Interpolation, PointValues
from service.pyramid_answers import Answering

WORDS = {Finding.OUTSIDE: "outside", Finding.NODATA: "nodata", Finding.VALUE: "value"}


def describe_answering(answering: Answering, interpolation: Interpolation) -> dict[str, Any]:
    """The fields of an `AnsweringBody`."""
    generation = answering.generation
    return {
        "terrain_id": generation.terrain_id,
        "metric": generation.metric,
        "generation": generation.id,
        "state": answering.state.value,
        "unit": generation.unit,
        "interpolation": interpolation.value,
    }


def list_found(found: PointValues) -> list[dict[str, Any]]:
    """The fields of a `FoundBody` for each point."""
    return [
        {"elevation": value if finding == Finding.VALUE else None, "status": WORDS[Finding(finding)]}
        for value, finding in zip(found.values.tolist(), found.findings.tolist(), strict=True)
    ]


def describe_cell(places: Places, found: PointValues, shape: tuple[int, int]) -> dict[str, int | None]:
    """The cell that the first point lies in."""
    if found.findings[0] == Finding.OUTSIDE:
        return {"row": None, "col": None}
    row, col = (
        int(np.clip(np.floor(each[0]), 0, size - 1))
        for each, size in zip((places.rows, places.cols), shape, strict=True)
    )
    return {"row": row, "col": col}
