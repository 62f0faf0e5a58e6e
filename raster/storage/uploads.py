"""Objects on their way to a bucket while the next shard is made."""

from __future__ import annotations

from concurrent.futures import Future, wait
from threading import Condition

from raster.errors import StoreFailed
from raster.storage.bucket import Bucket

UPLOADS = 16
"""At once: the time of a request counts more than the bytes of most objects."""

UPLOAD_BYTES = 2**26
"""Bytes on their way, 64 MiB: they wait in memory beside what the build was allotted."""


class Uploads:
    """Writes of many threads, bounded in number and bytes; the first that fails ends all later ones."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._changed = Condition()
        self._running: dict[Future[None], int] = {}
        self._failure: BaseException | None = None

    def add(self, key: str, data: bytes) -> None:
        """Begin to write an object, once there is room.

        Raises
        ------
        StoreFailed
            An earlier one failed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None or self._has_room(len(data)))
            self._raise_failure()
            future = self._bucket.start(self._bucket.put(key, data))
            self._running[future] = len(data)
        future.add_done_callback(self._end)

    def wait(self) -> None:
        """Wait for all.

        Raises
        ------
        StoreFailed
            One of them failed.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._running)
            self._raise_failure()

    def cancel(self) -> None:
        """Give up those that are under way."""
        with self._changed:
            running = list(self._running)
        for future in running:
            future.cancel()
        wait(running)

    def _has_room(self, size: int) -> bool:
        if not self._running:
            return True
        return len(self._running) < UPLOADS and sum(self._running.values()) + size <= UPLOAD_BYTES

    def _end(self, future: Future[None]) -> None:
        with self._changed:
            del self._running[future]
            if self._failure is None:
                self._failure = StoreFailed("", "given up") if future.cancelled() else future.exception()
            self._changed.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
