"""Bytes of a source elsewhere by range: from the disk what is there already, the rest from its server."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from raster.errors import CacheFailed, SourceChanged, SourceTooSlow, SourceUnreachable
from raster.sources.ranges import Buffer, SourceIdentity
from raster.sources.remote.answers import CHANGED, Again, Answer, Fetcher
from raster.sources.remote.asking import Clock, ask_patiently
from raster.sources.remote.breaker import Breaker
from raster.sources.remote.cache import BLOCK_BYTES, BlockCache, Shelf
from raster.sources.remote.policy import Patience

T = TypeVar("T")

LARGEST_REQUEST = 2**23 // BLOCK_BYTES
"""Blocks that are asked for at once."""

LARGEST_AHEAD = 2**22 // BLOCK_BYTES
"""Blocks that are asked for before they are needed, of a source that is read in its order."""

BLOCKS_IN_MEMORY = 4


@dataclass(frozen=True, slots=True)
class Fetched:
    """Of which content some blocks are, and the first of them."""

    identity: SourceIdentity
    first: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a source comes from, and where its blocks are kept."""

    url: str
    host: str
    fetcher: Fetcher
    breaker: Breaker
    cache: BlockCache
    patience: Patience
    loop: asyncio.AbstractEventLoop

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Have a call made by the thread that talks to servers, and wait for it."""
        return asyncio.run_coroutine_threadsafe(call, self.loop).result()

    def fetch(self, first: int, stop: int, known: SourceIdentity | None) -> Fetched:
        """Fetch blocks and keep them.

        Raises
        ------
        SourceError
        """

        async def ask(clock: Clock) -> Fetched:
            start, end = first * BLOCK_BYTES, stop * BLOCK_BYTES
            async with self.fetcher.ask(self.url, start, end, known) as answer:
                if known is not None and answer.identity != known:
                    raise SourceChanged(self.url, CHANGED)
                return Fetched(answer.identity, await self._keep(answer, clock, first))

        return self._ask(ask)

    async def _keep(self, answer: Answer, clock: Clock, first: int) -> bytes:
        """Keep the blocks of an answer; the first that was asked for."""
        shelf = self.cache.shelf(self.url, answer.identity)
        wanted = b""
        async for index, data in _blocks(self.url, answer, clock):
            await self._keep_block(shelf, index, data)
            if index == first:
                wanted = data
        return wanted

    async def _keep_block(self, shelf: Shelf, index: int, data: bytes) -> None:
        try:
            await asyncio.to_thread(shelf.write, index, data)
        except OSError as error:
            raise CacheFailed(self.url, error.strerror or "cannot be written") from error
        await asyncio.to_thread(self.cache.note, len(data))

    def identify(self, known: SourceIdentity) -> SourceIdentity:
        """Which content the source has now.

        Raises
        ------
        SourceError
        """
        return self._ask(lambda _: self.fetcher.identify(self.url, known))

    def _ask(self, ask: Callable[[Clock], Awaitable[T]]) -> T:
        """Ask, unless the host has failed too often."""
        self.breaker.check(self.url, self.host)
        try:
            answer = self.run(ask_patiently(self.patience, self.url, ask))
        except (SourceTooSlow, SourceUnreachable) as error:
            self.breaker.note(self.host, failed=isinstance(error.__cause__, (Again, TimeoutError)))
            raise
        self.breaker.note(self.host, failed=False)
        return answer


async def _blocks(url: str, answer: Answer, clock: Clock) -> AsyncIterator[tuple[int, bytes]]:
    """Numbers and bytes of an answer's blocks.

    Raises
    ------
    Again
        It is shorter than it says.
    SourceUnreachable
        It is longer.
    """
    position, waiting = answer.start, bytearray()
    async for chunk in answer.chunks:
        clock.earn(len(chunk))
        waiting += chunk
        if position + len(waiting) > answer.stop:
            raise SourceUnreachable(url, "its server gives more bytes than it says")
        while len(waiting) >= BLOCK_BYTES:
            yield position // BLOCK_BYTES, bytes(waiting[:BLOCK_BYTES])
            del waiting[:BLOCK_BYTES]
            position += BLOCK_BYTES
    if position + len(waiting) != answer.stop:
        raise Again(SourceUnreachable(url, "its server gives fewer bytes than it says"))
    if waiting:
        yield position // BLOCK_BYTES, bytes(waiting)


class RemoteRanges:
    """A source's bytes; for one thread at a time.

    Parameters
    ----------
    origin : Origin
    name : str
        The last part of the URL's path.
    known : SourceIdentity or None
        The content that is wanted, None for whatever is there.
    """

    def __init__(self, origin: Origin, name: str, known: SourceIdentity | None) -> None:
        self.name = name
        self.identity = origin.fetch(0, 1, None).identity if known is None else known
        self._origin = origin
        self._shelf = origin.cache.shelf(origin.url, self.identity)
        self._recent: OrderedDict[int, bytes] = OrderedDict()
        self._next = 0
        self._ahead = 1

    @property
    def url(self) -> str:
        return self._origin.url

    @property
    def size(self) -> int:
        return self.identity.size

    def read_into(self, start: int, buffer: Buffer) -> int:
        wanted = memoryview(buffer)[: max(0, self.size - start)]
        stop_block = -(-(start + len(wanted)) // BLOCK_BYTES)
        done = 0
        while done < len(wanted):
            index, offset = divmod(start + done, BLOCK_BYTES)
            part = self._block(index, stop_block)[offset : offset + len(wanted) - done]
            wanted[done : done + len(part)] = part
            done += len(part)
        return done

    def _block(self, index: int, stop: int) -> bytes:
        """A block; those after it up to `stop` will be wanted next."""
        data = self._recent.get(index)
        if data is None:
            data = self._read(index) or self._fetch(index, stop)
            self._recent[index] = data
            if len(self._recent) > BLOCKS_IN_MEMORY:
                self._recent.popitem(last=False)
        return data

    def _read(self, index: int) -> bytes | None:
        data = self._shelf.read(index)
        # a disk that was full, or a machine that went down, may have left less
        return data if data is not None and len(data) == self._length(index) else None

    def _fetch(self, index: int, stop: int) -> bytes:
        with self._filling():
            # another thread or process may have been quicker
            return self._read(index) or self._fetch_run(index, stop)

    def _fetch_run(self, index: int, stop: int) -> bytes:
        # of a small cache even what has just come may be gone again
        return self._origin.fetch(index, self._stop_of_run(index, stop), self.identity).first

    @contextmanager
    def _filling(self) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(self._shelf.filling())
            except OSError as error:
                raise CacheFailed(self.url, error.strerror or "cannot be locked") from error
            yield

    def _stop_of_run(self, index: int, stop: int) -> int:
        """End of the blocks to ask for: those wanted, and more if the source is read in its order."""
        self._ahead = min(4 * self._ahead, LARGEST_AHEAD) if index == self._next else 1
        stop = min(max(stop, index + self._ahead), index + LARGEST_REQUEST, -(-self.size // BLOCK_BYTES))
        run = index + 1
        while run < stop and not self._shelf.has(run):
            run += 1
        self._next = run
        return run

    def _length(self, index: int) -> int:
        return min(BLOCK_BYTES, self.size - index * BLOCK_BYTES)
