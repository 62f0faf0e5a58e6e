"""The list of terrains in a browser."""

from __future__ import annotations

from playwright.sync_api import expect

from browsing import Visit


def test_terrains_are_listed_with_size_extent_and_state(visit: Visit) -> None:
    watched = visit()
    page = watched.open("/")
    peaks = page.locator(".card", has_text="Peaks and a lake")
    expect(peaks.get_by_role("list", name="Pyramids")).to_contain_text("max")
    expect(peaks).to_contain_text("700 × 500 cells, 11 levels, 1 tile")
    expect(peaks).to_contain_text("10.32° E")
    golden = page.locator(".card", has_text="golden")
    expect(golden).to_contain_text("7 × 5 cells, 4 levels, 2 tiles")
    expect(golden).to_contain_text("Not georeferenced")
    expect(page.locator(".card.drawn")).to_have_count(2)
    watched.take_picture("list")
    expect(page.locator(".card").nth(2)).to_contain_text("no pyramid yet")


def test_the_list_goes_on_page_by_page(visit: Visit) -> None:
    watched = visit()
    page = watched.open("/")
    expect(page.locator(".card")).to_have_count(24)
    page.get_by_role("button", name="Show more").press("Enter")
    expect(page.locator(".card")).to_have_count(32)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    # whoever goes on with the keyboard is where the new ones begin
    expect(page.locator(".card").nth(24).get_by_role("link")).to_be_focused()


def test_terrains_are_found_by_the_start_of_their_names(visit: Visit) -> None:
    watched = visit()
    page = watched.open("/")
    page.get_by_label("Search").fill("survey-1")
    expect(page.locator(".card")).to_have_count(10)
    expect(page.locator("#announcer")).to_contain_text("10 terrains shown")
    page.get_by_label("Search").fill("nothing-like-it")
    expect(page.locator(".notice")).to_contain_text("No terrain of that name")
    page.get_by_label("Search").fill("gol")
    page.get_by_role("link", name="golden").click()
    page.wait_for_url("**/terrain/golden")
    expect(page.get_by_role("heading", level=1)).to_have_text("golden")


def test_a_terrain_that_is_not_there_is_told(visit: Visit) -> None:
    watched = visit()
    watched.expected.add(404)
    page = watched.open("/terrain/not-there")
    expect(page.locator("main")).to_contain_text("not-there")
    expect(page.get_by_role("link", name="All terrains")).to_be_visible()
