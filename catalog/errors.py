"""What can go wrong with facts. No HTTP here: `service/problems.py` gives each a status.

CatalogError
├ TerrainNotFound · TileNotFound · KeyNotFound · RegistrationNotFound · GenerationNotFound
├ TerrainExists          the name is taken
├ RegistrationLost       another process works on the registration now, or its terrain is gone
├ LeaseLost              another process builds the pyramid now, or its terrain is gone
├ RequestKeyTaken        an Idempotency-Key came with another request
├ CursorInvalid          a page was asked for with a cursor that no page gave
├ CatalogUnavailable     the database is locked, full, damaged or not there, or all connections are busy
└ SchemaOutdated         the database has another schema than this version needs
"""

from __future__ import annotations

from enum import Enum


class Cause(Enum):
    """What of the database is in the way. All but the last may be over at once, and changed nothing."""

    CONNECTION = "connection"
    LOCK = "lock"
    CONFLICT = "conflict"
    READ_ONLY = "read-only"
    OTHER = "other"


class CatalogError(Exception):
    """Something is wrong with the catalogue or with what was asked of it."""


class TerrainNotFound(CatalogError):
    """There is no such terrain."""

    def __init__(self, terrain: int | str) -> None:
        super().__init__(f"no terrain {terrain!r}")
        self.terrain = terrain


class TerrainExists(CatalogError):
    """The name of the terrain is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a terrain {name!r} already")
        self.name = name


class TileNotFound(CatalogError):
    """There is no such tile."""

    def __init__(self, tile_id: int) -> None:
        super().__init__(f"no tile {tile_id}")
        self.tile_id = tile_id


class GenerationNotFound(CatalogError):
    """The terrain has no such generation of this metric, or has it no more."""

    def __init__(self, terrain: int | str, metric: str, generation: str) -> None:
        super().__init__(
            f"no generation {generation!r} of {metric!r} of terrain {terrain!r}: it may have been replaced"
            " and collected; the state of the pyramid names the one to read"
        )
        self.terrain = terrain
        self.metric = metric
        self.generation = generation


class KeyNotFound(CatalogError):
    """There is no such API key."""

    def __init__(self, prefix: str) -> None:
        super().__init__(f"no API key {prefix!r}; `ziggurat key list` names those there are")
        self.prefix = prefix


class RegistrationNotFound(CatalogError):
    """There is no such registration."""

    def __init__(self, registration: str) -> None:
        super().__init__(
            f"no registration {registration!r} of this terrain; those that ended are kept for a week"
        )
        self.registration = registration


class RegistrationLost(CatalogError):
    """Another process works on the registration, or its terrain is gone."""

    def __init__(self, registration: str) -> None:
        super().__init__(
            f"registration {registration} was taken over by another process, or its terrain was deleted"
        )
        self.registration = registration


class LeaseLost(CatalogError):
    """Another process builds the pyramid, or its terrain is gone."""

    def __init__(self, terrain_id: int, metric: str, revision: int) -> None:
        super().__init__(
            f"the build of {metric!r} of terrain {terrain_id} at revision {revision} was ended or taken over "
            "by another process, or its terrain was deleted; nothing was published"
        )
        self.terrain_id = terrain_id
        self.metric = metric
        self.revision = revision


class RequestKeyTaken(CatalogError):
    """The Idempotency-Key came with another request."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"the Idempotency-Key {key!r} came with another body before; a request that is not a repetition "
            "takes a new key"
        )
        self.key = key


class CursorInvalid(CatalogError):
    """The cursor is not one that a page of this list gave."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"{cursor!r} is not the cursor of a page; begin without one")
        self.cursor = cursor


class CatalogUnavailable(CatalogError):
    """The catalogue cannot be used right now.

    `wait_s`: seconds until it is worth the while to try again at all.
    """

    def __init__(self, reason: str, *, cause: Cause = Cause.OTHER, wait_s: float = 0.0) -> None:
        super().__init__(f"the catalogue cannot be used: {reason}")
        self.reason = reason
        self.cause = cause
        self.wait_s = wait_s

    @property
    def is_retryable(self) -> bool:
        """Whether nothing was changed, and the same may go through when it is tried again at once."""
        return self.cause is not Cause.OTHER


class SchemaOutdated(CatalogError):
    """The catalogue's schema is not the one this version needs."""

    def __init__(self, found: str | None, expected: str) -> None:
        super().__init__(
            f"the catalogue's schema is at revision {found or 'none'}, this version needs {expected}; "
            "an older one is brought up to date by `ziggurat migrate`, a newer one needs a newer version"
        )
        self.found = found
        self.expected = expected
