"""What use-cases count while they work. They need not know who looks at it, or whether anybody does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from catalog.errors import Cause
from service.errors import BuildCancelled, BuildSuperseded
from service.failures import OURS


@dataclass(frozen=True, slots=True)
class Counted:
    """Something that is counted, sorted by a label. Labels that are `known` count from zero on."""

    name: str
    meaning: str
    label: str
    known: tuple[str, ...] = ()


OUTCOMES = ("published", "superseded", "cancelled", "failed", "defect")

BUILDS_STARTED = Counted("builds_started", "Builds that were begun.", "metric")
BUILDS_FINISHED = Counted("builds_finished", "Builds that ended.", "outcome", OUTCOMES)
BUILD_SECONDS = Counted("build_seconds", "Seconds that builds took which ended.", "outcome", OUTCOMES)
STORE_READS = Counted(
    "store_reads",
    "Windows read from stored pyramids; corrupt ones are built anew.",
    "outcome",
    ("read", "corrupt", "unavailable"),
)
SOURCES = Counted(
    "sources",
    "Sources handed out to be opened. A build may open one several times or, when it takes over, not at all.",
    "purpose",
    ("registration", "statistics", "build"),
)
RETRIES = Counted(
    "retries",
    "Attempts that were made again after a passing fault of the catalogue.",
    "reason",
    tuple(cause.value for cause in Cause if cause is not Cause.OTHER),
)
STALE_ANSWERS = Counted(
    "stale_answers", "Answers of a moment ago, given while the catalogue is away.", "page", ("list", "one")
)
VALUES = Counted(
    "values",
    "Points that were asked for, and chunks that were read for them, each once in a request.",
    "what",
    ("points", "chunks"),
)

COUNTED = (
    BUILDS_STARTED,
    BUILDS_FINISHED,
    BUILD_SECONDS,
    STORE_READS,
    SOURCES,
    RETRIES,
    STALE_ANSWERS,
    VALUES,
)


class Tally:
    """Counts of one installation since it was opened; threads may share it."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Counted, str]] = Counter()
        self._lock = Lock()

    def add(self, counted: Counted, label: str, amount: float = 1) -> None:
        """Count one more, or `amount`."""
        with self._lock:
            # a Counter of floats, too: what is counted may be seconds
            self._counts[counted, label] += amount  # type: ignore[assignment]

    def of(self, counted: Counted) -> Mapping[str, float]:
        """Count of each label."""
        with self._lock:
            found = {label: count for (what, label), count in self._counts.items() if what == counted}
        return dict.fromkeys(counted.known, 0) | found

    @contextmanager
    def build(self, metric: str) -> Iterator[None]:
        """Count the build that runs within, its outcome and how long it took."""
        self.add(BUILDS_STARTED, metric)
        started, outcome = monotonic(), "defect"
        try:
            yield
            outcome = "published"
        except BuildSuperseded:
            outcome = "superseded"
            raise
        except BuildCancelled:
            outcome = "cancelled"
            raise
        except OURS:
            outcome = "failed"
            raise
        finally:
            self.add(BUILDS_FINISHED, outcome)
            self.add(BUILD_SECONDS, outcome, monotonic() - started)
