"""Visits of the pages over the Hub's days, in headless Chromium."""

from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Dialog, Locator, Page, expect
from playwright.sync_api import TimeoutError as NotThere

from hf_assets_tests.support.browser import OPEN_FOR, PATIENCE, listening

PHONE = 390


@contextmanager
def visiting(tab: Page, host: str, width: int = 1280, scheme: str = "light") -> Generator[Page]:
    """A page on which nothing runs that a name brings, and that asks one machine only."""
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    went_wrong: list[str] = []
    asked: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        went_wrong.append(dialog.message)
        dialog.dismiss()

    with listening(
        tab,
        pageerror=lambda error: went_wrong.append(str(error)),
        dialog=dismiss,
        request=lambda request: asked.append(request.url),
    ):
        yield tab
        assert not went_wrong
        assert tab.locator("[data-testid=stException]").count() == 0
        hosts = {urlsplit(one).netloc for one in asked if one.startswith(("http", "ws"))}
        assert hosts == {urlsplit(host).netloc}


def settled(page: Page) -> None:
    """Wait until the script has run to its end."""
    expect(page.locator("[data-testid=stApp]")).to_have_attribute(
        "data-test-script-state", "notRunning"
    )


def go(page: Page, url: str, path: str = "", title: str = "") -> None:
    """Load a page."""
    page.goto(f"{url}/{path}")
    titled(page, title)


def titled(page: Page, title: str) -> None:
    """Wait for the page of that heading."""
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)
    settled(page)


def table(page: Page, caption: str) -> Locator:
    """The table of that caption."""
    return page.get_by_role("table", name=caption, exact=True)


def names(page: Page, caption: str) -> list[str]:
    """The names of the rows of a table."""
    expect(table(page, caption)).to_be_visible()
    return table(page, caption).locator("tbody th > a:first-child").all_inner_texts()


def picked(page: Page, label: str, value: str) -> None:
    """Type a value into a field of several values, and take it; see `browser.choose`."""
    field = page.get_by_label(label, exact=True)
    option = page.get_by_role("option").filter(has_text=value).first
    for _ in range(PATIENCE // OPEN_FOR):
        field.fill("")
        field.fill(value)
        try:
            option.click(timeout=OPEN_FOR)
        except NotThere:
            continue
        # Nothing behind an open list can be reached.
        page.keyboard.press("Escape")
        return
    raise AssertionError(f"{value!r} is in no list of {label!r}")


def filled(page: Page, label: str, text: str) -> None:
    """Type into a field and confirm."""
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")


def dated(page: Page, label: str, day: str) -> None:
    """Type a day into a field of a date: it goes on to the next part, and opens a calendar."""
    page.get_by_role("spinbutton", name=f"year, {label}").click()
    page.keyboard.type(day.replace("-", ""))
    page.keyboard.press("Escape")
