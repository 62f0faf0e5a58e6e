"""Colour ramps: named tables of 256 colours, interpolated between a few of their own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Palette = NDArray[np.uint8]
"""(256, 3): red, green, blue of each index. 0 is kept for nodata."""

VALID_COLOURS = 255
"""Indices of cells with a value: 1 to this."""

# viridis, magma (both CC0) and turbo (Apache-2.0): every 1/24, which is within 3/255 everywhere
_STOPS: Mapping[str, str] = MappingProxyType(
    {
        "viridis": "440154 471164 481f70 472d7b 443a83 404688 3b528b 365d8d 31688e 2c728e 287c8e 24868e "
        "21908c 1f9a8a 20a486 27ad81 35b779 47c16e 5cc863 75d054 8fd644 aadc32 c7e020 e3e418 fde725",
        "magma": "000004 060517 100b2e 1d1147 2c1160 3f0f72 50127c 611880 721f81 822681 932b80 a5317e "
        "b6367a c73d73 d8456c e65164 f1605d f8735c fb8861 fd9b6b feaf78 fec287 fed698 fdeaab fcfdbf",
        "turbo": "30123b 3c3184 434fbb 466be3 4686fa 3ba0fd 28bbec 1ad3d1 1ae4b6 31f299 56fa75 80ff53 "
        "a2fc3c bef434 d8e436 edd03a faba39 fe9f2f fb8022 f26014 e4460a d23105 ba1e02 9d1001 7a0403",
        # plains to peaks, as atlases tint them
        "terrain": "2f6b4f 4d8a57 7ba563 a9bd73 d3ce8a dcc07f cca66a b58a5a 9c7150 8e6a55 a08a7e c4b8b1 "
        "e6e1de ffffff",
        "grey": "000000 ffffff",
        # of angles: gentle ground white, avalanche ground yellow to red, cliffs black
        "slope": "ffffff f4f1d0 ffe070 ff9c3a e2431e a3122a 5e0a2e 2c0a1e 000000",
    }
)
RAMPS = tuple(name for name in _STOPS if name != "slope")
"""Those that heights are coloured by."""


@cache
def palette(name: str) -> Palette:
    """The colours of a ramp: index 1 is its low end, 255 its high end, and 0 black.

    Returns
    -------
    (256, 3) uint8, read-only
    """
    stops = np.array([list(bytes.fromhex(stop)) for stop in _STOPS[name].split()], dtype=np.float64)
    places = np.linspace(0, len(stops) - 1, VALID_COLOURS)
    colours = np.zeros((256, 3), dtype=np.uint8)
    for channel in range(3):
        between = np.interp(places, np.arange(len(stops)), stops[:, channel])
        colours[1:, channel] = np.rint(between)
    colours.setflags(write=False)
    return colours
