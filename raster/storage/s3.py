"""Pyramids in a bucket of S3."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, time
from types import TracebackType
from typing import Any, Self

from isal import isal_zlib

from raster.errors import StoreFailed
from raster.storage.bucket import CONNECTIONS, Bucket
from raster.storage.manifest import Manifest, StoredObject, StoredPart, digest
from raster.storage.store import JOURNAL, OBJECTS, SEALED, Root, StoredFile, read_whole
from raster.storage.uploads import Uploads

FLUSH_S = 5.0
"""A journal's lines wait for so long: there is no appending, each time is one more object."""


@dataclass(frozen=True, slots=True)
class S3Store:
    """Pyramids below a prefix of a bucket: empty, or one that ends in `/`."""

    bucket: Bucket
    prefix: str

    @property
    def url(self) -> str:
        return self.bucket.url(self.prefix).removesuffix("/")

    def root(self, href: str) -> S3Root:
        return S3Root(self.bucket, f"{self.prefix}{href}")

    def below(self, folder: str) -> S3Store:
        return S3Store(self.bucket, f"{self.prefix}{folder}/")

    def list_hrefs(self) -> Iterator[str]:
        names = list(self.bucket.list_names(self.prefix))
        generations = {_generation(name) for name in names}
        yield from sorted(f"{name}{OBJECTS}" for name in generations if name)
        for name in names:
            if name.endswith("/") and not _generation(name):
                yield from (f"{name}{href}" for href in self.below(name[:-1]).list_hrefs())

    def list_logged(self) -> list[Root]:
        names = self.bucket.list_names(self.prefix)
        logged = (name.removesuffix(f"{JOURNAL}/") for name in names if name.endswith(f"{JOURNAL}/"))
        return [self.root(f"{name}{OBJECTS}") for name in sorted(logged, reverse=True)]

    def replace_file(self, name: str, data: bytes) -> None:
        self.bucket.run(self.bucket.put(f"{self.prefix}{name}", data))

    def read_file(self, name: str) -> bytes | None:
        return self.bucket.run(self.bucket.get(f"{self.prefix}{name}"))

    def close(self) -> None:
        self.bucket.close()


@dataclass(frozen=True, slots=True)
class S3Root:
    """A generation below `key`, which ends in `.zarr`."""

    bucket: Bucket
    key: str

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def generation(self) -> str:
        return self.name.removesuffix(OBJECTS)

    @property
    def url(self) -> str:
        return self.bucket.url(self.key)

    @property
    def manifest_key(self) -> str:
        """The manifest lies beside the objects, since a Zarr group holds Zarr nodes only."""
        return f"{self._stem}{SEALED}"

    @property
    def _stem(self) -> str:
        return self.key.removesuffix(OBJECTS)

    @property
    def _journal_prefix(self) -> str:
        return f"{self._stem}{JOURNAL}/"

    def create(self) -> S3Folder:
        # the journal, which comes next, is what claims the place
        return S3Folder(self, Uploads(self.bucket))

    def start_log(self, line: str) -> S3Log:
        return S3Log(self.bucket, self._journal_prefix, line)

    def read_log(self) -> list[str]:
        keys = [each.key for each in self.bucket.list_objects(self._journal_prefix)]
        parts = self.bucket.run(_in_turns(map(self.bucket.get, keys)))
        return [line for part in parts if part is not None for line in part.decode().splitlines()]

    def forget_log(self) -> None:
        self.bucket.delete([each.key for each in self.bucket.list_objects(self._journal_prefix)])

    def is_abandoned(self, older_than_s: float) -> bool:
        written = [each.written_at for each in self.bucket.list_objects(self._journal_prefix)]
        return bool(written) and time() - max(written) > older_than_s

    def read_manifest(self) -> bytes | None:
        return self.bucket.run(self.bucket.get(self.manifest_key))

    def read(self, key: str) -> bytes | None:
        return self.bucket.run(self.bucket.get(f"{self.key}/{key}"))

    async def read_part(self, key: str, start: int, stop: int | None) -> bytes | None:
        # zarr's calls come from its own thread, connections belong to that of s3fs
        return await asyncio.wrap_future(self.bucket.start(self.bucket.get(f"{self.key}/{key}", start, stop)))

    def read_parts(self, parts: Sequence[StoredPart]) -> list[bytes | None]:
        asked = (self.bucket.get(f"{self.key}/{part.stored.key}", part.start, part.stop) for part in parts)
        return self.bucket.run(_in_turns(asked))

    def is_whole(self, stored: StoredObject) -> bool:
        """By the checksum that S3 took when the object came, without its bytes; if it has none, by those."""
        found = self.bucket.run(self.bucket.head(f"{self.key}/{stored.key}"))
        if found is None or found["ContentLength"] != stored.size:
            return False
        if "ChecksumCRC32" in found:
            return bool(found["ChecksumCRC32"] == b64encode(stored.crc32.to_bytes(4, "big")).decode())
        return read_whole(self, stored) is not None

    def list_files(self) -> Iterator[StoredFile]:
        folder = len(self.key) - len(self.name)
        for each in self.bucket.list_objects(f"{self._stem}."):
            yield StoredFile(each.key[folder:], each.size, each.written_at)

    def remove(self) -> None:
        keys = [each.key for each in self.bucket.list_objects(f"{self._stem}.")]
        journal = [key for key in keys if key.startswith(self._journal_prefix)]
        self.bucket.delete([key for key in keys if key == self.manifest_key])
        self.bucket.delete([key for key in keys if key.startswith(f"{self.key}/")])
        self.bucket.delete(journal)  # last: what is left over is found by it


class S3Folder:
    """A pyramid's objects while they are written: on their way while others are made.

    A copy in another process waits for each object instead: nobody there would wait for the last ones.
    """

    def __init__(self, root: S3Root, uploads: Uploads | None) -> None:
        self._root = root
        self._uploads = uploads

    def __reduce__(self) -> tuple[Any, ...]:
        return S3Folder, (self._root, None)

    def put(self, key: str, *pieces: bytes) -> StoredObject:
        data, bucket = b"".join(pieces), self._root.bucket
        if self._uploads is None:
            bucket.run(bucket.put(f"{self._root.key}/{key}", data))
        else:
            self._uploads.add(f"{self._root.key}/{key}", data)
        return StoredObject(key, len(data), isal_zlib.crc32(data))

    def get(self, key: str) -> bytes:
        data = self._root.read(key)
        if data is None:
            raise StoreFailed(f"{self._root.url}/{key}", "it was there, and is gone")
        return data

    def link(self, stored: StoredObject, source: Root) -> bool:
        """Have the store copy the object."""
        bucket, (_, _, path) = self._root.bucket, source.url.partition(f"s3://{self._root.bucket.name}/")
        return bucket.run(bucket.copy(f"{self._root.key}/{stored.key}", f"{path}/{stored.key}"))

    def flush(self) -> None:
        if self._uploads is not None:
            self._uploads.wait()

    def seal(self, manifest: Manifest) -> str:
        """Wait until the store has acknowledged everything, then put the manifest."""
        self.flush()
        text, bucket = manifest.to_json(), self._root.bucket
        bucket.run(bucket.put_new(self._root.manifest_key, text))
        return digest(text)

    def close(self) -> None:
        if self._uploads is not None:
            self._uploads.cancel()


class S3Log:
    """A journal as numbered objects, each of some lines."""

    def __init__(self, bucket: Bucket, prefix: str, line: str) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._kept_back = [line]
        self._count = 0
        self._flush()

    def write(self, line: str) -> None:
        self._kept_back.append(line)
        if monotonic() - self._flushed > FLUSH_S:
            self._flush()

    def close(self) -> None:
        if self._kept_back:
            self._flush()

    def _flush(self) -> None:
        text = "".join(f"{line}\n" for line in self._kept_back).encode()
        self._bucket.run(self._bucket.put_new(f"{self._prefix}{self._count:08d}", text))
        self._kept_back.clear()
        self._count += 1
        self._flushed = monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:  # else the pyramid is whole, and nobody reads on
            with suppress(StoreFailed):  # it may be what ended the build
                self.close()


async def _in_turns(gets: Iterable[Coroutine[Any, Any, bytes | None]]) -> list[bytes | None]:
    turn = asyncio.Semaphore(CONNECTIONS)  # waiting in the client would count against their time

    async def await_turn(get: Coroutine[Any, Any, bytes | None]) -> bytes | None:
        async with turn:
            return await get

    return await asyncio.gather(*map(await_turn, gets))


def _generation(name: str) -> str | None:
    """The generation that an object or folder of this name belongs to."""
    suffixes = (suffix for suffix in (f"{OBJECTS}/", SEALED, f"{JOURNAL}/") if name.endswith(suffix))
    return next((name.removesuffix(suffix) for suffix in suffixes), None)
