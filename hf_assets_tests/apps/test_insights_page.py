"""The pages of the Hub's days as a person uses them, in headless Chromium."""

from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlsplit

import polars as pl
import pytest
from playwright.sync_api import Page, expect
from polars.testing import assert_frame_equal

from hf_assets.storage.lake import Lake
from hf_assets_tests.support.apps.hub_lake import (
    LAST,
    MARKUP,
    NAMES,
)
from hf_assets_tests.support.apps.visits import go, settled
from hf_assets_tests.support.browser import IN_CHROMIUM, choose

# All of them: what they share is started once.
pytestmark = [*IN_CHROMIUM, pytest.mark.heavy]


def test_the_overview_tells_the_day_and_what_rises(page: Page, hub_url: str) -> None:
    go(page, hub_url, title="The Hugging Face Hub")
    expect(page.get_by_text(f"As on {LAST}, captured from huggingface.co")).to_be_visible()
    expect(page.locator(".hf-figures").first).to_contain_text(str(len(NAMES)))
    expect(page.get_by_text("2 days are not trusted")).to_be_visible()
    expect(page.get_by_role("tab", name="Rising")).to_be_visible()
    expect(page.get_by_text("From models · 2026-11-21")).to_be_visible()
    # No button writes cells that a spreadsheet may run.
    page.get_by_test_id("stVegaLiteChart").first.hover()
    expect(page.get_by_role("button", name="Download as CSV")).to_have_count(0)


def test_a_name_with_markup_is_a_name(page: Page, hub_url: str) -> None:
    go(page, hub_url, f"model?id={quote(MARKUP, safe='')}")
    expect(page.get_by_role("heading", level=1)).to_have_text(MARKUP)
    assert page.locator("[data-testid=stMain] img").count() == 0
    assert page.title().startswith(MARKUP)


def downloaded(page: Page, name: str) -> Path:
    """The file behind that button; a click on a button that is being drawn again is lost."""
    button = page.get_by_role("button", name=name)
    expect(button).to_be_visible()
    settled(page)
    with page.expect_download() as download:
        button.click()
    return download.value.path()


def test_tables_are_downloaded_whole(page: Page, hub_url: str, hub_data: Path) -> None:
    go(page, hub_url, "data", "Data")
    choose(page, page.get_by_role("combobox", name="A table over all days"), "category_history")
    settled(page)
    # A series that is kept by month comes as one.
    series = Lake(hub_data).read("category_history", None)
    assert len(series.months) > 0
    path = downloaded(page, "Download category_history.parquet")
    assert_frame_equal(pl.read_parquet(path), series.frame.collect())
    stored = Lake(hub_data).read("models", LAST).frame.collect()
    path = downloaded(page, "Download models.parquet")
    assert_frame_equal(pl.read_parquet(path), stored)
    page.get_by_text("CSV", exact=True).click()
    path = downloaded(page, "Download models.csv")
    assert pl.read_csv(path.read_bytes())["downloads"].to_list() == stored["downloads"].to_list()


def test_a_selection_is_downloaded_whole(page: Page, hub_url: str, hub_data: Path) -> None:
    go(page, hub_url, "models?author=author1&likes=..95", "Models")
    wanted = (pl.col("author") == "author1") & (pl.col("likes") <= 95)
    stored = Lake(hub_data).read("models", LAST).frame.filter(wanted).collect()
    for kind, read in (("Parquet", pl.read_parquet), ("CSV", pl.read_csv)):
        with page.expect_download() as download:
            page.get_by_role("link", name=kind, exact=True).click()
        frame = read(download.value.path().read_bytes())
        assert frame["id"].to_list() == stored["id"].to_list()
        assert frame.columns == stored.columns
        assert download.value.suggested_filename == f"models-{LAST}.{kind.lower()}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 101),
        ({"Host": "localhost:1", "Origin": "http://localhost:1"}, 101),
        ({"Host": "evil.example"}, 403),
        ({"Host": "rebound.example", "Origin": "http://rebound.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_the_pages_are_for_their_own_host_and_origin(
    hub_url: str, headers: dict[str, str], status: int
) -> None:
    connection = HTTPConnection(urlsplit(hub_url).netloc, timeout=60)
    asked = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    connection.request("GET", "/_stcore/stream", headers=asked | headers)
    try:
        assert connection.getresponse().status == status
    finally:
        connection.close()
