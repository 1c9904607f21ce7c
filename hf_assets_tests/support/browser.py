"""Headless Chromium, Debian's, for the tests of what people look at.

A module of them has `pytestmark = IN_CHROMIUM`: without Chromium it skips before it begins.
"""

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as NotThere

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
IN_CHROMIUM = [pytest.mark.browser, pytest.mark.usefixtures("browser")]
# Milliseconds. A page loads its parts one by one; on two busy cores that takes a while.
PATIENCE = 60_000
# Milliseconds until a list of options that is not there is opened again.
OPEN_FOR = 2_000
_QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@contextmanager
def chromium() -> Generator[Browser]:
    """A browser that asks nobody but the pages it is given; a skip where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_QUIET))
        expect.set_options(timeout=PATIENCE)
        yield browser
        browser.close()


@contextmanager
def listening(tab: Page, **handlers: Callable[[Any], None]) -> Generator[None]:
    """Handlers of a tab's events, by event; then the tab forgets them, its routes and its page."""
    heard: Any = tab  # its type has an overload for each event
    for event, handler in handlers.items():
        heard.on(event, handler)
    try:
        yield
    finally:
        for event, handler in handlers.items():
            heard.remove_listener(event, handler)
        tab.unroute_all(behavior="ignoreErrors")
        tab.emulate_media(color_scheme="light")
        tab.goto("about:blank")


def choose(page: Page, box: Locator, option: str) -> None:
    """Choose an option of a combobox, opening its list again where the page has closed it.

    A page that receives a late part of itself draws its boxes anew, and an open list is gone.
    """
    choice = page.get_by_role("option", name=option)
    for _ in range(PATIENCE // OPEN_FOR):
        if not choice.is_visible():
            box.click()
        try:
            choice.click(timeout=OPEN_FOR)
        except NotThere:
            continue
        return
    raise AssertionError(f"{option!r} is in no list of {box}: {page.get_by_role('option').all()}")
