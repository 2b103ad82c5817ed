"""A browser that takes pictures of letters and pages as people see them; JavaScript off, as mail clients have it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.views import fonts
from sandbox import browser
from sandbox.environment import SetUpError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PHONE, DESK, LETTER = (390, 844), (1280, 900), (680, 600)
"""Width and height of what is looked through, in CSS pixels."""


class Camera:
    """One browser; each picture is of the whole page, with nothing kept from the one before."""

    def __init__(self, chromium: "Browser") -> None:
        self._pages = {size: _page(chromium, size) for size in (PHONE, DESK, LETTER)}

    def of_html(self, html: str, size: tuple[int, int]) -> bytes:
        """What a document of HTML looks like."""
        page = self._pages[size]
        page.goto("about:blank")  # what a page served before forbids, such as styles, holds for it alone
        page.set_content(html, wait_until="load")
        return page.screenshot(full_page=True)

    def of_url(self, url: str, size: tuple[int, int]) -> bytes:
        """What is served at an address looks like."""
        page = self._pages[size]
        page.goto(url, wait_until="load")
        return page.screenshot(full_page=True)


def _page(chromium: "Browser", size: tuple[int, int]) -> "Page":
    viewport = {"width": size[0], "height": size[1]}
    return chromium.new_context(java_script_enabled=False, viewport=viewport).new_page()  # type: ignore[arg-type]


@contextmanager
def ready() -> Iterator[Camera]:
    """The machine's own Chromium. Raises SetUpError where there is none."""
    path = browser.ready()
    if path is None:
        raise SetUpError(browser.MISSING[0].upper() + browser.MISSING[1:] + ".")
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        env: dict[str, str | float | bool] = {**os.environ, "XDG_DATA_HOME": _with_fonts(Path(home))}
        running = playwright.chromium.launch(executable_path=path, args=flags, env=env)
        try:
            yield Camera(running)
        finally:
            running.close()


def _with_fonts(home: Path) -> str:
    """A home in which the browser finds the fonts that documents are set in: this machine may have none of Japanese."""
    (home / "fonts").mkdir()
    for n, folder in enumerate(fonts.folders()):
        (home / "fonts" / str(n)).symlink_to(folder)
    return str(home)
