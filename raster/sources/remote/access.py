"""The way to sources by URL, which costs nothing until there is one."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from raster.sources.remote.policy import RemotePolicy

if TYPE_CHECKING:
    from raster.sources.remote.remote import RemoteSources


class RemoteAccess:
    """Opens sources by URL; in each process anew."""

    def __init__(self, policy: RemotePolicy) -> None:
        self._policy = policy
        self._sources: RemoteSources | None = None
        self._lock = Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return RemoteAccess, (self._policy,)

    @property
    def sources(self) -> RemoteSources:
        """What opens them."""
        with self._lock:
            if self._sources is None:
                # half a second that a command without them need not wait
                from raster.sources.remote.remote import RemoteSources  # noqa: PLC0415

                self._sources = RemoteSources(self._policy)
            return self._sources

    def close(self) -> None:
        """Close connections, and end decoders."""
        with self._lock:
            if self._sources is not None:
                self._sources.close()
