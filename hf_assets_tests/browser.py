"""Headless Chromium, Debian's, for the tests of what people look at.

A module of them has `pytestmark = IN_CHROMIUM`: without Chromium it skips before it begins.
"""

import shutil
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
IN_CHROMIUM = [pytest.mark.browser, pytest.mark.usefixtures("browser")]
# Milliseconds. A page loads its parts one by one; on two busy cores that takes a while.
PATIENCE = 60_000
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
