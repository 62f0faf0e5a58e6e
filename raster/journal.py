"""What a build has finished so far, told beside the pyramid, so that a later attempt can take it over.

One line of JSON for each finished shard, written after its objects. A journal is a claim: size and
checksum of the objects decide, never a line or an object's mere existence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

from raster.shards import Shard
from raster.storage.manifest import StoredObject
from raster.storage.store import ObjectFolder, Root, Store

TAKING_THREADS = 16
"""They wait for the disk or the store more than for a core."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A build that did not come to its end, or has not yet: its place and what it claims to have stored."""

    root: Root
    shards: Mapping[Shard, tuple[StoredObject, ...]]


class Journal:
    """The journal of a build that is under way."""

    def __init__(self, root: Root, build_key: str) -> None:
        self._log = root.start_log(_line({"journal": 1, "build": build_key}))

    def add(self, shard: Shard, stored: tuple[StoredObject, ...]) -> None:
        """Note that a shard is finished."""
        objects = [[each.key, each.size, each.crc32] for each in stored]
        self._log.write(_line({"shard": [shard.level, shard.row, shard.col], "objects": objects}))

    def __enter__(self) -> Self:
        self._log.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._log.__exit__(kind, error, trace)


def find_attempts(store: Store, build_key: str) -> list[Attempt]:
    """Attempts at the same build in a folder of generations, the latest first, those under way included."""
    found = (_read(root, build_key) for root in store.list_logged())
    return [attempt for attempt in found if attempt is not None]


def take_over(
    attempts: Iterable[Attempt], folder: ObjectFolder, journal: Journal
) -> dict[Shard, tuple[StoredObject, ...]]:
    """Link the whole shards of attempts into the folder of a new one, which may be killed as well."""
    taken: dict[Shard, tuple[StoredObject, ...]] = {}
    with ThreadPoolExecutor(TAKING_THREADS) as pool:
        for attempt in attempts:
            left = {shard: stored for shard, stored in attempt.shards.items() if shard not in taken}
            link = partial(_take_over_shard, attempt.root, folder)
            for (shard, stored), is_whole in zip(left.items(), pool.map(link, left.values()), strict=True):
                if is_whole:
                    taken[shard] = stored
                    journal.add(shard, stored)
    return taken


def _take_over_shard(root: Root, folder: ObjectFolder, stored: tuple[StoredObject, ...]) -> bool:
    return all(root.is_whole(each) and folder.link(each, root) for each in stored)


def find_abandoned(store: Store, *, older_than_s: float) -> Iterator[Root]:
    """Roots of attempts in a folder of generations whose writers are gone for some time."""
    return (root for root in store.list_logged() if root.is_abandoned(older_than_s))


def _line(entry: Mapping[str, object]) -> str:
    return json.dumps(entry, separators=(",", ":"))


def _read(root: Root, build_key: str) -> Attempt | None:
    lines = root.read_log()
    try:
        if not lines or json.loads(lines[0]) != {"journal": 1, "build": build_key}:
            return None
    except ValueError:
        return None
    return Attempt(root, dict(_shards(lines[1:])))


def _shards(lines: list[str]) -> Iterator[tuple[Shard, tuple[StoredObject, ...]]]:
    """Finished shards; a last line that was cut off is none."""
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            return
        yield Shard(*entry["shard"]), tuple(StoredObject(*each) for each in entry["objects"])
