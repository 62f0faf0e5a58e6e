"""Sources by URL: the policy, the cache and the connections of one process together."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from threading import Lock, current_thread
from time import monotonic
from typing import Any
from weakref import finalize

from fsspec.asyn import get_loop, iothread

from raster.errors import SourceChanged, SourceNotFound
from raster.sources.decoder.pool import DecoderPool, open_elsewhere
from raster.sources.decoder.process import DecoderLimits
from raster.sources.folders import METADATA, ByteFolder, Content
from raster.sources.npy import open_npy
from raster.sources.ranges import SourceIdentity
from raster.sources.remote.addresses import Address, check_url
from raster.sources.remote.answers import CHANGED, Fetcher
from raster.sources.remote.breaker import Breaker
from raster.sources.remote.cache import BlockCache
from raster.sources.remote.folder import RemoteFolder
from raster.sources.remote.http import HttpFetcher
from raster.sources.remote.others import OtherFetcher
from raster.sources.remote.policy import WEB_SCHEMES, RemotePolicy, S3Access
from raster.sources.remote.ranges import Origin, RemoteRanges
from raster.sources.roots import is_array
from raster.sources.source import Source

CONFIRMED_S = 300.0
"""For so long a source that was what it was is not asked again which content it has."""

MOST_CONFIRMED = 2**16
"""Sources that are remembered so."""

CLOSING_S = 5.0

WEB = "web"


class RemoteSources:
    """Opens sources by URL; connects when the first one is, in each process anew."""

    def __init__(self, policy: RemotePolicy) -> None:
        self.policy = policy
        self._cache = BlockCache(policy.cache, policy.cache_bytes)
        limits = DecoderLimits(memory_bytes=policy.decoder_bytes, call_s=policy.patience.cpu_s)
        self._pool = DecoderPool(limits, policy.decoders)
        self._fetchers: dict[S3Access | str, Fetcher] = {}
        self._confirmed: OrderedDict[str, tuple[SourceIdentity, float]] = OrderedDict()
        self._breaker = Breaker()
        self._lock = Lock()
        finalize(self, _close_all, self._fetchers)

    def __reduce__(self) -> tuple[Any, ...]:
        return RemoteSources, (self.policy,)

    def url_of(self, url: str) -> str:
        """How the catalogue names a source.

        Raises
        ------
        SourceRefused
        SourceForbidden
        """
        return check_url(self.policy, url).url

    def open_content(self, url: str, known: SourceIdentity | None = None) -> Content:
        """Open a source, be it a file or a Zarr array.

        Raises
        ------
        SourceError
        """
        if not is_array(url):
            return self.open(url, known)
        if known is not None:
            self.confirm(url, known, within_s=CONFIRMED_S)
        return RemoteFolder(self, self.url_of(url).rstrip("/"), known)

    def open_object(self, url: str, known: SourceIdentity | None) -> RemoteRanges:
        """Open an object of a Zarr array: the one that is known, else as it is now.

        Raises
        ------
        SourceError
        """
        address = check_url(self.policy, url)
        origin = self._origin(address)
        if known is not None:
            return RemoteRanges(origin, address.name, known)
        with self._lock:
            before, _ = self._confirmed.get(origin.url, (None, 0.0))
        # what is kept of it here may still be right
        is_same = before is not None and origin.identify(before) == before
        ranges = RemoteRanges(origin, address.name, before if is_same else None)
        self._note(origin.url, ranges.identity)
        return ranges

    def open(self, url: str, known: SourceIdentity | None = None) -> RemoteRanges:
        """Open a source, `known` being the content that is wanted.

        Raises
        ------
        SourceError
        """
        address = check_url(self.policy, url)
        origin = self._origin(address)
        if known is not None:
            self.confirm(url, known, within_s=CONFIRMED_S)
            return RemoteRanges(origin, address.name, known)
        ranges = RemoteRanges(origin, address.name, None)
        self._note(origin.url, ranges.identity)
        return ranges

    def confirm(self, url: str, known: SourceIdentity, *, within_s: float = 0.0) -> None:
        """Ask whether a source still is what it was, unless that was done in the last `within_s` seconds.

        Raises
        ------
        SourceError
        """
        if is_array(url):
            self._confirm_array(url, known, within_s)
        else:
            self._confirm_file(url, known, within_s)

    def _confirm_file(self, url: str, known: SourceIdentity, within_s: float) -> None:
        origin = self._origin(check_url(self.policy, url))
        with self._lock:
            identity, at = self._confirmed.get(origin.url, (None, 0.0))
        if identity != known or monotonic() - at >= within_s:
            identity = origin.identify(known)
            self._note(origin.url, identity)
        if identity != known:
            raise SourceChanged(origin.url, CHANGED)

    def _confirm_array(self, url: str, known: SourceIdentity, within_s: float) -> None:
        *others, last = METADATA
        for key in others:
            with suppress(SourceNotFound):  # it is of the other version
                self._confirm_file(f"{url.rstrip('/')}/{key}", known, within_s)
                return
        self._confirm_file(f"{url.rstrip('/')}/{last}", known, within_s)

    def decode(self, content: Content) -> Source:
        """Open what is in a source's bytes; libraries that decode do that in a process of their own.

        Raises
        ------
        SourceError
        """
        if not isinstance(content, ByteFolder) and content.name.lower().endswith(".npy"):
            return open_npy(content)  # apart from its header, which Python parses, it is only copied
        return open_elsewhere(self._pool, content)

    def close(self) -> None:
        """Close connections, and end decoders."""
        self._pool.close()
        _close_all(self._fetchers)

    def _origin(self, address: Address) -> Origin:
        how = self._way_to(address)
        with self._lock:
            fetcher = self._fetchers.get(how)
            if fetcher is None:
                fetcher = self._fetchers[how] = self._connect(how)
        return Origin(
            url=address.url,
            host=f"{address.scheme}://{address.authority}",
            fetcher=fetcher,
            breaker=self._breaker,
            cache=self._cache,
            patience=self.policy.patience,
            loop=get_loop(),
        )

    def _way_to(self, address: Address) -> S3Access | str:
        """What has a fetcher of its own."""
        if address.scheme == "s3":
            return self.policy.access_to(address.url)
        return WEB if address.scheme in WEB_SCHEMES else address.scheme

    def _connect(self, how: S3Access | str) -> Fetcher:
        if how == WEB:
            return HttpFetcher(self.policy)
        if isinstance(how, str):
            return OtherFetcher(self.policy, how)
        # takes a moment that others need not wait
        from raster.sources.remote.s3 import S3Fetcher  # noqa: PLC0415

        return S3Fetcher(self.policy, how)

    def _note(self, url: str, identity: SourceIdentity) -> None:
        with self._lock:
            self._confirmed[url] = (identity, monotonic())
            self._confirmed.move_to_end(url)
            if len(self._confirmed) > MOST_CONFIRMED:
                self._confirmed.popitem(last=False)


def _close_all(fetchers: dict[S3Access | str, Fetcher]) -> None:
    while fetchers:
        _, fetcher = fetchers.popitem()
        closing = asyncio.run_coroutine_threadsafe(fetcher.close(), get_loop())
        if current_thread() is not iothread[0]:  # it may be the one that collects garbage
            closing.result(CLOSING_S)
