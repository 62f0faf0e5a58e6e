"""Statistics of a source: its windows are read one by one, decoded and summed up."""

from __future__ import annotations

from raster.cells import CellEncoding
from raster.sources.source import Source
from raster.statistics import Statistics, summarise


def read_statistics(source: Source, encoding: CellEncoding) -> Statistics:
    """Statistics of a source's valid cells, after scale and offset.

    Parameters
    ----------
    source : Source
        Open; at most `STREAMED_CELLS` of its cells are in memory at a time.
    encoding : CellEncoding
        The registered one, whose nodata may differ from the file's.

    Raises
    ------
    SourceUnreadable
    """
    cell_type = encoding.cell_type
    windows = (source.read_window(window) for window in source.info.windows())
    return summarise((encoding.decode(cells, cell_type) for cells in windows), cell_type)
