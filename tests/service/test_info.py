"""What `ziggurat info` tells people of pyramids."""

from __future__ import annotations

import re
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from held_metric import METRICS, Hold
from installations import Installation
from rest import until
from service.console import _age


def told_of(unbuilt: Installation, **settings: str) -> str:
    told = unbuilt.run("info", "golden", **settings)
    assert told.code == 0
    return told.stdout


def test_a_pyramid_has_its_number_of_tiles_and_its_age(
    unbuilt: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert unbuilt.run("build", "golden").code == 0
    (row,) = [line for line in told_of(unbuilt).splitlines() if re.search(r"\bmax\b.*ready", line)]
    cells = [cell.strip() for cell in re.split("[│┃]", row)]
    assert cells[:6] == ["", "max", "ready", "4", "int16", "2"]
    assert re.fullmatch(r"\d+ s", cells[8])


def test_a_build_under_way_has_its_builder_and_its_progress(unbuilt: Installation, hold: Hold) -> None:
    with ExitStack() as stack:
        building = unbuilt.start("build", "golden", "--metric", "held", METRICS=METRICS)
        stack.callback(building.communicate)
        stack.callback(hold.open)
        until(hold.has_begun)
        told = told_of(unbuilt, METRICS=METRICS)
    assert re.search(rf"held is being built by .*process {building.pid}, attempt 1: 0 of \d+ shards", told)
    assert "being built" not in told_of(unbuilt, METRICS=METRICS)


def test_a_failure_has_its_reason_and_its_time(unbuilt: Installation) -> None:
    unbuilt.tile_file("west.npy").unlink()
    assert unbuilt.run("build", "golden").code == 1
    today = f"{datetime.now(UTC):%Y-%m-}"
    assert re.search(rf"max failed last at {today}\d\d \d\d:\d\d:\d\d: .*west\.npy", told_of(unbuilt))


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=119), "119 s"),
        (timedelta(minutes=2), "2 min"),
        (timedelta(minutes=119.9), "119 min"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=400), "400 d"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_ages_are_told_in_units_for_people(age: timedelta, text: str) -> None:
    assert _age(datetime.now(UTC) - age) == text
