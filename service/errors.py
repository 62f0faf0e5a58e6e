"""What can go wrong between the catalogue and the cells, and at the front door itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from raster.errors import RasterError


class ServiceError(Exception):
    """A use-case cannot be carried out."""


class RegistrationRefused(ServiceError):
    """Some tiles cannot be registered, so none was."""

    def __init__(self, reasons: list[RasterError]) -> None:
        listed = "; ".join(str(reason) for reason in reasons[:3])
        more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
        super().__init__(f"{len(reasons)} tiles were refused, none was registered: {listed}{more}")
        self.reasons = reasons


class RegistrationTooLarge(ServiceError):
    """More tiles than one request may register."""

    def __init__(self, tile_count: int, limit: int) -> None:
        super().__init__(f"{tile_count} tiles in one request; at most {limit} are taken, send them in parts")
        self.tile_count = tile_count
        self.limit = limit


class TableRefused(ServiceError):
    """Some rows of a table cannot be registered, so none was."""

    def __init__(self, problem_count: int) -> None:
        rows = "1 row" if problem_count == 1 else f"{problem_count} rows"
        super().__init__(f"{rows} cannot be registered, so none was; mend the table and send it again")
        self.problem_count = problem_count


class RegistrationAbandoned(ServiceError):
    """The process that worked on the registration ended before it was done."""

    def __init__(self) -> None:
        super().__init__(
            "the process that worked on it ended, and no other one has the table; nothing was registered, "
            "send the table again"
        )


class RegistrationStopped(ServiceError):
    """The registration was stopped because the service shuts down."""

    def __init__(self) -> None:
        super().__init__("the service shuts down; it goes on with the registration when it starts again")


class SpoolUnavailable(ServiceError):
    """Tables cannot be received right now."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"the spool cannot be used: {path}: {reason} (ZIGGURAT_SPOOL)")
        self.path = path
        self.reason = reason


class BuildCancelled(ServiceError):
    """The build was stopped because the service shuts down."""

    def __init__(self) -> None:
        super().__init__("the service shuts down; ask again for the level to build it elsewhere")


class BuildCalledOff(ServiceError):
    """Somebody had the build called off."""

    def __init__(self, metric: str) -> None:
        super().__init__(f"the build of pyramid {metric!r} was called off; ask for it to begin anew")
        self.metric = metric


class BuildAbandoned(ServiceError):
    """Whoever built the pyramid ended in the midst of it, again and again."""

    def __init__(self, metric: str, attempts: int) -> None:
        super().__init__(
            f"pyramid {metric!r} is given up: {attempts} processes ended while they built it; with less "
            "memory at a time (ZIGGURAT_MEMORY_BUDGET) it may do, order it anew then"
        )
        self.metric = metric
        self.attempts = attempts


class BuildFailedBefore(ServiceError):
    """The build failed a short time ago, and is not tried again yet.

    `error` is the name of what was wrong, and decides what clients are told; `data` are that error's.
    """

    def __init__(self, error: str, detail: str, data: Mapping[str, Any], retry_in_s: float) -> None:
        super().__init__(
            f"{detail} (that was found before; tried again in {retry_in_s:.0f} s, or when ordered)"
        )
        self.error = error
        self.data = data
        self.retry_in_s = round(retry_in_s, 1)


class PyramidLost(ServiceError):
    """The stored pyramid is damaged, and it cannot be built anew."""

    def __init__(self, metric: str, reason: str) -> None:
        super().__init__(f"pyramid {metric!r} is damaged, and it cannot be built anew: {reason}")
        self.metric = metric


class NotReady(ServiceError):
    """The replica should not be sent requests now."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the replica should not be sent requests: {reason}")
        self.reason = reason


class BuildSuperseded(ServiceError):
    """A pyramid of a newer revision, or one that misses fewer tiles, is in use already."""

    def __init__(self, terrain: str, metric: str) -> None:
        super().__init__(
            f"a newer or more complete pyramid {metric!r} of terrain {terrain!r} is in use already"
        )
        self.terrain = terrain
        self.metric = metric


class BuildBroken(ServiceError):
    """The build was ended by a defect of the service."""

    def __init__(self) -> None:
        super().__init__("the build was ended by a defect of the service; its log has the particulars")


class ResourcesExhausted(ServiceError):
    """The machine has no memory or threads left for this right now."""

    def __init__(self, resource: str) -> None:
        super().__init__(f"the machine has no {resource} left for this right now; ask again later")
        self.resource = resource


class Overloaded(ServiceError):
    """The service has more to do than it can right now."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the service has more to do than it can: {reason}; ask again later")
        self.reason = reason


class StoreUnavailable(ServiceError):
    """The store of the pyramids cannot be used right now."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"the store cannot be used: {path}: {reason} (ZIGGURAT_STORE_URL)")
        self.path = path
        self.reason = reason


class BodyTooLarge(ServiceError):
    """The request's body is larger than what is taken."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"at most {limit} bytes are taken in one request; send it in parts")
        self.limit = limit


class ParameterInvalid(ServiceError):
    """A query parameter cannot be honoured."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


class ParameterUnknown(ServiceError):
    """The request has a query parameter that this address does not know."""

    def __init__(self, unknown: list[str], known: list[str]) -> None:
        names = ", ".join(repr(name[:40]) for name in unknown[:5])
        super().__init__(
            f"no query parameter {names} here; there are {', '.join(known)}"
            if known
            else f"no query parameter {names} here; this address takes none"
        )
        self.unknown = unknown[:5]
        self.known = known


class FormatNotSupported(ServiceError):
    """The answer's format is not one of those that exist."""

    def __init__(self, asked: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no format {asked!r}; there are {', '.join(known)}")
        self.asked = asked
        self.known = known


class NothingAcceptable(ServiceError):
    """The answer exists in no format that the client accepts."""

    def __init__(self, offered: tuple[str, ...]) -> None:
        super().__init__(f"Accept leaves none of what there is: {', '.join(offered)}")
        self.offered = offered


class KeyMissing(ServiceError):
    """The request needs an API key."""

    def __init__(self, needed: str) -> None:
        super().__init__(
            f"this needs an API key of scope {needed!r}, as `Authorization: Bearer <key>`; "
            "whoever runs this service makes one with `ziggurat key create`"
        )
        self.needed = needed


class KeyUnknown(ServiceError):
    """The API key is not one of this service, or was revoked."""

    def __init__(self) -> None:
        super().__init__(
            "the key in the header Authorization is unknown or revoked; send another, or none to read"
        )


class KeyExpired(ServiceError):
    """The API key has expired."""

    def __init__(self, prefix: str, expired_at: str) -> None:
        super().__init__(f"the key {prefix} expired at {expired_at}; ask for a new one")
        self.prefix = prefix
        self.expired_at = expired_at


class ScopeMissing(ServiceError):
    """The API key is not good for this."""

    def __init__(self, held: str, needed: str) -> None:
        super().__init__(f"the key has scope {held!r}, this needs {needed!r}")
        self.held = held
        self.needed = needed


class BuildNeedsKey(ServiceError):
    """The pyramid is not up to date, and too large to be built for a request without a key."""

    def __init__(self, *, state: str, cell_count: int, limit: int, order: str) -> None:
        super().__init__(
            f"the pyramid is {state}; without a key of scope 'build' at most {limit} cells are built, the "
            f"terrain has {cell_count}: send POST {order} with a key"
        )
        self.state = state
        self.cell_count = cell_count
        self.limit = limit
        self.order = order


class HostUnknown(ServiceError):
    """The request is for a host that this service is not."""

    def __init__(self, host: str) -> None:
        super().__init__(f"this service does not answer as {host!r}; ZIGGURAT_ALLOWED_HOSTS names its hosts")
        self.host = host


class PyramidNotBuilt(ServiceError):
    """There is no stored pyramid."""

    def __init__(self, terrain: str, metric: str) -> None:
        super().__init__(f"terrain {terrain!r} has no stored pyramid of {metric}; `ziggurat build` makes one")
        self.terrain = terrain
        self.metric = metric


class ObjectNotFound(ServiceError):
    """The Zarr has no such object."""

    def __init__(self, key: str) -> None:
        super().__init__(f"nothing is stored under {key!r}; a chunk that is not stored is all nodata")
        self.key = key
