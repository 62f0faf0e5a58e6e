"""What can go wrong between the catalogue and the cells, and at the front door itself."""

from __future__ import annotations

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


class BuildCancelled(ServiceError):
    """The build was stopped because the service shuts down."""

    def __init__(self) -> None:
        super().__init__("the service shuts down; ask again for the level to build it elsewhere")


class NotReady(ServiceError):
    """The replica should not be sent requests now."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the replica should not be sent requests: {reason}")
        self.reason = reason


class BuildSuperseded(ServiceError):
    """A pyramid of a newer revision was published while this one was built."""

    def __init__(self, terrain: str, metric: str) -> None:
        super().__init__(f"a newer pyramid {metric!r} of terrain {terrain!r} was published meanwhile")
        self.terrain = terrain
        self.metric = metric


class StoreUnavailable(ServiceError):
    """The folder of the pyramids cannot be used right now."""

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


class PyramidNotBuilt(ServiceError):
    """There is no stored pyramid."""

    def __init__(self, terrain: str, metric: str) -> None:
        super().__init__(f"terrain {terrain!r} has no stored pyramid of {metric}; `ziggurat build` makes one")
        self.terrain = terrain
        self.metric = metric
