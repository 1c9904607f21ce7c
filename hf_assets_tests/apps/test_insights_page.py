"""The pages of the Hub's days as a person uses them, in headless Chromium."""

from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlsplit

import polars as pl
import pytest
from playwright.sync_api import Dialog, Page, expect
from polars.testing import assert_frame_equal

from hf_assets.storage.lake import Lake
from hf_assets_tests.support.apps.hub_lake import (
    DAYS,
    LAST,
    MARKUP,
    NAMES,
    RARE,
    STALLED,
    write_hub_lake,
)
from hf_assets_tests.support.browser import IN_CHROMIUM, choose, listening
from hf_assets_tests.support.servers import insights

# All of them: what they share is started once.
pytestmark = [*IN_CHROMIUM, pytest.mark.heavy]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("insights") / "data"
    write_hub_lake(root)
    return root


@pytest.fixture(scope="module")
def url(data: Path) -> Generator[str]:
    with insights(data, data.parent / "log") as (url, _):
        yield url


@contextmanager
def visiting(tab: Page, host: str, width: int = 1280) -> Generator[Page]:
    """A page on which nothing runs that a name brings, and that asks one machine only."""
    tab.set_viewport_size({"width": width, "height": 900})
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


@pytest.fixture
def page(url: str, tab: Page) -> Generator[Page]:
    with visiting(tab, url) as page:
        yield page


def settled(page: Page) -> None:
    """Wait until the script has run to its end."""
    expect(page.locator("[data-testid=stApp]")).to_have_attribute(
        "data-test-script-state", "notRunning"
    )


def go(page: Page, url: str, path: str = "", title: str = "") -> None:
    page.goto(f"{url}/{path}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)
    settled(page)


def rows(page: Page, name: str) -> None:
    """Names stand in the accessible half of a table's canvas."""
    expect(page.locator("[data-testid=stDataFrame] canvas").first).to_be_visible()
    expect(page.locator(f"[data-testid=stDataFrame] >> text={name}").first).to_be_attached()


def test_the_overview_tells_the_day_and_what_rises(page: Page, url: str) -> None:
    go(page, url, title="The Hugging Face Hub")
    expect(page.get_by_text(f"As on {LAST}, captured from huggingface.co")).to_be_visible()
    expect(page.get_by_test_id("stMetric").first).to_contain_text(str(len(NAMES)))
    expect(page.get_by_text("2 days are not trusted")).to_be_visible()
    expect(page.get_by_role("tab", name="Rising")).to_be_visible()
    expect(page.get_by_text("From models · 2026-11-21")).to_be_visible()


def test_another_day_is_chosen_once_for_all_pages(page: Page, url: str) -> None:
    go(page, url)
    choose(page, page.get_by_role("combobox", name="Day"), f"{STALLED} (stalled)")
    expect(page.get_by_text("This day is not trusted: stalled")).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page.get_by_text(f"As listed on {STALLED}")).to_be_visible()


def test_models_are_searched_and_filtered(page: Page, url: str) -> None:
    go(page, url, "models", "Models")
    expect(page.get_by_text(f"{len(NAMES)} models", exact=True)).to_be_visible()
    page.get_by_label("Search by name").fill("author1 model-0")
    page.get_by_label("Search by name").press("Enter")
    expect(page.get_by_text("3 models", exact=True)).to_be_visible()
    choose(page, page.get_by_role("combobox", name="Category"), "fill-mask")
    expect(page.get_by_text("No model matches")).to_be_visible()


def test_choosing_a_row_opens_the_model(page: Page, url: str) -> None:
    go(page, url, "models", "Models")
    rows(page, NAMES[0])
    pick(page, 0)
    expect(page.get_by_role("heading", level=1)).to_have_text(NAMES[0])
    assert "id=author0" in page.url
    for part in ("Over time", "Made from it", "Spaces that use it"):
        expect(page.get_by_role("heading", name=part, exact=True)).to_be_visible()
    expect(page.get_by_text("From model_history · all days")).to_be_visible()


def pick(page: Page, nth: int) -> None:
    """Choose the first row of that table; the canvas lies below the layer that scrolls it."""
    table = page.get_by_test_id("stDataFrame").nth(nth)
    table.locator("canvas").first.click(position={"x": 20, "y": 55}, force=True)


def test_a_row_is_chosen_once(page: Page, url: str) -> None:
    go(page, url, f"model?id={quote(NAMES[0], safe='')}", NAMES[0])
    rows(page, NAMES[1])
    pick(page, 0)
    expect(page.get_by_role("heading", level=1)).to_have_text(NAMES[1])
    expect(page.get_by_role("heading", name="Made from", exact=True)).to_be_visible()
    # A click on a table that is still being drawn is lost.
    settled(page)
    rows(page, NAMES[0])
    pick(page, 0)
    expect(page.get_by_role("heading", level=1)).to_have_text(NAMES[0])
    settled(page)
    page.get_by_role("button", name="All models").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Models")
    settled(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Models")


def test_a_name_with_markup_is_a_name(page: Page, url: str) -> None:
    go(page, url, f"model?id={quote(MARKUP, safe='')}")
    expect(page.get_by_role("heading", level=1)).to_have_text(MARKUP)
    assert page.locator("[data-testid=stMain] img").count() == 0


def test_a_model_that_was_never_on_top_is_looked_up_on_every_day(page: Page, url: str) -> None:
    go(page, url, f"model?id={quote(RARE, safe='')}", RARE)
    expect(page.get_by_text("Created on an unknown day")).to_be_visible()
    expect(page.get_by_text("From models · all days")).to_be_visible()


def test_a_model_that_is_not_there_is_said_so(page: Page, url: str) -> None:
    go(page, url, "model?id=no%2Fone", "no/one")
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
    page: Page, url: str, path: str, title: str
) -> None:
    go(page, url, path, title)
    captions = page.get_by_test_id("stCaptionContainer")
    expect(captions.filter(has_text="From ").first).to_be_visible()


def test_a_phone_needs_no_scrolling_sideways(url: str, tab: Page) -> None:
    with visiting(tab, url, width=360) as page:
        for path in ("", "models", "trends", "data"):
            go(page, url, path)
            main = page.get_by_test_id("stMain")
            assert main.evaluate("it => it.scrollWidth <= it.clientWidth + 1"), path


def downloaded(page: Page, name: str) -> Path:
    """The file behind that button; a click on a button that is being drawn again is lost."""
    button = page.get_by_role("button", name=name)
    expect(button).to_be_visible()
    settled(page)
    with page.expect_download() as download:
        button.click()
    return download.value.path()


@pytest.mark.parametrize("kind", ["Parquet", "CSV"])
def test_a_table_is_downloaded_whole(page: Page, url: str, data: Path, kind: str) -> None:
    go(page, url, "data", "Data")
    page.get_by_text(kind, exact=True).click()
    name = f"Download models.{kind.lower()}"
    path = downloaded(page, name)
    read = pl.read_parquet if kind == "Parquet" else pl.read_csv
    frame = read(path.read_bytes())
    stored = Lake(data).read("models", LAST).frame.collect()
    assert frame["downloads"].to_list() == stored["downloads"].to_list()


def test_a_series_that_is_kept_by_month_is_downloaded_as_one(
    page: Page, url: str, data: Path
) -> None:
    go(page, url, "data", "Data")
    choose(page, page.get_by_role("combobox", name="A table over all days"), "category_history")
    settled(page)
    path = downloaded(page, "Download category_history.parquet")
    stored = Lake(data).read("category_history", None)
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
    url: str, headers: dict[str, str], status: int
) -> None:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
    asked = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    connection.request("GET", "/_stcore/stream", headers=asked | headers)
    try:
        assert connection.getresponse().status == status
    finally:
        connection.close()


def test_the_browsers_own_way_to_csv_is_closed(page: Page, url: str) -> None:
    """Streamlit's button writes cells as they are; the page's own makes them inert."""
    go(page, url, "models", "Models")
    rows(page, NAMES[0])
    page.get_by_test_id("stDataFrame").hover()
    expect(page.get_by_role("button", name="Search").first).to_be_visible()
    expect(page.get_by_role("button", name="Download as CSV")).to_have_count(0)


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
        for path in ("", "models", "categories", "authors", "spaces", "trends", "data"):
            go(page, url, path)
            expect(page.get_by_text("1 day stored")).to_be_visible()
