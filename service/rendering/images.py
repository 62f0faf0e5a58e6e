"""Pictures as bytes: PNG and lossless WebP.

PNG is written here: its parts are few, one filter does for all of them, and deflate by ISA-L is many
times as fast as zlib's at the same size.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from PIL import Image

from service.rendering.ramps import Palette

PICTURE_TYPES = {"png": "image/png", "webp": "image/webp"}

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREYS, _COLOURS, _INDICES = 0, 2, 3
_SUBTRACT_LEFT = 1
_DEFLATE_LEVEL = 1


def indexed_png(indices: NDArray[np.uint8], palette: Palette) -> bytes:
    """A PNG of (height, width) indices into a palette, of which index 0 is transparent."""
    head = _head(indices, _INDICES)
    return _png(head, _chunk(b"PLTE", palette.tobytes()), _chunk(b"tRNS", b"\x00"), _data(indices, 1))


def grey_png(greys: NDArray[np.uint16], words: Mapping[str, str]) -> bytes:
    """A PNG of (height, width) greys of 16 bits, of which 0 is transparent, with words about it."""
    rows = greys.astype(">u2").view(np.uint8).reshape(greys.shape[0], 2 * greys.shape[1])
    texts = [_chunk(b"tEXt", f"{key}\0{value}".encode("latin-1")) for key, value in words.items()]
    return _png(_head(greys, _GREYS, 16), _chunk(b"tRNS", b"\x00\x00"), *texts, _data(rows, 2))


def rgb_png(colours: NDArray[np.uint8]) -> bytes:
    """A PNG of (height, width, 3) red, green and blue."""
    height, width, depth = colours.shape
    return _png(_head(colours, _COLOURS), _data(colours.reshape(height, width * depth), depth))


def indexed_webp(indices: NDArray[np.uint8], palette: Palette) -> bytes:
    """A lossless WebP of (height, width) indices into a palette, of which index 0 is transparent."""
    colours = np.full((256, 4), 255, dtype=np.uint8)
    colours[:, :3] = palette
    colours[0] = 0
    return _webp(colours[indices])


def rgb_webp(colours: NDArray[np.uint8]) -> bytes:
    """A lossless WebP of (height, width, 3) red, green and blue."""
    return _webp(np.ascontiguousarray(colours))


def _webp(colours: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    # effort 0: more of it takes many times as long to save a few bytes
    Image.fromarray(colours).save(buffer, "WEBP", lossless=True, quality=0, method=0)
    return buffer.getvalue()


def _png(*chunks: bytes) -> bytes:
    return b"".join((_SIGNATURE, *chunks, _chunk(b"IEND", b"")))


def _head(picture: NDArray[Any], colour_type: int, bits: int = 8) -> bytes:
    height, width = picture.shape[:2]
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0))


def _data(rows: NDArray[np.uint8], cell_bytes: int) -> bytes:
    """Rows of bytes, each cell as its difference from the one to its left."""
    height, width = rows.shape
    filtered = np.empty((height, width + 1), dtype=np.uint8)
    filtered[:, 0] = _SUBTRACT_LEFT
    filtered[:, 1 : cell_bytes + 1] = rows[:, :cell_bytes]
    np.subtract(rows[:, cell_bytes:], rows[:, :-cell_bytes], out=filtered[:, cell_bytes + 1 :])
    return _chunk(b"IDAT", isal_zlib.compress(filtered, _DEFLATE_LEVEL))


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)))
