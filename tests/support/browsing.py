"""A headless Chromium, and pages of it that note whatever should not have happened."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

# WebGL in software: machines that run tests have no graphics card. Containers let nobody make sandboxes.
ARGUMENTS = ("--no-sandbox", "--enable-unsafe-swiftshader", "--use-gl=angle", "--use-angle=swiftshader")

WAIT_MS = 10_000
"""For whatever has to become so: much more than it takes on a machine that has nothing else to do."""


@contextmanager
def open_browser() -> Iterator[Browser]:
    """The system's Chromium; without one the test is skipped."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        pytest.skip("no Chromium on the path (package chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page of a service, and what went wrong on it."""

    page: Page
    base: str
    pictures: Path
    expected: set[int] = field(default_factory=set)
    """Statuses of answers that are no success and should come."""
    wrong: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(WAIT_MS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", self._see_request)
        self.page.on("response", self._see_response)

    def open(self, path: str) -> Page:
        """Go to an address of the service."""
        self.page.goto(f"{self.base}{path}")
        return self.page

    def take_picture(self, name: str) -> None:
        """Keep what the page looks like."""
        self.page.screenshot(path=self.pictures / f"{name}.png")

    def check(self) -> None:
        """Nothing has gone wrong, and no other host was asked for anything."""
        assert self.wrong == []
        hosts = {urlsplit(url).netloc for url in self.asked if not url.startswith(("blob:", "data:"))}
        assert hosts == {urlsplit(self.base).netloc}

    def _hear(self, message: ConsoleMessage) -> None:
        told_anyway = self.expected and "Failed to load resource" in message.text
        if message.type in {"error", "warning"} and not told_anyway:
            self.wrong.append(f"console: {message.text}")

    def _see_request(self, request: Request) -> None:
        self.asked.append(request.url)

    def _see_response(self, response: Response) -> None:
        if not response.ok and response.status != 304 and response.status not in self.expected:
            self.wrong.append(f"{response.status}: {response.url}")


Visit = Callable[..., Watched]
"""Makes a page of the service under test; the options are those of a browser's context."""


@contextmanager
def watched_page(browser: Browser, base: str, pictures: Path, **context: Any) -> Iterator[Watched]:
    """A page in a session of its own; what it noted is checked when the test has passed."""
    options = {"viewport": {"width": 1120, "height": 720}, "color_scheme": "light", **context}
    with browser.new_context(reduced_motion="reduce", **options) as session:
        watched = Watched(session.new_page(), base, pictures)
        yield watched
        watched.check()
