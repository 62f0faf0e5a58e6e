"""Bodies that wait on this machine's disk to be registered, one file each, locked by whoever works on it."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from service.errors import SpoolUnavailable

NAME = re.compile(r"([0-9a-f]{32})\.(ndjson|csv)")

ABANDONED_AFTER_S = 3600.0
"""A file that belongs to no registration is swept when nobody has written to it for so long."""


class TableKind(StrEnum):
    """How a table is written."""

    NDJSON = "ndjson"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class SpooledTable:
    """A whole body on the disk, and the registration it is of."""

    registration_id: str
    kind: TableKind
    path: Path


@dataclass(frozen=True, slots=True)
class Spool:
    """The folder."""

    folder: Path

    def begin(self, registration_id: str) -> BinaryIO:
        """A file for a body that arrives.

        Raises
        ------
        SpoolUnavailable
        """
        with self._using():
            self.folder.mkdir(parents=True, exist_ok=True)
            return self._arriving(registration_id).open("wb")

    def add(self, file: BinaryIO, data: bytes) -> None:
        """Write some of a body.

        Raises
        ------
        SpoolUnavailable
        """
        with self._using():
            file.write(data)

    def keep(self, file: BinaryIO, registration_id: str, kind: TableKind) -> None:
        """The body is whole: from now on it survives the machine.

        Raises
        ------
        SpoolUnavailable
        """
        with self._using():
            file.flush()
            os.fsync(file.fileno())
            self._arriving(registration_id).rename(self._path(registration_id, kind))
            _sync(self.folder)

    def end(self, file: BinaryIO, registration_id: str) -> None:
        """Close the file of a body that arrived, and remove it if it was not kept.

        Raises
        ------
        SpoolUnavailable
        """
        with self._using():
            self._arriving(registration_id).unlink(missing_ok=True)
            file.close()

    def find(self) -> dict[str, SpooledTable]:
        """Every whole body, by its registration.

        Raises
        ------
        SpoolUnavailable
        """
        with self._using():
            names = [NAME.fullmatch(path.name) for path in self.folder.glob("*.*")]
        return {
            name[1]: SpooledTable(name[1], TableKind(name[2]), self.folder / name[0])
            for name in names
            if name
        }

    def remove(self, registration_id: str) -> None:
        """Remove a body, if it is there.

        Raises
        ------
        SpoolUnavailable
        """
        with self._using():
            for kind in TableKind:
                self._path(registration_id, kind).unlink(missing_ok=True)

    def sweep(self, needed: set[str]) -> None:
        """Remove old files that are of no registration in `needed`: their processes were killed.

        Raises
        ------
        SpoolUnavailable
        """
        with self._using():
            for path in self.folder.glob("*.*"):
                is_old = time.time() - path.stat().st_mtime > ABANDONED_AFTER_S
                if is_old and path.stem not in needed:
                    path.unlink(missing_ok=True)

    def _arriving(self, registration_id: str) -> Path:
        return self.folder / f"{registration_id}.part"

    def _path(self, registration_id: str, kind: TableKind) -> Path:
        return self.folder / f"{registration_id}.{kind}"

    @contextmanager
    def _using(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SpoolUnavailable(str(self.folder), error.strerror or str(error)) from error


@contextmanager
def locked(table: SpooledTable) -> Iterator[BinaryIO | None]:
    """The body, locked until the process dies or the context ends; None if another has it, or it is gone."""
    try:
        file = table.path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield file


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
