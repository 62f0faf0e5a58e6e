"""Metrics of other distributions: by entry points, or by names of objects."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from raster.errors import MetricNameInvalid, MetricNameTaken, MetricNotImportable, NotAMetric
from raster.metrics.foreign import ForeignMetric, foreign_code
from raster.metrics.interface import Metric

GROUP = "ziggurat.metrics"
"""Entry points of this group are metrics."""

METRIC_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_OBJECT_NAME = re.compile(r"[\w.]+:[\w.]+")


def load_metrics(built_in: Iterable[Metric], objects: Iterable[str]) -> tuple[Metric, ...]:
    """The built-in metrics, those of entry points, then those of `objects`, written `module:object`.

    An object that is named twice is one metric.

    Raises
    ------
    MetricNotImportable, NotAMetric, MetricNameInvalid, MetricNameTaken
    """
    metrics: dict[str, Metric] = {metric.name: metric for metric in built_in}
    loaded: dict[int, object] = {}
    for plugin, entry_point in _entry_points(objects):
        with foreign_code(partial(MetricNotImportable, plugin)):
            found = entry_point.load()
        if id(found) in loaded:
            continue
        loaded[id(found)] = found
        metric = _check(plugin, found)
        if metric.name in metrics:
            raise MetricNameTaken(plugin, metric.name)
        metrics[metric.name] = ForeignMetric(metric, _code_of(entry_point))
    return tuple(metrics.values())


def _entry_points(objects: Iterable[str]) -> Iterator[tuple[str, EntryPoint]]:
    """What to load, and how to call it in words."""
    for found in sorted(entry_points(group=GROUP), key=lambda each: (each.name, each.value)):
        yield f"{found.value} (entry point {found.name!r})", found
    for name in objects:
        if not _OBJECT_NAME.fullmatch(name):
            raise MetricNotImportable(name, "a metric is named as module:object")
        yield name, EntryPoint(name, name, GROUP)


def _code_of(entry_point: EntryPoint) -> str:
    """SHA-256 of what is known of a loaded metric's code: its module's file, its distribution's version."""
    file = getattr(sys.modules[entry_point.module], "__file__", None)
    version = entry_point.dist.version if entry_point.dist else ""
    code = Path(file).read_bytes() if file else b""
    return hashlib.sha256(version.encode() + b"\0" + code).hexdigest()


def _check(plugin: str, found: object) -> Metric:
    if isinstance(found, type):
        raise NotAMetric(plugin, f"it is the class {found.__name__}; name an object made of it")
    with foreign_code(partial(NotAMetric, plugin)):
        for attribute, kind in (("name", str), ("cell_methods", str), ("is_stepwise", bool)):
            if not isinstance(getattr(found, attribute), kind):
                raise TypeError(f"its {attribute} is not of type {kind.__name__}")
        if not callable(getattr(found, "bind")):  # noqa: B009 - anything may have been loaded
            raise TypeError("its bind cannot be called")
    metric: Metric = found  # type: ignore[assignment] # as far as can be seen before it is bound
    if not METRIC_NAME.fullmatch(metric.name):
        raise MetricNameInvalid(plugin, metric.name)
    return metric
