"""Cells of a stored pyramid: windows of its levels, read strictly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import zarr

from raster.cells import Cells
from raster.chunks import ArrayFormat, StoredChunks
from raster.errors import PyramidCorrupt
from raster.grid import Grid, Window
from raster.metrics.interface import VALUE
from raster.storage.store import Root, read_manifest
from raster.strict_objects import StrictObjects
from raster.strict_store import StrictStore


@dataclass(frozen=True, slots=True)
class _Opened:
    objects: StrictObjects
    group: zarr.Group


@dataclass(frozen=True)
class StoredPyramid:
    """A finished pyramid at `root`; immutable, so it may be kept open and shared by threads.

    `manifest_sha256` pins every byte of it: what was returned when it was written. None for readers
    that know no catalogue; they believe the manifest that lies there.
    """

    root: Root
    grid: Grid
    manifest_sha256: str | None = None

    @cached_property
    def _opened(self) -> _Opened:
        manifest = read_manifest(self.root, self.manifest_sha256)
        group = zarr.open_group(StrictStore(self.root, manifest), mode="r", zarr_format=3)
        return _Opened(StrictObjects(self.root, manifest), group)

    @cached_property
    def _chunks(self) -> dict[tuple[int, str], StoredChunks]:
        return {}

    def open_chunks(self, level: int, array: str = VALUE) -> StoredChunks:
        """The chunks of a level's values, or of a part beside them; kept open, too.

        Raises
        ------
        LevelNotFound, PyramidCorrupt, StoreFailed
        """
        opened = self._chunks.get((level, array))
        if opened is None:
            self.grid.level(level)
            level %= self.grid.level_count
            path = f"{level}/{array}"
            stored = StoredChunks(self._opened.objects, path, self._format(path))
            # of two threads at once the first one's is kept
            opened = self._chunks.setdefault((level, array), stored)
        return opened

    def _format(self, path: str) -> ArrayFormat:
        """How an array is stored, by the group's metadata, which is there already."""
        try:
            stored = cast("zarr.Array[Any]", self._opened.group[path])
            return ArrayFormat.of(stored.metadata.to_dict())
        except (KeyError, ValueError) as error:
            # what zarr raises for damaged metadata
            raise PyramidCorrupt(path, f"cannot be opened ({type(error).__name__})") from error

    def read_window(self, level: int, window: Window, array: str = VALUE) -> Cells:
        """Cells of a window of a level.

        Parameters
        ----------
        level : int
            Negative ones count from the top.
        window : Window
            Inside the level.
        array : str
            The values, or one of the parts beside them.

        Returns
        -------
        (height, width) of the array's dtype, nodata as stored

        Raises
        ------
        LevelNotFound, WindowOutOfBounds
        PyramidCorrupt
            A stored byte the window needs is missing or damaged, or the manifest is another one;
            never read as nodata.
        StoreFailed
            The store cannot be read now, which says nothing about the pyramid.
        """
        self.grid.level(level).part(window)
        path = f"{level % self.grid.level_count}/{array}"
        try:
            stored = cast("zarr.Array[Any]", self._opened.group[path])
            return np.asarray(stored[window.slices])
        except (KeyError, ValueError) as error:
            # what zarr raises for damaged metadata and checksums
            raise PyramidCorrupt(path, f"cannot be decoded ({type(error).__name__})") from error
        except RuntimeError as error:
            # of numcodecs; that no thread can be started is one, too, and no reason to build anew
            if "decompression" not in str(error):
                raise
            raise PyramidCorrupt(path, "cannot be decompressed") from error
