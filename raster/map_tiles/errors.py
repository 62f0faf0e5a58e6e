"""What can be wrong with the address of a map tile."""

from __future__ import annotations

from raster.errors import RasterError


class MatrixSetNotFound(RasterError):
    """There is no such tile matrix set."""

    def __init__(self, matrix_set: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no tile matrix set {matrix_set[:80]!r}; there are {', '.join(known)}")
        self.known = known


class MapTileNotFound(RasterError):
    """The tile matrix set has no such tile."""

    def __init__(self, matrix_set: str, address: str, limits: str) -> None:
        super().__init__(f"{matrix_set} has no tile {address}; {limits}")
        self.matrix_set = matrix_set
        self.limits = limits


class TerrainNotOnMap(RasterError):
    """The terrain cannot be placed in this tile matrix set."""

    def __init__(self, matrix_set: str, reason: str, way_out: str) -> None:
        super().__init__(f"the terrain cannot be shown in {matrix_set}: {reason}; {way_out}")
        self.matrix_set = matrix_set
        self.way_out = way_out
