"""Ranges of sources over HTTP: every hop is checked, nothing is unpacked, nothing sent that identifies us."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
from yarl import URL

from raster.errors import (
    SourceChanged,
    SourceError,
    SourceForbidden,
    SourceNotFound,
    SourceRefused,
    SourceUnreachable,
    SourceUnreadable,
)
from raster.sources.ranges import SourceIdentity
from raster.sources.remote.addresses import NOT_ALLOWED, check_url
from raster.sources.remote.answers import CHANGED, Again, Answer, check_size, parse_range
from raster.sources.remote.guard import AddressRefused, Guard
from raster.sources.remote.policy import RemotePolicy

CHUNK_BYTES = 2**16
CONNECTIONS = 32
CONNECTIONS_A_HOST = 8
LONGEST_ETAG = 500

MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})
GONE = frozenset({404, 410})
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class HttpFetcher:
    """Asks web servers. All its coroutines run in one thread."""

    def __init__(self, policy: RemotePolicy) -> None:
        self._policy = policy
        self._guard = Guard(policy.networks)
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def ask(
        self, url: str, start: int, stop: int, known: SourceIdentity | None
    ) -> AsyncIterator[Answer]:
        wanted = {"Range": f"bytes={start}-{stop - 1}"}
        async with AsyncExitStack() as stack:
            answer = await self._get(stack, url, wanted | _if_unchanged(known))
            yield self._read(url, answer, start, stop)

    async def identify(self, url: str, known: SourceIdentity) -> SourceIdentity:
        wanted = {"Range": "bytes=0-0"}
        async with AsyncExitStack() as stack:
            answer = await self._get(stack, url, wanted | _if_changed(known))
            if answer.status == HTTPStatus.NOT_MODIFIED:
                return known
            identity = self._read(url, answer, 0, 1).identity
            if answer.status == HTTPStatus.OK:
                answer.close()  # all of it would come
            return identity

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _get(
        self, stack: AsyncExitStack, url: str, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        """The first answer that is not a redirect, its body still to come."""
        asked = URL(url, encoded=True)
        for _ in range(self._policy.redirects + 1):
            answer = await self._get_hop(stack, url, asked, headers)
            if answer.status not in REDIRECTS:
                return answer
            asked = self._follow(url, asked, answer.headers.get("Location", ""))
        raise SourceUnreachable(url, f"its server sends on more than {self._policy.redirects} times")

    async def _get_hop(
        self, stack: AsyncExitStack, url: str, asked: URL, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        try:
            return await stack.enter_async_context(
                self._open().get(asked, headers=headers, allow_redirects=False)
            )
        except aiohttp.ClientError as error:
            raise _failure(url, error) from error

    def _follow(self, url: str, asked: URL, location: str) -> URL:
        try:
            following = check_url(self._policy, str(asked.join(URL(location))))
        except (SourceError, ValueError) as error:
            # without the place it leads to, which is its server's business
            raise SourceForbidden(url, f"its server sends on, but {NOT_ALLOWED}") from error
        if following.scheme not in {"https", asked.scheme}:
            raise SourceForbidden(url, "its server sends on from https to another scheme")
        return URL(following.url, encoded=True)

    def _read(self, url: str, answer: aiohttp.ClientResponse, start: int, stop: int) -> Answer:
        _check_status(url, answer)
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise SourceUnreachable(url, "its server packs the bytes (Content-Encoding), which it was not to")
        is_part = answer.status == HTTPStatus.PARTIAL_CONTENT
        first, end, size = _part(url, answer, start, stop) if is_part else (0, *_whole(url, answer))
        check_size(self._policy, url, size, is_whole=not is_part)
        identity = SourceIdentity(size=size, mtime_ns=_mtime_ns(answer), etag=_etag(answer))
        return Answer(identity=identity, start=first, stop=end, chunks=_chunks(url, answer))

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            patience = self._policy.patience
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS, limit_per_host=CONNECTIONS_A_HOST, socket_factory=self._guard
                ),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=patience.connect_s, sock_read=patience.silence_s
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity", "User-Agent": "ziggurat"},
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


async def _chunks(url: str, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
            yield chunk
    except aiohttp.ClientError as error:
        raise _failure(url, error) from error


def _failure(url: str, error: aiohttp.ClientError) -> Exception:
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, AddressRefused):
        return SourceForbidden(url, NOT_ALLOWED)
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return SourceUnreachable(url, "its server has no certificate that is trusted here")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Again(SourceUnreachable(url, "the name of its host leads nowhere"))
    if isinstance(error, aiohttp.ClientResponseError):
        return SourceUnreachable(url, "its server does not answer as HTTP does")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Again(SourceUnreachable(url, "its server takes no connection"))
    return Again(SourceUnreachable(url, "its server broke off"))


def _check_status(url: str, answer: aiohttp.ClientResponse) -> None:
    status = answer.status
    if status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        return
    told = SourceUnreachable(url, f"its server answers {status}")
    if status == HTTPStatus.PRECONDITION_FAILED:
        raise SourceChanged(url, CHANGED)
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        if answer.headers.get("Content-Range") == "bytes */0":
            raise SourceUnreadable(url, "it is empty")
        raise SourceChanged(url, CHANGED)
    if status in GONE:
        raise SourceNotFound(url, f"its server answers {status}")
    if status in MAY_PASS:
        raise Again(told, _retry_after_s(answer))
    raise told


def _retry_after_s(answer: aiohttp.ClientResponse) -> float | None:
    given = answer.headers.get("Retry-After", "")
    return float(given) if re.fullmatch(r"[0-9]{1,9}", given) else None


def _part(url: str, answer: aiohttp.ClientResponse, start: int, stop: int) -> tuple[int, int, int]:
    """First byte, end, size of the source."""
    part = parse_range(answer.headers.get("Content-Range"))
    if part is None:
        raise SourceUnreachable(url, "its server does not say which range it gives")
    if part.first != start or part.stop != min(stop, part.size):
        raise SourceUnreachable(url, "its server gives another range than it was asked for")
    if answer.content_length not in {None, part.stop - start}:
        raise SourceUnreachable(url, "its server gives another number of bytes than it says")
    return start, part.stop, part.size


def _whole(url: str, answer: aiohttp.ClientResponse) -> tuple[int, int]:
    """End and size of a source that comes as a whole."""
    if answer.content_length is None:
        raise SourceRefused(url, "its server knows no ranges and does not say how long it is")
    if not answer.content_length:
        raise SourceUnreadable(url, "it is empty")
    return answer.content_length, answer.content_length


def _etag(answer: aiohttp.ClientResponse) -> str | None:
    etag = answer.headers.get("ETag", "")
    return etag if 0 < len(etag) <= LONGEST_ETAG and etag.isascii() and etag.isprintable() else None


def _mtime_ns(answer: aiohttp.ClientResponse) -> int | None:
    try:
        return int(parsedate_to_datetime(answer.headers.get("Last-Modified", "")).timestamp()) * 10**9
    except (ValueError, OverflowError):
        return None


def _if_unchanged(known: SourceIdentity | None) -> dict[str, str]:
    # a weak tag equals no other one in If-Match
    if known is None or known.etag is None or known.etag.startswith("W/"):
        return {}
    return {"If-Match": known.etag}


def _if_changed(known: SourceIdentity) -> dict[str, str]:
    return {} if known.etag is None else {"If-None-Match": known.etag}
