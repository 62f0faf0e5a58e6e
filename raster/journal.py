"""What a build has finished so far, told beside the pyramid, so that a later attempt can take it over.

One line of JSON for each finished shard, written after its objects. A journal is a claim: size and
checksum of the objects decide, never a line or a file's mere existence.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import time
from types import TracebackType
from typing import IO, Self

from raster.objects import ObjectFolder, StoredObject
from raster.shards import Shard

SUFFIX = ".journal"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A build that did not come to its end, or has not yet: its folder and what it claims to have stored."""

    root: Path
    shards: Mapping[Shard, tuple[StoredObject, ...]]


class Journal:
    """The journal of a build that is under way; locked, so that others see that its writer lives."""

    def __init__(self, root: Path, build_key: str) -> None:
        self._path = root.with_suffix(SUFFIX)
        self._file: IO[str] = self._path.open("x", encoding="utf-8")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._write({"journal": 1, "build": build_key})

    def add(self, shard: Shard, stored: tuple[StoredObject, ...]) -> None:
        """Note that a shard is finished."""
        objects = [[each.key, each.size, each.crc32] for each in stored]
        self._write({"shard": [shard.level, shard.row, shard.col], "objects": objects})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _write(self, line: Mapping[str, object]) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()


def find_attempts(folder: Path, build_key: str) -> list[Attempt]:
    """Attempts at the same build in a folder of generations, the latest first, those under way included."""
    journals = sorted(folder.glob(f"*{SUFFIX}"), reverse=True)
    return [attempt for path in journals if (attempt := _read(path, build_key)) is not None]


def take_over(
    attempts: Iterable[Attempt], folder: ObjectFolder, journal: Journal
) -> dict[Shard, tuple[StoredObject, ...]]:
    """Link the whole shards of attempts into the folder of a new one, which may be killed as well."""
    taken: dict[Shard, tuple[StoredObject, ...]] = {}
    with ThreadPoolExecutor() as pool:
        for attempt in attempts:
            left = {shard: stored for shard, stored in attempt.shards.items() if shard not in taken}
            link = partial(_take_over_shard, attempt.root, folder)
            for (shard, stored), is_whole in zip(left.items(), pool.map(link, left.values()), strict=True):
                if is_whole:
                    taken[shard] = stored
                    journal.add(shard, stored)
    return taken


def _take_over_shard(root: Path, folder: ObjectFolder, stored: tuple[StoredObject, ...]) -> bool:
    return all(folder.take_over(each, root) is not None for each in stored)


def forget_attempt(root: Path) -> None:
    """Take away the journal of a pyramid: it is published, or nothing of it is left."""
    root.with_suffix(SUFFIX).unlink(missing_ok=True)


def find_abandoned(folder: Path, *, older_than_s: float) -> Iterator[Path]:
    """Roots of attempts in a folder of generations whose writers are gone for some time."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if _is_abandoned(path, older_than_s):
            yield path.with_suffix(".zarr")


def _is_abandoned(path: Path, older_than_s: float) -> bool:
    try:
        with path.open("rb") as journal:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return time() - path.stat().st_mtime > older_than_s
    except OSError:
        return False


def _read(path: Path, build_key: str) -> Attempt | None:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        if not lines or json.loads(lines[0]) != {"journal": 1, "build": build_key}:
            return None
    except (OSError, ValueError):
        return None
    return Attempt(path.with_suffix(".zarr"), dict(_shards(lines[1:])))


def _shards(lines: list[str]) -> Iterator[tuple[Shard, tuple[StoredObject, ...]]]:
    """Finished shards; a last line that was cut off is none."""
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            return
        yield Shard(*entry["shard"]), tuple(StoredObject(*each) for each in entry["objects"])
