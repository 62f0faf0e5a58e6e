"""What a store of pyramids can do, wherever it is: `local` and `s3` are the two there are.

A generation is everything of one name in its folder: its objects below `g….zarr`, beside them
`g….manifest.json` and, while it is not finished, its journal. Objects are written once, never
overwritten. Whatever keeps a store from answering is a `StoreFailed`, and says nothing about a pyramid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from raster.errors import PyramidCorrupt
from raster.storage.manifest import MANIFEST, Manifest, StoredObject, StoredPart, digest

OBJECTS = ".zarr"
SEALED = ".manifest.json"
JOURNAL = ".journal"

LATEST = "latest.json"
"""File in the folder of a pyramid that names the current generation: `href`, below that folder."""

PARTIAL = ".partial"
"""Suffix of a file that is being written; what ends so belongs to a writer that was killed."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Something that lies there: its key below the folder of generations, bytes, time of the last write."""

    key: str
    size: int
    written_at: float
    """Seconds since 1970, by the store's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a generation takes up, finished or not; `written_at` is its last write, in seconds since 1970."""

    file_count: int
    byte_count: int
    written_at: float


class ObjectFolder(Protocol):
    """A pyramid's objects while it is written; may be pickled, to be written from other processes."""

    def put(self, key: str, *pieces: bytes) -> StoredObject:
        """Write one object, given in pieces. It may be on its way still: `flush` waits for it."""

    def get(self, key: str) -> bytes:
        """One object's bytes, while the pyramid is written."""

    def link(self, stored: StoredObject, source: Root) -> bool:
        """Take an object of another generation of this store, known to be whole; False when it is gone."""

    def flush(self) -> None:
        """Wait until all that was put is there, so that what comes after it is written later."""

    def seal(self, manifest: Manifest) -> str:
        """Wait until everything is safe, then put the manifest: it lists nothing that may still be lost.

        Returns
        -------
        SHA-256 of the manifest, hexadecimal
        """

    def close(self) -> None:
        """Give up what is still on its way."""


class Log(Protocol):
    """The journal of a build that is under way, line by line."""

    def write(self, line: str) -> None:
        """Add a line; it may be kept back for some seconds."""

    def close(self) -> None:
        """Write what was kept back."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Root(Protocol):
    """Where one generation lies."""

    def __hash__(self) -> int: ...

    @property
    def name(self) -> str:
        """`g….zarr`."""

    @property
    def generation(self) -> str:
        """The generation's id."""

    @property
    def url(self) -> str:
        """The Zarr group, as xarray and the like open it."""

    def create(self) -> ObjectFolder:
        """A folder for a new generation; a local place that is taken is refused."""

    def start_log(self, line: str) -> Log:
        """Begin a journal; others see that its writer lives."""

    def read_log(self) -> list[str]:
        """What the journal says so far; nothing when there is none."""

    def forget_log(self) -> None:
        """Take away the journal: the pyramid is published, or nothing of it is left."""

    def is_abandoned(self, older_than_s: float) -> bool:
        """Whether there is a journal, and its writer is gone for some time."""

    def read_manifest(self) -> bytes | None:
        """The manifest as it lies there."""

    def read(self, key: str) -> bytes | None:
        """An object's bytes; None when it is missing."""

    async def read_part(self, key: str, start: int, stop: int | None) -> bytes | None:
        """Bytes of an object from `start` to `stop`, fewer where it ends before; None when it is missing."""

    def read_parts(self, parts: Sequence[StoredPart]) -> list[bytes | None]:
        """As `read_part` of each of them: one after the other, or many at once. Blocks."""

    def is_whole(self, stored: StoredObject) -> bool:
        """Whether an object has the size and checksum it was put with; that it exists says nothing."""

    def list_files(self) -> Iterator[StoredFile]:
        """Everything of the generation."""

    def remove(self) -> None:
        """Take away everything of the generation, what makes it readable first."""


class Store(Protocol):
    """Generations of pyramids, in folders."""

    @property
    def url(self) -> str:
        """Its address, without credentials."""

    def root(self, href: str) -> Root:
        """Where the generation with this `href` lies: a path below the store that ends in `.zarr`."""

    def below(self, folder: str) -> Store:
        """What lies in a folder of this store."""

    def list_hrefs(self) -> Iterator[str]:
        """All generations in this store and its folders, finished or not."""

    def list_logged(self) -> list[Root]:
        """Generations of this folder that have a journal, the latest first."""

    def replace_file(self, name: str, data: bytes) -> None:
        """Write a file so that readers see the old or the new bytes, never a part of them."""

    def read_file(self, name: str) -> bytes | None:
        """A file that `replace_file` wrote; None when it is missing."""

    def close(self) -> None:
        """Close connections; whoever uses the store again opens new ones."""


def read_manifest(root: Root, sha256: str | None = None) -> Manifest:
    """The manifest of a finished pyramid.

    Parameters
    ----------
    root : Root
    sha256 : str, optional
        What sealing it returned, hexadecimal. Without it, a manifest that was changed so that it still is
        one goes unnoticed.

    Raises
    ------
    PyramidCorrupt
        It is missing, damaged or another one.
    StoreFailed
        The store cannot be read now, which says nothing about the pyramid.
    """
    text = root.read_manifest()
    if text is None:
        raise PyramidCorrupt(MANIFEST, "the manifest is missing")
    manifest = Manifest.from_json(text)
    if sha256 is not None and digest(text) != sha256:
        raise PyramidCorrupt(MANIFEST, "the manifest is not the one that was published")
    return manifest


def read_whole(root: Root, stored: StoredObject) -> bytes | None:
    """An object's bytes if it is whole."""
    data = root.read(stored.key)
    return data if data is not None and stored.matches(data) else None


def measure(root: Root) -> Footprint:
    """What a generation takes up, and when something of it was written last."""
    files: Iterable[StoredFile] = list(root.list_files())
    return Footprint(
        file_count=sum(1 for _ in files),
        byte_count=sum(file.size for file in files),
        written_at=max((file.written_at for file in files), default=0.0),
    )
