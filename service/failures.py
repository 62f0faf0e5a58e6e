"""What is remembered of a build that failed, and anybody may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from catalog.errors import CatalogError, CatalogUnavailable, LeaseLost, TerrainNotFound
from catalog.models import Pyramid
from raster.errors import (
    CacheFailed,
    ClusterUnavailable,
    DecoderFailed,
    RasterError,
    SourceNotFound,
    SourcesUnavailable,
    SourceTooSlow,
    SourceUnreachable,
    StoreFailed,
)
from service.disclosure import data_of, detail_of, title_of
from service.errors import (
    BuildBroken,
    BuildCalledOff,
    BuildCancelled,
    BuildFailedBefore,
    BuildSuperseded,
    ResourcesExhausted,
    ServiceError,
    StoreUnavailable,
)

OURS = (RasterError, CatalogError, ServiceError)
"""Whatever else ends a build is a defect."""

NO_FAILURES = (
    BuildCalledOff,
    BuildCancelled,
    BuildFailedBefore,
    BuildSuperseded,
    LeaseLost,
    TerrainNotFound,
)
"""Ends of a build that say nothing new about it: stopped, overtaken, known before, or nobody's any more."""

TRANSIENT = frozenset(
    {
        CacheFailed,
        CatalogUnavailable,
        ClusterUnavailable,
        DecoderFailed,
        ResourcesExhausted,
        StoreFailed,
        StoreUnavailable,
    }
)
"""Failures that may go by without anybody changing the terrain or the settings."""


ELSEWHERE = (SourceNotFound, SourceUnreachable, SourceTooSlow, SourcesUnavailable)

RETURNING = frozenset({error.__name__ for error in (*TRANSIENT, *ELSEWHERE)})
"""Failures after which a build is tried again soon: a source may be put back, its server mended."""


KEPT = (str, int, float, list)
"""Data that are JSON as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why and when a build failed."""

    error: str
    detail: str
    is_transient: bool
    failed_at: datetime | None
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def may_pass(self) -> bool:
        """Whether it is worth while to try again soon."""
        return self.error in RETURNING

    def as_record(self) -> dict[str, Any]:
        """As the catalogue keeps it, which notes the time itself."""
        return {
            "error": self.error,
            "detail": self.detail,
            "transient": self.is_transient,
            "data": dict(self.data),
        }


def failure_of(error: BaseException) -> Failure:
    """A build's error as a failure, now; of a defect no more than that it is one."""
    known = error if isinstance(error, OURS) else BuildBroken()
    return Failure(
        error=type(known).__name__,
        detail=detail_of(known) or _in_general(known),
        is_transient=type(known) in TRANSIENT,
        failed_at=datetime.now(UTC),
        data={
            key: value for key, value in data_of(known).items() if isinstance(value, (str, int, float, list))
        },
    )


def is_lasting(error: Exception) -> bool:
    """Whether a build will go on to fail so, as far as anybody knows."""
    name = error.error if isinstance(error, BuildFailedBefore) else type(error).__name__
    return name not in {kind.__name__ for kind in TRANSIENT} and not isinstance(
        error, tuple(kind for kind in NO_FAILURES if kind is not BuildFailedBefore)
    )


def _in_general(error: Exception) -> str:
    data = ", ".join(f"{key} {value}" for key, value in data_of(error).items())
    title = title_of(type(error))
    return f"{title}: {data}" if data else title


def recorded_failure(pyramid: Pyramid | None) -> Failure | None:
    """The failure that the catalogue knows."""
    if pyramid is None or pyramid.failure is None:
        return None
    return Failure(
        error=pyramid.failure["error"],
        detail=pyramid.failure["detail"],
        is_transient=pyramid.failure.get("transient", False),
        failed_at=pyramid.failed_at,
        data=pyramid.failure.get("data", {}),
    )
