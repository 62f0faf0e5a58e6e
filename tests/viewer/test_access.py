"""Everybody gets at everything: by keyboard, by name, in the dark, on a phone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from browsing import Visit
from fetch_viewer import fetch_test_packages
from own_environments import NotInstallable

AXE = Path("axe-core", "axe.min.js")
WIDTH = 390
PHONE = {
    "viewport": {"width": WIDTH, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
PAGES = {
    "list": ("/", ".card.drawn"),
    "cells": ("/terrain/golden#level=1", ".histogram rect"),
    "map": ("/terrain/peaks", ".view.drawn .map"),
}


@pytest.fixture(scope="session")
def axe() -> str:
    """A script that finds barriers."""
    try:
        return (fetch_test_packages() / AXE).read_text()
    except NotInstallable as reason:
        pytest.skip(f"npm does not give axe-core: {reason}")


NAME_OF_FOCUSED = """(() => {
    const focused = document.activeElement;
    return focused.getAttribute("aria-label") || focused.value || focused.textContent.trim();
})()"""


def see(page: Page, what: str) -> None:
    expect(page.locator(what).first).to_be_visible(timeout=20_000)


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_barrier(visit: Visit, axe: str, name: str, scheme: str) -> None:
    path, seen = PAGES[name]
    watched = visit(color_scheme=scheme)
    page = watched.open(path)
    see(page, seen)
    watched.take_picture(f"{name}-{scheme}")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    told = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]]
    assert told == []


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("name", PAGES)
def test_a_phone_shows_everything_without_scrolling_sideways(visit: Visit, name: str) -> None:
    path, seen = PAGES[name]
    watched = visit(**PHONE)
    page = watched.open(path)
    see(page, seen)
    watched.take_picture(f"{name}-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH


def test_a_finger_reads_a_cell_and_the_panels_scroll_below(visit: Visit) -> None:
    watched = visit(**PHONE)
    page = watched.open("/terrain/golden")
    see(page, ".histogram rect")
    page.locator("role=application").tap(position={"x": 60, "y": 200})
    expect(page.locator(".readout .where")).to_contain_text(re.compile(r"row \d, column 0"))
    page.locator(".use").scroll_into_view_if_needed()
    expect(page.locator("role=application")).to_be_in_viewport()
    watched.take_picture("phone-scrolled")


def test_the_tab_key_reaches_everything_in_the_order_of_the_page(visit: Visit) -> None:
    page = visit().open("/terrain/golden")
    see(page, ".histogram rect")
    reached: list[str] = []
    while len(reached) < 40 and reached[-1:] != ["xarray"]:
        page.keyboard.press("Tab")
        reached.append(page.evaluate(NAME_OF_FOCUSED))
    wanted = ["Skip to the content", "Ziggurat", "API key", "REST", "cells", "max", "terrain", "Draw a line"]
    assert [each for each in reached if each in wanted] == wanted
    assert reached[-1] == "xarray"
    assert any(each.startswith("Cells of a level") for each in reached)


def test_a_key_is_asked_for_and_sent_with_every_question(visit: Visit) -> None:
    watched = visit()
    watched.expected.add(401)
    page = watched.open("/")
    page.get_by_role("button", name="API key").press("Enter")
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    page.keyboard.type("zig_nobody")
    with page.expect_request("**/terrain?*") as asked:
        page.keyboard.press("Enter")
    assert asked.value.headers["authorization"] == "Bearer zig_nobody"


def test_without_the_library_for_maps_there_are_cells_and_the_page_says_why(visit: Visit) -> None:
    watched = visit()

    def forget_library(route: Route) -> None:
        answer = route.fetch()
        body = answer.text().replace('data-map="present"', 'data-map="absent"')
        route.fulfill(response=answer, body=body)

    watched.page.route("**/terrain/peaks", forget_library)
    page = watched.open("/terrain/peaks")
    expect(page.locator(".about")).to_contain_text("not installed with this service")
    expect(page.get_by_role("radio", name="Map")).to_be_disabled()
    expect(page.locator(".statistics .said")).to_contain_text("cells of level")
    assert not any("/packages/" in url for url in watched.asked)
