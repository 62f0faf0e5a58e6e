"""Ranges of objects in S3: with the credentials that the policy has for them, else anonymously."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from s3fs import S3FileSystem

from raster.errors import (
    SourceChanged,
    SourceForbidden,
    SourceNotFound,
    SourceUnreachable,
    SourceUnreadable,
)
from raster.sources.ranges import SourceIdentity
from raster.sources.remote.addresses import NOT_ALLOWED
from raster.sources.remote.answers import CHANGED, Again, Answer, check_size, parse_range
from raster.sources.remote.guard import AddressRefused, Guard
from raster.sources.remote.policy import RemotePolicy, S3Access
from raster.storage.bucket import FAILURES, code_of

CHUNK_BYTES = 2**16
CONNECTIONS = 32

GONE = frozenset({"404", "NoSuchKey", "NoSuchBucket"})
MAY_PASS = frozenset(
    {"429", "500", "502", "503", "504", "InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown"}
)


class S3Fetcher:
    """Asks S3. All its coroutines run in one thread."""

    def __init__(self, policy: RemotePolicy, access: S3Access) -> None:
        self._policy = policy
        self._access = access
        self._files: S3FileSystem | None = None

    @asynccontextmanager
    async def ask(
        self, url: str, start: int, stop: int, known: SourceIdentity | None
    ) -> AsyncIterator[Answer]:
        wanted = {"Range": f"bytes={start}-{stop - 1}"}
        if known is not None and known.etag is not None:
            wanted["IfMatch"] = known.etag
        answer = await self._call("get_object", url, wanted)
        part = parse_range(answer.get("ContentRange"))
        if part is None or part.first != start or part.stop != min(stop, part.size):
            raise SourceUnreachable(url, "S3 gives another range than it was asked for")
        check_size(self._policy, url, part.size, is_whole=False)
        async with answer["Body"] as body:
            yield Answer(
                identity=_identity(answer, part.size),
                start=start,
                stop=part.stop,
                chunks=_chunks(url, body),
            )

    async def identify(self, url: str, known: SourceIdentity) -> SourceIdentity:
        answer = await self._call("head_object", url, {})
        return _identity(answer, int(answer["ContentLength"]))

    async def close(self) -> None:
        if self._files is not None:
            await self._files.s3.close()

    async def _call(self, method: str, url: str, wanted: Mapping[str, str]) -> Mapping[str, Any]:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        try:
            files = self._open()
            # fsspec's calls for coroutines begin so
            answer: Mapping[str, Any] = await files._call_s3(  # noqa: SLF001
                method, Bucket=bucket, Key=key, **wanted, **files.req_kw
            )
        except FAILURES as error:
            raise _failure(url, error) from error
        return answer

    def _open(self) -> S3FileSystem:
        if self._files is None:
            access, patience = self._access, self._policy.patience
            # an endpoint is the operator's word, wherever it is
            guard = {} if access.endpoint else {"socket_factory": Guard(self._policy.networks)}
            self._files = S3FileSystem(
                anon=access.profile is None,
                profile=access.profile,
                endpoint_url=access.endpoint,
                requester_pays=access.requester_pays,
                client_kwargs={"region_name": access.region} if access.region else {},
                config_kwargs={
                    "connect_timeout": patience.connect_s,
                    "read_timeout": patience.silence_s,
                    "max_pool_connections": CONNECTIONS,
                    "retries": {"mode": "standard", "total_max_attempts": 1},
                    # that of our own store is no business of sources
                    "ignore_configured_endpoint_urls": True,
                    "connector_args": guard,
                },
                skip_instance_cache=True,
                use_listings_cache=False,
            )
            self._files.retries = 1
        return self._files


async def _chunks(url: str, body: Any) -> AsyncIterator[bytes]:
    try:
        while chunk := await body.read(CHUNK_BYTES):
            yield chunk
    except FAILURES as error:
        raise _failure(url, error) from error


def _identity(answer: Mapping[str, Any], size: int) -> SourceIdentity:
    modified = answer.get("LastModified")
    return SourceIdentity(
        size=size,
        mtime_ns=None if modified is None else int(modified.timestamp()) * 10**9,
        etag=answer.get("ETag"),
    )


def _failure(url: str, error: BaseException) -> Exception:
    if _is_refused(error):
        return SourceForbidden(url, NOT_ALLOWED)
    code = code_of(error)
    if code is None:
        return Again(SourceUnreachable(url, "S3 takes no connection, or broke off"))
    if code in GONE:
        return SourceNotFound(url, f"S3 answers {code}")
    if code in {"PreconditionFailed", "412"}:
        return SourceChanged(url, CHANGED)
    if code in {"InvalidRange", "416"}:
        return SourceUnreadable(url, "it is empty")
    told = SourceUnreachable(url, f"S3 answers {code}")
    return Again(told) if code in MAY_PASS else told


def _is_refused(error: BaseException | None) -> bool:
    """Whether the guard is at the bottom of it."""
    while error is not None:
        if isinstance(getattr(error, "os_error", error), AddressRefused):
            return True
        error = error.__cause__ or error.__context__
    return False
