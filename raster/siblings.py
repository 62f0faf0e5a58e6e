"""Level 0 of a pyramid, where it is the terrain itself, for another pyramid of the terrain to take over."""

from __future__ import annotations

import json

from raster.errors import PyramidCorrupt, StoreFailed
from raster.journal import Attempt
from raster.metrics.interface import VALUE
from raster.pyramid import PyramidPlan
from raster.shards import Shard
from raster.skeleton import METADATA
from raster.storage.store import Root, read_manifest, read_whole

CELLS = f"0/{VALUE}"


def find_level_0(plan: PyramidPlan, root: Root, manifest_sha256: str | None = None) -> Attempt | None:
    """Level 0 of a finished pyramid as something to take over, if `plan` stores just the same there.

    Both metrics have to keep the terrain's cells at level 0; dtype, nodata, chunks and codecs, as
    the two arrays' metadata have them, decide. A damaged pyramid is no use, and no error.

    Parameters
    ----------
    plan : PyramidPlan
    root : Root
        A pyramid of the same terrain in the same revision under a metric that keeps cells.
    manifest_sha256 : str, optional
        As the catalogue has it: another manifest may list shards as empty that are not.
    """
    if not plan.reduction.keeps_cells:
        return None
    key = f"{CELLS}/{METADATA}"
    try:
        manifest = read_manifest(root, manifest_sha256)
        metadata = read_whole(root, manifest.objects[key]) if key in manifest.objects else None
    except (PyramidCorrupt, StoreFailed):
        return None
    if metadata is None or _format(metadata) != _format(plan.level_0_metadata()):
        return None
    rows, cols = plan.tree.shape(0)
    keys = {Shard(0, row, col): f"{CELLS}/c/{row}/{col}" for row in range(rows) for col in range(cols)}
    return Attempt(
        root,
        {
            shard: (manifest.objects[key],) if key in manifest.objects else ()
            for shard, key in keys.items()
            if key in manifest.objects or key in manifest.empty
        },
    )


def _format(metadata: bytes) -> object:
    """What decides how the cells of an array are stored."""
    document = json.loads(metadata)
    return {key: value for key, value in document.items() if key != "attributes"}
