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
    DAYS,
    LAST,
    MARKUP,
    NAMES,
    RARE,
    write_hub_lake,
)
from hf_assets_tests.support.apps.visits import go, settled, visiting
from hf_assets_tests.support.browser import IN_CHROMIUM, choose
from hf_assets_tests.support.servers import insights

PATHS = ("", "models", "new", "categories", "authors", "spaces", "compare", "trends", "data")
# All of them: what they share is started once.
pytestmark = [*IN_CHROMIUM, pytest.mark.heavy]


def test_the_overview_tells_the_day_and_what_rises(page: Page, hub_url: str) -> None:
    go(page, hub_url, title="The Hugging Face Hub")
    expect(page.get_by_text(f"As on {LAST}, captured from huggingface.co")).to_be_visible()
    expect(page.locator(".hf-figures").first).to_contain_text(str(len(NAMES)))
    expect(page.get_by_text("2 days are not trusted")).to_be_visible()
    expect(page.get_by_role("tab", name="Rising")).to_be_visible()
    expect(page.get_by_text("From models · 2026-11-21")).to_be_visible()


def test_a_name_with_markup_is_a_name(page: Page, hub_url: str) -> None:
    go(page, hub_url, f"model?id={quote(MARKUP, safe='')}")
    expect(page.get_by_role("heading", level=1)).to_have_text(MARKUP)
    assert page.locator("[data-testid=stMain] img").count() == 0
    assert page.title().startswith(MARKUP)


def test_a_model_that_was_never_on_top_is_looked_up_on_every_day(page: Page, hub_url: str) -> None:
    go(page, hub_url, f"model?id={quote(RARE, safe='')}", RARE)
    expect(page.get_by_text("Created on an unknown day")).to_be_visible()
    expect(page.get_by_text("From models · all days")).to_be_visible()


def test_a_model_that_is_not_there_is_said_so(page: Page, hub_url: str) -> None:
    go(page, hub_url, "model?id=no%2Fone", "no/one")
    expect(page.get_by_text(f"There is no such model on {LAST}")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("categories", "Categories"),
        ("authors", "Authors"),
        ("spaces", "Spaces"),
        ("trends", "Trends"),
        ("data", "Data"),
    ],
)
def test_every_page_opens_and_says_where_its_numbers_are_from(
    page: Page, hub_url: str, path: str, title: str
) -> None:
    go(page, hub_url, path, title)
    captions = page.get_by_test_id("stCaptionContainer")
    expect(captions.filter(has_text="From ").first).to_be_visible()


def downloaded(page: Page, name: str) -> Path:
    """The file behind that button; a click on a button that is being drawn again is lost."""
    button = page.get_by_role("button", name=name)
    expect(button).to_be_visible()
    settled(page)
    with page.expect_download() as download:
        button.click()
    return download.value.path()


@pytest.mark.parametrize("kind", ["Parquet", "CSV"])
def test_a_table_is_downloaded_whole(page: Page, hub_url: str, hub_data: Path, kind: str) -> None:
    go(page, hub_url, "data", "Data")
    page.get_by_text(kind, exact=True).click()
    name = f"Download models.{kind.lower()}"
    path = downloaded(page, name)
    read = pl.read_parquet if kind == "Parquet" else pl.read_csv
    frame = read(path.read_bytes())
    stored = Lake(hub_data).read("models", LAST).frame.collect()
    assert frame["downloads"].to_list() == stored["downloads"].to_list()


@pytest.mark.parametrize("kind", ["Parquet", "CSV"])
def test_a_selection_is_downloaded_whole(
    page: Page, hub_url: str, hub_data: Path, kind: str
) -> None:
    go(page, hub_url, "models?author=author1&likes=..95", "Models")
    with page.expect_download() as download:
        page.get_by_role("link", name=kind, exact=True).click()
    read = pl.read_parquet if kind == "Parquet" else pl.read_csv
    frame = read(download.value.path().read_bytes())
    wanted = (pl.col("author") == "author1") & (pl.col("likes") <= 95)
    stored = Lake(hub_data).read("models", LAST).frame.filter(wanted).collect()
    assert frame["id"].to_list() == stored["id"].to_list()
    assert frame.columns == stored.columns
    assert download.value.suggested_filename == f"models-{LAST}.{kind.lower()}"


def test_a_series_that_is_kept_by_month_is_downloaded_as_one(
    page: Page, hub_url: str, hub_data: Path
) -> None:
    go(page, hub_url, "data", "Data")
    choose(page, page.get_by_role("combobox", name="A table over all days"), "category_history")
    settled(page)
    path = downloaded(page, "Download category_history.parquet")
    stored = Lake(hub_data).read("category_history", None)
    assert len(stored.months) > 0
    assert_frame_equal(pl.read_parquet(path), stored.frame.collect())


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


def test_an_empty_lake_says_how_to_fill_it(tmp_path: Path, tab: Page) -> None:
    with insights(tmp_path, tmp_path / "log") as (url, _), visiting(tab, url) as page:
        page.goto(url)
        expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is stored yet")
        expect(page.get_by_text("hf-assets demo")).to_be_visible()


def test_one_day_without_a_history_is_enough(tmp_path: Path, tab: Page) -> None:
    write_hub_lake(tmp_path / "data", DAYS[:1], history=False)
    with (
        insights(tmp_path / "data", tmp_path / "log") as (url, _),
        visiting(tab, url) as page,
    ):
        for path in PATHS:
            go(page, url, path)
            expect(page.get_by_text("1 day stored")).to_be_visible()
