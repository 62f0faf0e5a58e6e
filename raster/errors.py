"""What can go wrong with cells. No HTTP here: `service/problems.py` gives each a status.

RasterError
├ SourceError (source, reason)
│ ├ SourceNotFound       nothing lies there
│ ├ SourceForbidden      the path leaves the tile roots, or the policy does not allow the URL
│ ├ SourceRefused        readable, but not a raster this project takes
│ ├ SourceUnreadable     damaged, or not what its name says
│ ├ SourceUnreachable · SourceTooSlow   its server cannot be reached, refuses, or is not in time
│ ├ CacheFailed          the disk that keeps its bytes here does not
│ ├ SourceChanged        another file than the one that was registered
│ └ SourceMisdeclared    not what was declared when it was registered
├ SourcesUnavailable · DecoderFailed    several sources fail; no process for decoding could be started
├ PlacementRefused       the tile does not fit into the terrain's grid
├ TerrainEmpty · TerrainTooLarge        no tiles, so no grid; more cells than allowed
├ GridInvalid            a CRS, transform or extent that cannot be honoured
├ MetricNotFound · LevelNotFound · PyramidNotFound
├ MetricRefused (plugin, reason)
│ ├ MetricNotImportable  loading it raises, or nothing has that name
│ ├ NotAMetric           it lacks what a metric has
│ └ MetricNameInvalid · MetricNameTaken   it cannot stand in addresses; another metric has it
├ MetricFailed · MetricOverflow         a plug-in's metric raised or misbehaved; cells are too large for it
├ WindowOutOfBounds · WindowTooLarge
├ PyramidCorrupt         stored bytes are missing or damaged
├ StoreFailed · ClusterUnavailable      the store, or a Dask scheduler, does not answer
└ BudgetTooSmall         not even one small shard fits into the memory budget
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MOST_LISTED = 100
"""Of more tiles that cannot be used only the number is told."""


class RasterError(Exception):
    """Something is wrong with cells."""

    def __reduce__(self) -> tuple[Any, ...]:
        # errors come back from other processes as what they were, whatever their constructors take
        return _restore, (type(self), self.args, vars(self))


def _restore(kind: type[RasterError], args: tuple[Any, ...], data: dict[str, Any]) -> RasterError:
    error = kind.__new__(kind, *args)
    vars(error).update(data)
    return error


class SourceError(RasterError):
    """A source cannot be used."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class SourceNotFound(SourceError):
    """The source does not exist."""


class SourceForbidden(SourceError):
    """The source lies where this service takes none from."""


class SourceRefused(SourceError):
    """The source is not a raster that can be a tile."""


class SourceUnreadable(SourceError):
    """The source is damaged or not what its name says."""


class SourceUnreachable(SourceError):
    """The source's server cannot be reached, or does not give the source."""


class SourceTooSlow(SourceError):
    """The source's server does not answer in time."""


class SourceChanged(SourceError):
    """The source is not the one that was registered."""


class SourceMisdeclared(SourceError):
    """The source is not what was declared when it was registered."""


class SourcesUnavailable(RasterError):
    """Some of the terrain's sources cannot be used."""

    def __init__(self, errors: Sequence[SourceError]) -> None:
        listed = "; ".join([*map(str, errors[:3]), *(["…"] if len(errors) > 3 else [])])
        super().__init__(f"{len(errors)} tiles cannot be used: {listed}")
        self.tile_count = len(errors)
        self.tiles = [
            {"source": error.source, "kind": type(error).__name__, "reason": error.reason}
            for error in errors[:MOST_LISTED]
        ]


class CacheFailed(SourceError):
    """What came of a source cannot be kept, for the disk here fails."""


class DecoderFailed(RasterError):
    """No process for decoding could be started."""

    def __init__(self) -> None:
        super().__init__("no process for decoding could be started; ask again later")


class PlacementRefused(RasterError):
    """The tile does not fit into the terrain's grid."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class TerrainEmpty(RasterError):
    """The terrain has no tiles."""

    def __init__(self, terrain: str) -> None:
        super().__init__(f"terrain {terrain!r} has no tiles; register some first")
        self.terrain = terrain


class TerrainTooLarge(RasterError):
    """The terrain would have more cells than allowed."""

    def __init__(self, height: int, width: int, limit: int) -> None:
        super().__init__(
            f"the terrain would be {height} x {width} = {height * width} cells; the limit is "
            f"{limit} (ZIGGURAT_MAX_CELLS). Is one tile's x or y mistyped?"
        )
        self.height = height
        self.width = width
        self.limit = limit


class GridInvalid(RasterError):
    """A CRS, transform or extent cannot be honoured."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class MetricNotFound(RasterError):
    """There is no such metric."""

    def __init__(self, metric: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no metric {metric!r}; there are {', '.join(known)}")
        self.metric = metric
        self.known = known


class MetricRefused(RasterError):
    """A plug-in's metric cannot be used."""

    def __init__(self, plugin: str, reason: str) -> None:
        super().__init__(f"metric {plugin}: {reason}")
        self.plugin = plugin
        self.reason = reason


class MetricNotImportable(MetricRefused):
    """A plug-in's metric cannot be imported."""


class NotAMetric(MetricRefused):
    """A plug-in is not a metric."""


class MetricNameInvalid(MetricRefused):
    """A plug-in's metric has a name that cannot stand in addresses."""

    def __init__(self, plugin: str, metric: str) -> None:
        super().__init__(plugin, f"its name {metric!r} is not of the form [a-z][a-z0-9_-]*")
        self.metric = metric


class MetricNameTaken(MetricRefused):
    """A plug-in's metric has the name of another one."""

    def __init__(self, plugin: str, metric: str) -> None:
        super().__init__(plugin, f"another metric is called {metric!r}")
        self.metric = metric


class MetricFailed(RasterError):
    """A plug-in's metric failed."""

    def __init__(self, metric: str, step: str, reason: str) -> None:
        super().__init__(f"the metric {metric!r} failed in its step {step!r}: {reason}")
        self.metric = metric
        self.step = step
        self.reason = reason


class MetricOverflow(RasterError):
    """Cells are too large for the arithmetic of the metric."""

    def __init__(self, metric: str) -> None:
        super().__init__(
            f"the metric {metric!r} of these cells leaves the range of float64, which ends at 1.8e308. Is a "
            "value that means nodata not declared? Register the tile again with it as its nodata; or take "
            "max, min, median or mode, which never leave the range of the cells"
        )
        self.metric = metric


class LevelNotFound(RasterError):
    """The pyramid has no such level."""

    def __init__(self, level: int, level_count: int) -> None:
        super().__init__(
            f"no level {level}; the pyramid has levels 0 to {level_count - 1} "
            f"(or -1 to -{level_count} counted from the top)"
        )
        self.level = level
        self.level_count = level_count


class WindowOutOfBounds(RasterError):
    """The window is not inside the level."""

    def __init__(self, window: str, height: int, width: int) -> None:
        super().__init__(f"window {window} is not inside the level of {height} x {width} cells")
        self.window = window
        self.height = height
        self.width = width


class WindowTooLarge(RasterError):
    """The window has more cells than one answer may hold."""

    def __init__(self, cell_count: int, limit: int, finest_level: int) -> None:
        super().__init__(
            f"{cell_count} cells asked for, at most {limit} are given in one answer; ask for a "
            f"smaller window, or for level {finest_level}, the finest that fits whole"
        )
        self.cell_count = cell_count
        self.limit = limit
        self.finest_level = finest_level


class PyramidNotFound(RasterError):
    """There is no pyramid at the address."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no pyramid at {url}: {reason}")
        self.url = url
        self.reason = reason


class PyramidCorrupt(RasterError):
    """Stored bytes of the pyramid are missing or damaged."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


class StoreFailed(RasterError):
    """The store of the pyramids does not do its work right now."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


class ClusterUnavailable(RasterError):
    """No Dask scheduler answers at the address."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"no Dask scheduler answers at {address} (ZIGGURAT_DASK_SCHEDULER): {reason}")
        self.address = address
        self.reason = reason


class BudgetTooSmall(RasterError):
    """The build does not fit into the memory budget."""

    def __init__(self, budget_bytes: int, needed_bytes: int) -> None:
        super().__init__(
            f"the build needs {needed_bytes} bytes of memory with one worker and the smallest shards; "
            f"the budget is {budget_bytes} (ZIGGURAT_MEMORY_BUDGET). Raise it, or build fewer metrics at once"
        )
        self.budget_bytes = budget_bytes
        self.needed_bytes = needed_bytes
