"""Ends of a build that went wrong: seen by whoever did not wait, told without our inside, never an outage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from catalog.errors import CatalogUnavailable
from full_disk import files_at_most
from installations import Installation, make_installation
from raster.errors import ClusterUnavailable, MetricFailed, SourceNotFound
from rest import AppClient, add_golden, open_client, problem_in
from service.description.problems import BUILD_ERRORS
from service.errors import ResourcesExhausted, StoreUnavailable
from service.failures import NO_FAILURES, TRANSIENT, failure_of
from service.problem_statuses import STATUSES

STATE = "/terrain/golden/pyramid/max"
TOP = f"{STATE}/-1"
ASYNC = {"Prefer": "respond-async"}
SECRET = "/srv/secret: password=hunter2"  # noqa: S105 - what no answer may hold

SMALLEST_FILES = 200
"""Bytes: a journal can be begun, no object can be written, and no page of the catalogue."""

UNEXPECTED = {
    "memory": (MemoryError(SECRET), 503, "resources-exhausted", True),
    "threads": (RuntimeError("can't start new thread"), 503, "resources-exhausted", True),
    "another RuntimeError": (RuntimeError(SECRET), 500, "build-broken", False),
    "a defect": (KeyError(SECRET), 500, "build-broken", False),
    "an exit": (SystemExit(SECRET), 500, "build-broken", False),
}


@pytest.fixture
def client(installation: Installation) -> Iterator[AppClient]:
    """A service with the golden terrain, not built."""
    with open_client(installation) as client:
        add_golden(installation, client)
        yield client


def state_at_the_end(client: AppClient) -> dict[str, Any]:
    """The pyramid's state when no build of it is under way any more."""
    deadline = time.monotonic() + 30
    while (state := client.get(STATE).json())["state"] == "building":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert isinstance(state, dict)
    return state


def failing_with(error: BaseException) -> Callable[..., NoReturn]:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


def order(client: AppClient) -> None:
    """Have it built though it failed a moment ago."""
    assert client.post(STATE, headers={"Prefer": "wait=30"}).json()["state"] == "ready"


def raise_peak(installation: Installation, client: AppClient) -> None:
    """A change that makes what is built stale."""
    np.save(installation.tiles / "peak.npy", np.array([[99]], dtype=np.int16))
    tile = {"url": "peak.npy", "x": 0, "y": 0, "priority": 1}
    assert client.post("/terrain/golden/tile", json={"tiles": [tile]}).status_code == 201


@pytest.mark.parametrize("step", ["plan_build", "write_pyramids"])
@pytest.mark.parametrize(("error", "status", "kind", "is_transient"), UNEXPECTED.values(), ids=UNEXPECTED)
def test_whatever_ends_a_build_is_seen_later_and_told_to_who_waits(
    client: AppClient,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    error: BaseException,
    status: int,
    kind: str,
    is_transient: bool,
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(f"service.builds.{step}", failing_with(error))
        assert client.get(TOP, headers=ASYNC).status_code == 202
        state = state_at_the_end(client)
        assert state["state"] == "failed"
        assert state["failure"]["transient"] is is_transient
        assert state["failure"]["failed_at"]
        assert SECRET not in str(state)
        waited = client.get(TOP)
        problem_in(waited, status, kind)
        assert ("retry-after" in waited.headers) is (status == 503)
        assert SECRET not in waited.text
    order(client)
    assert client.get(TOP).json()["values"] == [[87]]
    assert client.get(STATE).json()["failure"] is None


def test_the_failure_is_known_to_other_processes_too(
    installation: Installation, client: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("service.builds.write_pyramids", failing_with(KeyError(SECRET)))
        problem_in(client.get(TOP), 500, "build-broken")
    with open_client(installation) as other:
        state = other.get(STATE).json()
    assert (state["state"], state["failure"]["error"]) == ("failed", "BuildBroken")


@pytest.mark.parametrize(("error", "status", "kind", "is_transient"), UNEXPECTED.values(), ids=UNEXPECTED)
def test_an_update_that_ends_so_leaves_the_old_values_in_use(
    installation: Installation,
    client: AppClient,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    status: int,
    kind: str,
    is_transient: bool,
) -> None:
    assert client.get(TOP).json()["values"] == [[87]]
    raise_peak(installation, client)
    with monkeypatch.context() as broken:
        broken.setattr("service.builds.write_pyramids", failing_with(error))
        old = client.get(TOP)
        assert (old.status_code, old.json()["values"], old.json()["state"]) == (200, [[87]], "stale")
        problem_in(client.get(f"{TOP}?stale=refuse"), status, kind)
        state = client.get(STATE).json()
        assert (state["state"], state["failure"]["transient"]) == ("stale", is_transient)
    order(client)
    assert client.get(TOP).json()["values"] == [[99]]


def test_a_store_that_cannot_be_used_is_seen_later(installation: Installation) -> None:
    taken = installation.folder / "taken"
    taken.write_text("")
    with open_client(installation, store_url=taken) as client:
        add_golden(installation, client)
        assert client.get(TOP, headers=ASYNC).status_code == 202
        state = state_at_the_end(client)
        assert (state["state"], state["failure"]["error"]) == ("failed", "StoreUnavailable")
        assert str(taken) not in str(state)
        assert state["failure"]["transient"] is True
        answer = client.get(TOP)
        problem_in(answer, 503, "store-unavailable")
        assert str(taken) not in answer.text
        assert answer.headers["retry-after"]


def test_a_full_disk_that_holds_the_catalogue_too_is_seen_later(tmp_path: Path) -> None:
    """The catalogue cannot be told, so the process remembers."""
    installation = make_installation(tmp_path)
    with open_client(installation) as client:
        add_golden(installation, client)
        assert_seen_in_this_process_only(installation, client)


def assert_seen_in_this_process_only(installation: Installation, client: AppClient) -> None:
    with files_at_most(SMALLEST_FILES):
        assert client.get(TOP, headers=ASYNC).status_code == 202
        state = state_at_the_end(client)
        assert (state["state"], state["failure"]["error"]) == ("failed", "CatalogUnavailable")
        assert problem_in(client.get(TOP), 503, "catalog-unavailable")
    assert client.get(STATE).json()["state"] == "failed"
    with open_client(installation) as other:
        assert other.get(STATE).json()["state"] == "absent", "this failure was to be nowhere but in memory"
    assert client.get(TOP).json()["values"] == [[87]]
    assert client.get(STATE).json()["failure"] is None


def test_a_pyramid_that_is_dropped_has_no_failure_any_more(
    installation: Installation, client: AppClient
) -> None:
    with files_at_most(SMALLEST_FILES):
        client.get(TOP)
    assert client.get(STATE).json()["state"] == "failed"
    assert client.delete(STATE).status_code == 204
    assert client.get(STATE).json()["state"] == "absent"


def test_what_another_process_has_built_since_is_in_use_whatever_failed_here(
    installation: Installation, client: AppClient
) -> None:
    with files_at_most(SMALLEST_FILES):
        client.get(TOP)
    assert installation.run("build", "golden").code == 0
    state = client.get(STATE).json()
    assert (state["state"], state["failure"]) == ("ready", None)


@pytest.mark.parametrize(
    ("error", "name", "detail"),
    [
        (SourceNotFound("a.npy", "is gone"), "SourceNotFound", "a.npy: is gone"),
        (StoreUnavailable(SECRET, SECRET), "StoreUnavailable", "The store of the pyramids cannot be used"),
        (ClusterUnavailable(SECRET, SECRET), "ClusterUnavailable", "No Dask scheduler answers"),
        (MetricFailed("rms", "zoom", SECRET), "MetricFailed", "metric failed: metric rms, step zoom"),
        (ZeroDivisionError(SECRET), "BuildBroken", "defect"),
    ],
)
def test_a_failure_says_what_is_wrong_and_nothing_of_our_inside(
    error: Exception, name: str, detail: str
) -> None:
    failure = failure_of(error)
    assert failure.error == name
    assert detail in failure.detail
    assert SECRET not in failure.detail


def test_failures_are_transient_where_who_waits_is_told_to_come_again() -> None:
    ends = {*BUILD_ERRORS, CatalogUnavailable, ResourcesExhausted} - set(NO_FAILURES)
    assert {error for error in ends if STATUSES[error] == 503} == TRANSIENT
