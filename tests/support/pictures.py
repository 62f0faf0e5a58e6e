"""Pictures as another reader sees them, and heights out of their colours by the codes' own definitions."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def decoded(content: bytes) -> NDArray[np.uint8]:
    """Red, green, blue and opacity of a PNG or WebP: (height, width, 4)."""
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture.convert("RGBA"))


def indices_of(content: bytes) -> NDArray[np.uint8]:
    """The indices of a PNG with a palette."""
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.mode == "P"
        return np.asarray(picture)


def heights_of(content: bytes, encoding: str) -> NDArray[Any]:
    """Metres, as the documentation of each encoding says: red is the most significant."""
    red, green, blue, _ = (decoded(content)[..., channel].astype(np.float64) for channel in range(4))
    if encoding == "terrarium":
        return red * 256 + green + blue / 256 - 32768
    return -10000 + (red * 256 * 256 + green * 256 + blue) * 0.1
