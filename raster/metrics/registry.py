"""The metrics of an installation, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from raster.errors import MetricNotFound
from raster.metrics.count import Count
from raster.metrics.extreme import Extreme
from raster.metrics.interface import Metric
from raster.metrics.mean import Mean
from raster.metrics.median import Median
from raster.metrics.mode import Mode
from raster.metrics.range import Range
from raster.metrics.std import Std
from raster.metrics.sum import Sum


class Metrics:
    """The metrics of an installation, by name."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._by_name: Mapping[str, Metric] = MappingProxyType({m.name: m for m in metrics})

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)

    def get(self, name: str) -> Metric:
        """The metric of that name.

        Raises
        ------
        MetricNotFound
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise MetricNotFound(name, self.names) from None


def built_in_metrics() -> tuple[Metric, ...]:
    """The metrics that need no plug-in, the default first."""
    return Extreme("max"), Extreme("min"), Mean(), Count(), Sum(), Std(), Range(), Median(), Mode()
