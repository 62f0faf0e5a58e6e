"""Pyramids in a local folder."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import time
from types import TracebackType
from typing import IO, Self
from uuid import uuid4

from isal import isal_zlib

from raster.storage.disk import ABSENT, read, replace_file, start_flush, storing, sync
from raster.storage.manifest import Manifest, StoredObject, StoredPart, digest
from raster.storage.store import JOURNAL, OBJECTS, PARTIAL, SEALED, Root, StoredFile, read_whole


@dataclass(frozen=True, slots=True)
class LocalStore:
    """Pyramids below a folder, absolute or as the process sees it."""

    folder: Path

    @property
    def url(self) -> str:
        return str(self.folder)

    def root(self, href: str) -> LocalRoot:
        return LocalRoot(self.folder / href)

    def below(self, folder: str) -> LocalStore:
        return LocalStore(self.folder / folder)

    def list_hrefs(self) -> Iterator[str]:
        with storing(self.folder):
            for folder, below, files in os.walk(self.folder):
                names = {_generation(name) for name in (*below, *files)} - {None}
                yield from sorted(
                    (Path(folder) / f"{name}{OBJECTS}").relative_to(self.folder).as_posix() for name in names
                )
                below[:] = sorted(name for name in below if not name.endswith(OBJECTS))

    def list_logged(self) -> list[Root]:
        with storing(self.folder):
            journals = sorted(self.folder.glob(f"*{JOURNAL}"), reverse=True)
        return [LocalRoot(path.with_suffix(OBJECTS)) for path in journals]

    def replace_file(self, name: str, data: bytes) -> None:
        with storing(self.folder):
            replace_file(self.folder / name, data)

    def read_file(self, name: str) -> bytes | None:
        with storing(self.folder):
            return read(self.folder / name)

    def close(self) -> None:
        """Nothing is kept open."""


@dataclass(frozen=True, slots=True)
class LocalRoot:
    """A generation at `path`, which ends in `.zarr`."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def generation(self) -> str:
        return self.path.stem

    @property
    def url(self) -> str:
        return str(self.path)

    @property
    def manifest_path(self) -> Path:
        """The manifest lies beside the folder, since a Zarr group holds Zarr nodes only."""
        return self.path.with_suffix(SEALED)

    @property
    def _journal_path(self) -> Path:
        return self.path.with_suffix(JOURNAL)

    def create(self) -> LocalFolder:
        with storing(self.path):
            new_parents = [folder for folder in self.path.parents if not folder.exists()]
            self.path.mkdir(parents=True)
            sync(folder.parent for folder in new_parents)
        return LocalFolder(self)

    def start_log(self, line: str) -> LocalLog:
        with storing(self._journal_path):
            return LocalLog(self._journal_path, line)

    def read_log(self) -> list[str]:
        try:
            return self._journal_path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return []  # it is a claim only: without it the work is done again

    def forget_log(self) -> None:
        with storing(self._journal_path):
            self._journal_path.unlink(missing_ok=True)

    def is_abandoned(self, older_than_s: float) -> bool:
        try:
            with self._journal_path.open("rb") as journal:
                fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return time() - self._journal_path.stat().st_mtime > older_than_s
        except OSError:
            return False

    def read_manifest(self) -> bytes | None:
        with storing(self.manifest_path):
            return read(self.manifest_path)

    def read(self, key: str) -> bytes | None:
        with storing(self.path / key):
            return read(self.path / key)

    async def read_part(self, key: str, start: int, stop: int | None) -> bytes | None:
        return await asyncio.to_thread(self._read_part, key, start, stop)

    def _read_part(self, key: str, start: int, stop: int | None) -> bytes | None:
        with storing(self.path / key):
            try:
                with (self.path / key).open("rb") as file:
                    file.seek(start)
                    return file.read() if stop is None else file.read(stop - start)
            except ABSENT:
                return None

    def read_parts(self, parts: Sequence[StoredPart]) -> list[bytes | None]:
        return [self._read_part(part.stored.key, part.start, part.stop) for part in parts]

    def is_whole(self, stored: StoredObject) -> bool:
        return read_whole(self, stored) is not None

    def list_files(self) -> Iterator[StoredFile]:
        with storing(self.path):
            for top in sorted(self.path.parent.glob(f"{self.generation}.*")):
                for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
                    if path.is_file():
                        seen = path.stat()
                        key = path.relative_to(self.path.parent).as_posix()
                        yield StoredFile(key, seen.st_size, seen.st_mtime)

    def remove(self) -> None:
        with storing(self.path):
            self.manifest_path.unlink(missing_ok=True)
            shutil.rmtree(self.path, ignore_errors=True)
            self._journal_path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A pyramid's folder while it is written."""

    root: LocalRoot

    def put(self, key: str, *pieces: bytes) -> StoredObject:
        """Write one object; parent folders come by themselves."""
        path = self.root.path / key
        # renamed into place: a task that runs twice, on two workers, never leaves a part of a shard
        temporary = path.with_name(f"{path.name}.{uuid4().hex}{PARTIAL}")
        crc32 = 0
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                for piece in pieces:
                    file.write(piece)
                    crc32 = isal_zlib.crc32(piece, crc32)
                file.flush()
                start_flush(file.fileno())
            temporary.replace(path)
        return StoredObject(key, sum(map(len, pieces)), crc32)

    def get(self, key: str) -> bytes:
        with storing(self.root.path / key):
            return (self.root.path / key).read_bytes()

    def link(self, stored: StoredObject, source: Root) -> bool:
        """Link the other's file, or copy it where links cannot be made."""
        path = self.root.path / stored.key
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.hardlink_to(Path(source.url) / stored.key)
        except OSError:
            data = source.read(stored.key)
            if data is None:
                return False
            self.put(stored.key, data)
        return True

    def flush(self) -> None:
        """What was put is there."""

    def seal(self, manifest: Manifest) -> str:
        """Wait until everything is on the disk, then put the manifest.

        Files first, then the folders that name them, the pyramid's own place last: so a manifest
        lists nothing that a power cut could still take away.
        """
        text, path = manifest.to_json(), self.root.path
        files = [path / key for key in manifest.objects]
        folders = {folder for file in files for folder in file.relative_to(path).parents}
        with storing(path):
            sync(files)
            sync(path / folder for folder in folders)
            sync([path.parent])
            replace_file(self.root.manifest_path, text)
        return digest(text)

    def close(self) -> None:
        """Nothing is on its way."""


class LocalLog:
    """A journal as a file that is locked while its writer lives."""

    def __init__(self, path: Path, line: str) -> None:
        self._path = path
        self._file: IO[str] = path.open("x", encoding="utf-8")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self.write(line)

    def write(self, line: str) -> None:
        with storing(self._path):
            self._file.write(f"{line}\n")
            self._file.flush()

    def close(self) -> None:
        with storing(self._path):
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _generation(name: str) -> str | None:
    """The generation that a file or folder of this name belongs to."""
    suffixes = (suffix for suffix in (OBJECTS, SEALED, JOURNAL) if name.endswith(suffix))
    return next((name.removesuffix(suffix) for suffix in suffixes), None)
