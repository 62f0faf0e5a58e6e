"""A bucket of S3 through s3fs: the requests that stores need, each tried a few times and within a deadline.

botocore is the one layer that tries again (its standard mode: backoff with jitter, and a quota, so that
an ailing store is not asked for ever more); s3fs would do so once more around it. Nothing is listed
from memory. What a missing object and a missing bucket have in common is their status: only the
word `NoSuchKey` tells that an object is missing, everything else that the store fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

from aiohttp import ClientError as ConnectionFailed
from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError
from s3fs import S3FileSystem

from raster.errors import StoreFailed

T = TypeVar("T")

FAILURES = (OSError, BotoCoreError, ConnectionFailed, ResponseParserError)
"""What s3fs raises when a store does not do what it is asked for; its OSErrors are answers of the store."""

CONNECTIONS = 32
"""Requests at once; more of them wait in the client."""

DELETED_AT_ONCE = 1000
"""The most that S3 takes in one request."""

CONFLICT_S = 0.2
"""Pause before a conditional write is tried again that met another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a store is waited for, in seconds, and how often it is asked."""

    connect_s: float = 2.0
    silence_s: float = 5.0
    attempts: int = 3
    read_s: float = 12.0
    """For one read with all its attempts: a request waits for it."""
    write_s: float = 120.0
    """For one write: a shard of 32 MiB on a slow line."""


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object in a listing: its key in the bucket, bytes, seconds since 1970 by the store's clock."""

    key: str
    size: int
    written_at: float


class Bucket:
    """A bucket; connects when it is first used, in each process anew."""

    def __init__(self, name: str, patience: Patience = Patience()) -> None:
        self.name = name
        self._patience = patience
        self._lock = Lock()
        self._opened: S3FileSystem | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Bucket, (self.name, self._patience)

    def start(self, call: Coroutine[Any, Any, T]) -> Future[T]:
        """Have a call made by the thread that talks to stores."""
        return asyncio.run_coroutine_threadsafe(call, self._files.loop)

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Wait for a call's result."""
        return self.start(call).result()

    def close(self) -> None:
        """Close connections."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            asyncio.run_coroutine_threadsafe(opened.s3.close(), opened.loop).result()

    async def get(self, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
        """Bytes of an object from `start` to `stop`, fewer where it ends before; None when it is missing.

        Raises
        ------
        StoreFailed
        """
        is_whole = start == 0 and stop is None
        wanted = {} if is_whole else {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"}
        async with self._asking(key, self._patience.read_s):
            try:
                answer = await self._call("get_object", Key=key, **wanted)
                async with answer["Body"] as body:
                    data: bytes = await body.read()
            except FAILURES as error:
                if code_of(error) == "NoSuchKey":
                    return None
                if code_of(error) == "InvalidRange":
                    return b""
                raise
        if len(data) != _announced(answer):
            raise StoreFailed(self.url(key), "the answer has another length than it says")
        return data

    async def put(self, key: str, data: bytes) -> None:
        """Write an object.

        Raises
        ------
        StoreFailed
        """
        async with self._asking(key, self._patience.write_s):
            await self._call("put_object", Key=key, Body=data)

    async def put_new(self, key: str, data: bytes) -> None:
        """Write an object that is not there yet; a try whose answer was lost may be repeated.

        Raises
        ------
        StoreFailed
            Also when something else lies there.
        """
        async with self._asking(key, self._patience.write_s):
            for is_last in (False, False, True):
                try:
                    await self._call("put_object", Key=key, Body=data, IfNoneMatch="*")
                except FAILURES as error:
                    if code_of(error) == "PreconditionFailed":
                        break
                    if code_of(error) != "ConditionalRequestConflict" or is_last:
                        raise
                    await asyncio.sleep(CONFLICT_S)
                else:
                    return
        if await self.get(key) != data:
            raise StoreFailed(self.url(key), "something else lies there already")

    async def copy(self, key: str, source: str) -> bool:
        """Copy an object within the bucket, which the store does by itself; False when there is none.

        Raises
        ------
        StoreFailed
        """
        async with self._asking(key, self._patience.write_s):
            try:
                await self._call("copy_object", Key=key, CopySource={"Bucket": self.name, "Key": source})
            except FAILURES as error:
                if code_of(error) == "NoSuchKey":
                    return False
                raise
        return True

    async def head(self, key: str) -> Mapping[str, Any] | None:
        """Length and, if the store keeps them, checksums of an object; None when it is not there.

        Raises
        ------
        StoreFailed
        """
        async with self._asking(key, self._patience.read_s):
            try:
                answer: Mapping[str, Any] = await self._call("head_object", Key=key, ChecksumMode="ENABLED")
            except FAILURES as error:
                # an answer to HEAD has no words: whether there is a bucket, the next request tells
                if code_of(error) == "404":
                    return None
                raise
        return answer

    def list_objects(self, prefix: str) -> Iterator[ListedObject]:
        """All objects whose keys begin so, sorted.

        Raises
        ------
        StoreFailed
        """
        for page in self._pages(Prefix=prefix):
            for each in page.get("Contents", ()):
                yield ListedObject(each["Key"], each["Size"], each["LastModified"].timestamp())

    def list_names(self, prefix: str) -> Iterator[str]:
        """What lies directly below a prefix that ends in `/` or is empty; folders end in `/`.

        Raises
        ------
        StoreFailed
        """
        for page in self._pages(Prefix=prefix, Delimiter="/"):
            names = [each["Key"] for each in page.get("Contents", ())]
            names += [each["Prefix"] for each in page.get("CommonPrefixes", ())]
            yield from (name.removeprefix(prefix) for name in names)

    def _pages(self, **wanted: str) -> Iterator[Mapping[str, Any]]:
        more = dict(wanted)
        while True:
            page = self.run(self._page(more))
            yield page
            if not page.get("IsTruncated"):
                return
            more["ContinuationToken"] = page["NextContinuationToken"]

    async def _page(self, wanted: Mapping[str, str]) -> Mapping[str, Any]:
        async with self._asking(wanted["Prefix"], self._patience.read_s):
            page: Mapping[str, Any] = await self._call("list_objects_v2", **wanted)
        return page

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects, many in one request; one that is not there is no error.

        Raises
        ------
        StoreFailed
        """
        for start in range(0, len(keys), DELETED_AT_ONCE):
            self.run(self._delete(keys[start : start + DELETED_AT_ONCE]))

    async def _delete(self, keys: Sequence[str]) -> None:
        wanted = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        async with self._asking(keys[0], self._patience.write_s):
            answer = await self._call("delete_objects", Delete=wanted)
        for refused in answer.get("Errors", ()):
            raise StoreFailed(self.url(refused.get("Key", "")), str(refused.get("Code")))

    def url(self, key: str) -> str:
        """An object's address."""
        return f"s3://{self.name}/{key}"

    @asynccontextmanager
    async def _asking(self, key: str, within_s: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(within_s):
                yield
        except FAILURES as error:
            raise StoreFailed(self.url(key), _reason(error)) from error

    async def _call(self, method: str, **wanted: Any) -> Any:
        # fsspec's calls for coroutines begin so
        return await self._files._call_s3(method, Bucket=self.name, **wanted)  # noqa: SLF001

    @property
    def _files(self) -> S3FileSystem:
        with self._lock:
            if self._opened is None:
                self._opened = _open(self._patience)
            return self._opened


def _open(patience: Patience) -> S3FileSystem:
    """Endpoint, region and credentials are botocore's usual ones: `AWS_…`, its files, the machine's role."""
    files = S3FileSystem(
        skip_instance_cache=True,
        use_listings_cache=False,
        config_kwargs={
            "connect_timeout": patience.connect_s,
            "read_timeout": patience.silence_s,
            "max_pool_connections": CONNECTIONS,
            "retries": {"mode": "standard", "total_max_attempts": patience.attempts},
        },
    )
    files.retries = 1
    return files


def code_of(error: BaseException) -> str | None:
    """S3's word for what is wrong, if it is its answer."""
    for each in (error, error.__cause__):
        answer = getattr(each, "response", None)
        if isinstance(answer, dict):
            return str(answer.get("Error", {}).get("Code"))
    return None


def _reason(error: BaseException) -> str:
    """What went wrong, without addresses or credentials that messages of clients and stores may hold."""
    code = code_of(error)
    if code is not None:
        return f"the store answers {code}"
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__


def _announced(answer: Mapping[str, Any]) -> int:
    """Bytes that an answer says it has: of a part, the range it names."""
    part = answer.get("ContentRange")
    if part is None:
        return int(answer["ContentLength"])
    first, _, last = part.removeprefix("bytes ").partition("/")[0].partition("-")
    return int(last) - int(first) + 1
