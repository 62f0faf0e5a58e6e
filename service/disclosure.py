"""What of an error anybody may read: data that name internals go to the log, and to the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.errors import CatalogUnavailable
from raster.errors import (
    ClusterUnavailable,
    MetricFailed,
    MetricNameInvalid,
    MetricNameTaken,
    MetricNotImportable,
    NotAMetric,
    PyramidCorrupt,
    StoreFailed,
)
from service.errors import SpoolUnavailable, StoreUnavailable

HIDDEN: Mapping[type[Exception], frozenset[str]] = {
    PyramidCorrupt: frozenset({"key", "reason"}),
    StoreFailed: frozenset({"place", "reason"}),
    ClusterUnavailable: frozenset({"address", "reason"}),
    CatalogUnavailable: frozenset({"reason", "cause", "wait_s"}),
    StoreUnavailable: frozenset({"path", "reason"}),
    SpoolUnavailable: frozenset({"path", "reason"}),
    # what foreign code says of itself
    MetricFailed: frozenset({"reason"}),
    MetricNotImportable: frozenset({"plugin", "reason"}),
    NotAMetric: frozenset({"plugin", "reason"}),
    MetricNameInvalid: frozenset({"plugin", "reason"}),
    MetricNameTaken: frozenset({"plugin", "reason"}),
}
"""The data of each error that name internals; its text has them, too, and is not shown either."""


def title_of(error: type[Exception]) -> str:
    """What is wrong in general: the first line of the error's docstring."""
    return (error.__doc__ or error.__name__).strip().splitlines()[0].rstrip(".")


def detail_of(error: Exception) -> str | None:
    """What is wrong in particular; None when that is hidden."""
    return None if type(error) in HIDDEN else str(error)


def data_of(error: Exception) -> dict[str, Any]:
    """The error's data that are not hidden."""
    hidden = HIDDEN.get(type(error), frozenset())
    return {key: value for key, value in vars(error).items() if key not in hidden and not key.startswith("_")}
