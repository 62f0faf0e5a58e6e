"""The view of cells in a browser: levels, numbers, the 2 × 2 that became one, a build, a profile."""

from __future__ import annotations

import re

import numpy as np
from playwright.sync_api import Page, expect

from browsing import Visit
from held_metric import Hold
from served import Served
from viewed import peaks

CELLS = "role=application"


def value_at_cursor(page: Page) -> str:
    value = page.locator(".readout .value")
    expect(value).not_to_have_text("…")
    return value.inner_text().replace("\u00a0", " ")


def go_to(page: Page, row: int, col: int) -> None:
    """Move the cursor to a cell of the golden terrain by the keyboard, from wherever it is."""
    page.locator(CELLS).focus()
    for _ in range(7):
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
    for _ in range(row):
        page.keyboard.press("ArrowDown")
    for _ in range(col):
        page.keyboard.press("ArrowRight")


def test_the_keyboard_reads_every_level_cell_by_cell(visit: Visit) -> None:
    watched = visit()
    page = watched.open("/terrain/golden")
    expect(page.locator(".levels output")).to_have_text("0 of 3: 7 × 5")
    go_to(page, 2, 0)
    expect(page.locator(".readout")).to_contain_text("level 0 · row 2, column 0")
    assert value_at_cursor(page) == "87 m"
    expect(page.locator("#announcer")).to_have_text("Row 2, column 0: 87\u00a0m")
    page.keyboard.press("PageUp")
    expect(page.locator(".readout")).to_contain_text("level 1 · row 1, column 0")
    assert value_at_cursor(page) == "87 m"
    expect(page.locator(".family td")).to_have_text(["87", "12", "5", "3"])
    watched.take_picture("cells-golden-level-1")
    page.keyboard.press("PageUp")
    expect(page.locator(".family td")).to_have_text(["62", "37", "87", "74"])
    expect(page.locator(".levels output")).to_have_text("2 of 3: 2 × 2")


def test_the_metric_zooms_out_until_one_cell_is_left(visit: Visit) -> None:
    page = visit().open("/terrain/golden")
    slider = page.get_by_role("slider", name="Level")
    expect(slider).to_have_attribute("aria-valuetext", "level 0, 7 by 5 cells")
    for level, size in enumerate(["4 × 3", "2 × 2", "1 × 1"], start=1):
        slider.press("ArrowRight")
        expect(page.locator(".levels output")).to_have_text(f"{level} of 3: {size}")
    expect(page.locator(".statistics dd").nth(2)).to_have_text("87\u00a0m")
    # the address shows the same to somebody else
    assert page.url.endswith("#level=3")
    page.reload()
    expect(page.locator(".levels output")).to_have_text("3 of 3: 1 × 1")


def test_statistics_are_those_of_the_visible_cells(visit: Visit) -> None:
    page = visit().open("/terrain/golden")
    expect(page.locator(".statistics .said")).to_have_text("7 × 5 cells of level 0")
    expect(page.locator(".statistics dd")).to_have_text(["0\u00a0m", "87\u00a0m", "25.06\u00a0m", "100 %"])


def test_the_mouse_moves_zooms_and_points(visit: Visit, service: Served) -> None:
    watched = visit()
    page = watched.open("/terrain/peaks#view=cells&metric=max")
    seen = page.locator(".statistics .said")
    expect(seen).to_contain_text("350 × 250 cells of level 1")
    watched.take_picture("cells-peaks")
    box = page.locator(CELLS).bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.wheel(0, -1400)
    expect(seen).to_contain_text("cells of level 0")
    page.mouse.down()
    page.mouse.move(middle[0] - 120, middle[1] - 60, steps=4)
    page.mouse.up()
    expect(page.locator(".readout .value")).to_have_text(re.compile(r"\d+"))
    found = re.search(r"row (\d+), column (\d+)", page.locator(".readout .where").inner_text())
    assert found is not None
    row, col = map(int, found.groups())
    told = service.client.get("/terrain/peaks/elevation", params={"row": row, "col": col, "metric": "max"})
    assert value_at_cursor(page) == f"{told.json()['elevation']} m" == f"{peaks()[row, col]} m"
    watched.take_picture("cells-peaks-near")


def test_a_build_is_ordered_watched_and_seen_to_its_end(visit: Visit, hold: Hold) -> None:
    hold.close()
    watched = visit()
    page = watched.open("/terrain/golden")
    page.get_by_role("radio", name=re.compile("^held")).check()
    expect(page.locator(".veil")).to_contain_text("no pyramid of held")
    page.get_by_role("button", name="Build held").press("Enter")
    expect(page.locator(".build .said")).to_contain_text(re.compile("Building|Waits"))
    expect(page.get_by_role("progressbar", name="Progress of the build")).to_be_visible()
    expect(page.get_by_role("button", name="Call off")).to_be_visible()
    watched.take_picture("build")
    hold.open()
    expect(page.locator(".build .said")).to_contain_text("Built")
    expect(page.locator("#announcer")).to_contain_text("The pyramid of held is ready")
    expect(page.locator(".veil")).to_be_hidden()
    expect(page.locator(".statistics .said")).to_have_text("7 × 5 cells of level 0")


def test_a_build_is_called_off(visit: Visit, hold: Hold) -> None:
    hold.close()
    page = visit().open("/terrain/peaks#view=cells&metric=held")
    page.get_by_role("button", name="Build held").click()
    page.get_by_role("button", name="Call off").click()
    hold.open()
    expect(page.get_by_role("button", name="Build held")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_be_hidden()


def test_a_line_gives_the_profile_that_the_service_tells(visit: Visit) -> None:
    watched = visit()
    page = watched.open("/terrain/peaks#view=cells&metric=max")
    expect(page.locator(".statistics .said")).to_contain_text("cells of level")
    page.get_by_role("button", name="Draw a line").press("Enter")
    page.locator(CELLS).click(position={"x": 200, "y": 200})
    page.locator(CELLS).dblclick(position={"x": 700, "y": 420})
    expect(page.locator(".profile .said")).to_contain_text(re.compile(r"km: from .* to .* up and .* down"))
    expect(page.locator(".chart .edge")).not_to_have_count(0)
    watched.take_picture("cells-profile")
    page.get_by_role("button", name="Across the view").click()
    row = peaks()[249:251].astype(float)
    row[row < 0] = np.nan
    expect(page.locator(".profile .said")).to_contain_text("21 km")
    page.get_by_role("button", name="Forget it").click()
    expect(page.locator(".chart")).to_be_hidden()


def test_colours_and_relief_are_switched(visit: Visit) -> None:
    watched = visit()
    page = watched.open("/terrain/peaks#view=cells")
    expect(page.locator(".statistics .said")).to_contain_text("cells of level")
    seen = {page.locator(CELLS).screenshot()}
    for ramp in ("viridis", "grey"):
        page.get_by_label("Colours").select_option(ramp)
        page.wait_for_timeout(100)
        seen.add(page.locator(CELLS).screenshot())
    page.get_by_label("Relief").uncheck()
    page.wait_for_timeout(100)
    seen.add(page.locator(CELLS).screenshot())
    assert len(seen) == 4
