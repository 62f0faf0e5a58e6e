"""What can be wrong with a rectangle on the ground."""

from __future__ import annotations

from raster.errors import RasterError


class BoxOutside(RasterError):
    """The box does not touch the terrain."""

    def __init__(self, box: str, crs: str | None) -> None:
        super().__init__(
            f"the box {box} in {crs or 'the CRS of the terrain'} touches no cell. Are its numbers in the "
            "order of that CRS's axes? OGC:CRS84 is longitude, latitude; EPSG:4326 is latitude, longitude"
        )
        self.box = box
        self.crs = crs


class BoxSplit(RasterError):
    """The box touches both ends of a terrain that goes around the globe, and not what lies between them."""

    def __init__(self, box: str, one: str, other: str) -> None:
        super().__init__(
            f"the box {box} is two windows of the terrain: {one}, and {other}; ask for each of them"
        )
        self.box = box
        self.one = one
        self.other = other
