"""What Prometheus is shown: requests, the catalogue's connections, threads, builds, and what was tallied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.desk import Desk
from service.tally import BUILDS_FINISHED, BUILDS_STARTED, COUNTED, Counted, Tally

PREFIX = "ziggurat_"

LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Bounds of the histogram; a request may wait for a build for a minute."""

METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"})
"""Anything else is counted as one: clients may make up methods, and each would be a series of its own."""

SHEDDING = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredRequest:
    """A request that is over.

    `route` is a template such as `/terrain/{terrain}`, `problem` the kind of the error that was
    answered, such as `terrain-not-found`.
    """

    method: str
    route: str
    status: int
    seconds: float
    byte_count: int
    problem: str | None


class Monitor:
    """The figures of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.in_flight = Gauge(
            f"{PREFIX}requests_in_flight", "Requests being answered.", registry=self.registry
        )
        self._seconds = Histogram(
            f"{PREFIX}request_seconds",
            "Seconds from a request to the last byte of its answer.",
            ("method", "route", "status"),
            buckets=LATENCY_S,
            registry=self.registry,
        )
        self._sheds = Counter(
            f"{PREFIX}sheds",
            "Requests sent away for now, with 503 or 429.",
            ("reason",),
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)

    def count(self, request: AnsweredRequest) -> None:
        """Count a request that is over."""
        method = request.method if request.method in METHODS else "other"
        status = f"{request.status // 100}xx"
        self._seconds.labels(method, request.route, status).observe(request.seconds)
        if request.status in SHEDDING:
            self._sheds.labels(request.problem or "unknown").inc()

    def watch(self, desk: Desk) -> None:
        """Show the desk's figures, too."""
        self.registry.register(DeskFigures(desk))


class DeskFigures(Collector):
    """Reads a desk when it is asked: nothing has to be kept in step."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterator[Metric]:
        tally = self._desk.house.tally
        for counted in COUNTED:
            yield _family(counted, tally)
        finished = sum(tally.of(BUILDS_FINISHED).values())  # read first: one may begin or end meanwhile
        running = sum(tally.of(BUILDS_STARTED).values()) - finished
        yield _gauge("builds_running", "Builds that run now.", running)
        pool = self._desk.house.database.pool()
        yield _gauge("pool_size", "Connections to the catalogue that may be open at once.", pool.size)
        yield _gauge("pool_in_use", "Connections to the catalogue that are in use.", pool.in_use)
        yield CounterMetricFamily(
            f"{PREFIX}silent_connections",
            "Connections to the catalogue that were ended because its server was silent.",
            self._desk.house.database.silent_connection_count(),
        )
        gate = self._desk.gate
        yield _gauge("request_threads", "Threads for requests.", gate.width)
        yield _gauge("request_threads_busy", "Threads at work for requests.", gate.working)
        yield _gauge("requests_waiting", "Requests that wait for a thread.", gate.waiting)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, meaning, value)


def _family(counted: Counted, tally: Tally) -> CounterMetricFamily:
    family = CounterMetricFamily(PREFIX + counted.name, counted.meaning, labels=[counted.label])
    for label, count in tally.of(counted).items():
        family.add_metric([label], count)
    return family
