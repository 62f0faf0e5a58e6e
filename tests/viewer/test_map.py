"""The map in a browser: pan, zoom, metric, style, height, profile, depth."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from browsing import Visit, Watched
from served import Served

pytestmark = pytest.mark.usefixtures("packages")

SMALL = {"width": 960, "height": 600}
"""There is no graphics card: each pixel costs."""

MAP = ".map canvas"
DRAWN = ".view.drawn .map"


def open_map(watched: Watched, address: str = "/terrain/peaks") -> Page:
    page = watched.open(address)
    expect(page.locator(DRAWN)).to_be_visible(timeout=20_000)
    return page


def colours(page: Page) -> np.ndarray:
    """Pixels of the middle of the map: (height, width, 3)."""
    expect(page.locator(DRAWN)).to_be_visible(timeout=20_000)
    picture = Image.open(io.BytesIO(page.locator(MAP).screenshot())).convert("RGB")
    width, height = picture.size
    middle = picture.crop((width // 3, height // 3, 2 * width // 3, 2 * height // 3))
    return np.asarray(middle).astype(int)


def test_the_map_shows_the_terrain_and_what_is_switched(visit: Visit) -> None:
    watched = visit(viewport=SMALL)
    page = open_map(watched)
    assert colours(page).std() > 10
    expect(page.locator(".statistics .said")).to_have_text("175 × 125 cells of level 2")
    expect(page.locator(".statistics dd").nth(3)).to_have_text("98.3 %")
    watched.take_picture("map-peaks")
    page.get_by_label("Relief").uncheck()
    flat = colours(page)
    page.get_by_label("Colours").select_option("grey")
    grey = colours(page)
    assert np.ptp(grey, axis=-1).max() <= 13  # the ground under the lake
    assert np.ptp(flat, axis=-1).max() > 50
    page.get_by_role("radio", name=re.compile("^max")).check()
    expect(page.locator(DRAWN)).to_be_visible(timeout=20_000)
    assert any("/map/max@" in url for url in watched.asked)
    assert page.url.endswith("#metric=max&ramp=grey&relief=off")


def test_the_height_under_the_cursor_is_the_service_s(visit: Visit, service: Served) -> None:
    watched = visit(viewport=SMALL)
    page = open_map(watched)
    box = page.locator(MAP).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.4 * box["height"])
    value = page.locator(".readout .value")
    expect(value).to_have_text(re.compile(r"^\d+.*m$"))
    asked = next(url for url in reversed(watched.asked) if "/elevation?" in url)
    told = service.client.get(asked).json()
    assert told["metric"] == "mean"
    assert value.inner_text() == f"{told['elevation']:.0f}\u00a0m"
    expect(page.locator(".readout")).to_contain_text(f"row {told['row']}, column {told['col']}")


def test_the_mouse_pans_and_zooms_and_keys_read_the_middle(visit: Visit) -> None:
    watched = visit(viewport=SMALL)
    page = open_map(watched)
    scale = page.locator(".maplibregl-ctrl-scale")
    before = scale.inner_text()
    box = page.locator(MAP).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.wheel(0, -500)
    expect(scale).not_to_have_text(before)
    page.mouse.down()
    page.mouse.move(x - 150, y - 80, steps=5)
    page.mouse.up()
    page.locator(MAP).focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#announcer")).to_contain_text(re.compile(r"\d+\sm at 47\.\d+°\sN"))
    page.get_by_role("button", name="Zoom out").first.press("Enter")
    watched.take_picture("map-near")


def test_a_line_on_the_map_gives_a_profile(visit: Visit) -> None:
    watched = visit(viewport=SMALL)
    page = open_map(watched)
    page.get_by_role("button", name="Draw a line").click()
    page.locator(MAP).click(position={"x": 150, "y": 200})
    page.locator(MAP).dblclick(position={"x": 450, "y": 350})
    expect(page.locator(".profile .said")).to_contain_text(re.compile(r"km: from .* to .* up and .* down"))
    watched.take_picture("map-profile")
    page.locator(".chart svg").hover()
    expect(page.locator(".chart output")).to_contain_text("km: ")
    page.get_by_role("button", name="Draw a line").press("Enter")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator(".profile .said")).to_contain_text(re.compile("km: from|m: from"))


def test_heights_become_ground(visit: Visit) -> None:
    watched = visit(viewport=SMALL)
    page = open_map(watched)
    flat = colours(page)
    page.get_by_label("3D").check()
    page.wait_for_timeout(500)
    assert np.abs(colours(page) - flat).mean() > 5
    assert any("/terrain-rgb;" in url for url in watched.asked)
    watched.take_picture("map-depth")
    page.get_by_role("radio", name="Cells", exact=True).check()
    expect(page.get_by_label("3D")).to_be_hidden()
    expect(page.locator(".statistics .said")).to_contain_text("cells of level")


def test_a_map_that_cannot_be_drawn_says_why(visit: Visit) -> None:
    watched = visit(viewport=SMALL)
    watched.expected.add(503)
    problem = {"title": "The store cannot be asked", "status": 503}
    watched.page.route("**/tilejson.json", lambda route: route.fulfill(status=503, json=problem))
    page = watched.open("/terrain/peaks")
    expect(page.locator(".veil")).to_have_text("The map cannot be drawn: The store cannot be asked")
    page.get_by_role("radio", name="Cells", exact=True).check()
    expect(page.locator(".veil")).to_be_hidden()
