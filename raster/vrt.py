"""A GDAL VRT over the levels of a pyramid: GDAL then reads the level it needs, whatever its version.

GDAL 3.13 finds overviews in a multiscale group, but reads the whole of level 0 before it uses them.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

import numpy as np

from raster.cells import Nodata
from raster.crs import parse_crs
from raster.grid import Grid

_GDAL_TYPES = {
    "int8": "Int8",
    "uint8": "Byte",
    "int16": "Int16",
    "uint16": "UInt16",
    "int32": "Int32",
    "uint32": "UInt32",
    "int64": "Int64",
    "uint64": "UInt64",
    "float32": "Float32",
    "float64": "Float64",
}


def make_vrt(
    grid: Grid, dtype: np.dtype[np.generic], nodata: Nodata, unit: str | None, source: Callable[[int], str]
) -> bytes:
    """A VRT of one band with an overview for each level above the native one.

    Parameters
    ----------
    grid : Grid
    dtype : numpy dtype
    nodata : number or None
    unit : str or None
        Of the cells.
    source : level -> name of a data set, as GDAL opens it

    Returns
    -------
    XML in UTF-8
    """
    vrt = ET.Element("VRTDataset", rasterXSize=str(grid.width), rasterYSize=str(grid.height))
    if grid.crs is not None:
        _add(vrt, "SRS", parse_crs(grid.crs).to_wkt("WKT2_2019"), dataAxisToSRSAxisMapping=_axes(grid.crs))
    _add(vrt, "GeoTransform", ", ".join(repr(float(number)) for number in grid.transform.to_gdal()))
    band = ET.SubElement(vrt, "VRTRasterBand", dataType=_GDAL_TYPES[dtype.name], band="1")
    if nodata is not None:
        _add(band, "NoDataValue", repr(nodata))
    if unit is not None:
        _add(band, "UnitType", unit)
    cells = ET.SubElement(band, "SimpleSource")
    _add(cells, "SourceFilename", source(0))
    _add(cells, "SourceBand", "1")
    for level in range(1, grid.level_count):
        overview = ET.SubElement(band, "Overview")
        _add(overview, "SourceFilename", source(level))
        _add(overview, "SourceBand", "1")
    written: bytes = ET.tostring(vrt, encoding="utf-8")
    return written


def _axes(crs: str) -> str:
    """Which axis of the CRS a column, then a row, runs along; from 1."""
    directions = [axis.direction.lower() for axis in parse_crs(crs).axis_info[:2]]
    return "2,1" if directions[0] in {"north", "south"} else "1,2"


def _add(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = text
