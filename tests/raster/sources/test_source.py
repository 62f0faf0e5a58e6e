"""How a source is cut into windows for streaming."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from raster.cells import CellEncoding
from raster.grid import Window
from raster.sources.ranges import SourceIdentity
from raster.sources.source import SourceInfo

sides = st.integers(1, 40)


def info(height: int, width: int, block_height: int, block_width: int) -> SourceInfo:
    return SourceInfo(
        height=height,
        width=width,
        encoding=CellEncoding("int16"),
        transform=None,
        crs=None,
        south_up=False,
        identity=SourceIdentity(size=1),
        block_height=block_height,
        block_width=block_width,
    )


@given(sides, sides, sides, sides, st.integers(1, 500))
def test_windows_cover_every_cell_once_and_never_cut_a_block(
    height: int, width: int, block_height: int, block_width: int, limit: int
) -> None:
    source = info(height, width, block_height, block_width)
    seen = np.zeros((height, width), int)
    for window in source.windows(limit):
        seen[window.slices] += 1
        assert window.row % block_height == 0
        assert window.col % block_width == 0
        assert window.row_stop % block_height == 0 or window.row_stop == height
        assert window.col_stop % block_width == 0 or window.col_stop == width
        assert window.cell_count <= max(limit, block_height * block_width)
    assert (seen == 1).all()


def test_windows_are_as_large_as_the_limit_lets_them() -> None:
    assert list(info(100, 50, 10, 10).windows(10_000)) == [Window(row=0, col=0, height=100, width=50)]
    assert next(iter(info(100, 50, 10, 10).windows(1500))) == Window(row=0, col=0, height=30, width=50)
    assert next(iter(info(100, 50, 10, 10).windows(350))) == Window(row=0, col=0, height=10, width=30)
