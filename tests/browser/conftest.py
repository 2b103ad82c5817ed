"""A real browser with JavaScript off, and one world whose pages it opens."""

import itertools
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from sandbox import browser as chromium
from sandbox.aws import Aws, free_port
from sandbox.stripe.server import StripeServer
from sandbox.world import World, changed_environment, environment
from tests.stories.diary import Diary

HERE = Path(__file__).parent
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
PICTURES = Path(os.environ.get("PERENNIAL_PICTURES") or Path(tempfile.gettempdir()) / "perennial-pictures")
"""Outside of the repository: they are made to be looked at."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One browser is enough: these run on one Python."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; where there is none these tests are left out, and say so."""
    path = chromium.ready()
    if path is None:
        pytest.skip(f"left out: {chromium.MISSING}")
    with sync_playwright() as playwright:
        # Without its check of local networks the browser lets a page elsewhere reach for ours: what keeps it off is our own.
        flags = [
            "--disable-features=LocalNetworkAccessChecks",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
        ]
        running = playwright.chromium.launch(executable_path=path, args=flags)
        yield running
        running.close()


@pytest.fixture(scope="package")
def world(ministack: Aws) -> Iterator[World]:
    """One deployment for all tests here, in the address its letters name; Stripe's webhooks are held until asked for."""
    port = free_port(0)
    with tempfile.TemporaryDirectory() as folder, StripeServer() as stripe:
        clock = Path(folder) / "clock"
        clock.write_text("2026-01-01T12:00:00+00:00")
        aws = ministack.environment(account=f"{os.getpid() % 10**6:06d}999999")
        base = {"PERENNIAL_BASE_URL": f"http://127.0.0.1:{port}", "PERENNIAL_WAKE_SHARDS": "1"}
        env = environment(aws, stripe.url, clock, **base)
        with changed_environment(env), World(env, stripe.url, port=port) as made:
            made.set_clock(made.now)
            made.connect_stripe("hold")
            yield made


@pytest.fixture
def diary(world: World) -> Diary:
    """A business of the test's own."""
    return Diary(world)


@dataclass
class Buyer:
    """Somebody at a browser: every page they look at is a picture, and held to WCAG by axe."""

    page: Page
    judge: Page
    name: str
    heard: list[str]
    answers: list[Response]
    pictures: Any = field(default_factory=itertools.count)

    def opens(self, url: str) -> "Buyer":
        """Open a link."""
        self.page.goto(url)
        return self

    def presses(self, words: str) -> "Buyer":
        """Press a button, or follow a link."""
        self.page.get_by_role("button", name=words).or_(
            self.page.get_by_role("link", name=words)
        ).first.click()
        self.page.wait_for_load_state()
        return self

    @property
    def status(self) -> int:
        """The status of the page that is shown."""
        return [answer.status for answer in self.answers if answer.request.is_navigation_request()][-1]

    @property
    def reads(self) -> str:
        """What stands on the page, on one line."""
        return " ".join(self.page.inner_text("body").split())

    @property
    def title(self) -> str:
        """The page's first heading."""
        return self.page.locator("h1").inner_text()

    def picture(self, what: str) -> Path:
        """Where the next picture goes."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        width = (self.page.viewport_size or PHONE)["width"]
        what = re.sub("[^a-z0-9]+", "-", what.lower())
        return PICTURES / f"{self.name}-{next(self.pictures):02d}-{what}-{width}.png"

    def looks(self, what: str) -> "Buyer":
        """Keep a picture of the whole page, and find nothing in it that keeps anybody from using it: in light at a phone, in dark at a desk."""
        picture, width = self.picture(what), (self.page.viewport_size or PHONE)["width"]
        self.page.screenshot(path=picture, full_page=True)
        assert self.page.evaluate("document.documentElement.scrollWidth") <= width, f"{what} is too wide"
        if os.environ.get("PERENNIAL_DARK"):
            self.page.emulate_media(color_scheme="dark")
            self.page.screenshot(path=picture.with_stem(f"{picture.stem}-dark"), full_page=True)
            self.page.emulate_media(color_scheme="light")
        self.judge.set_viewport_size(self.page.viewport_size or PHONE)
        self.judge.emulate_media(color_scheme="dark" if width > 600 else "light")
        self.judge.set_content(self.page.content())
        if not self.judge.evaluate("'axe' in window"):  # once: it stays while the document is exchanged
            self.judge.evaluate(AXE_SCRIPT)
        told = AxeResults(self.judge.evaluate("axe.run(document, {resultTypes: ['violations']})"))
        assert told.violations_count == 0, f"{what}: {told.generate_report()}"
        assert self.heard == [], f"{what}: {self.heard}"
        return self


@pytest.fixture(scope="package")
def judge(browser: Browser) -> Page:
    """Where axe looks at what a buyer saw: it is a script, and buyers run none."""
    return browser.new_context().new_page()


@pytest.fixture
def buyer(browser: Browser, judge: Page, request: pytest.FixtureRequest) -> Iterator[Callable[..., Buyer]]:
    """Lets a buyer sit down at a phone, or at a desk."""
    seats: list[BrowserContext] = []

    def sits(at: Any = None) -> Buyer:
        seat = browser.new_context(viewport=at or PHONE, java_script_enabled=False)
        seats.append(seat)
        page, heard, answers = seat.new_page(), [], []
        page.set_default_timeout(10_000)
        page.on(
            "console",
            lambda said: (
                heard.append(said.text) if said.type == "error" and "status of" not in said.text else None
            ),
        )
        page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108  # Playwright marks what it calls
        return Buyer(page, judge, request.node.name.removeprefix("test_"), heard, answers)

    yield sits
    for seat in seats:
        seat.close()
