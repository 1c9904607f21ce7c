"""Comparisons, trends, authors, what is new; in the dark, on a phone, by keyboard, in words."""

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from hf_assets.apps.explore.filters import LABELS, SPANS
from hf_assets_tests.support.apps.hub_lake import LAST, NAMES, NEW, RARE
from hf_assets_tests.support.apps.visits import (
    PHONE,
    go,
    names,
    picked,
    settled,
    table,
    titled,
    visiting,
)
from hf_assets_tests.support.browser import IN_CHROMIUM, choose

pytestmark = [*IN_CHROMIUM, pytest.mark.heavy]
COMPARED = f"compare?item={NAMES[0]}&item={NAMES[1]}"
FIVE = "compare?" + urlencode({"item": NAMES[:5]}, doseq=True)


def key(page: Page) -> list[str]:
    """The names that a chart has colours for."""
    return page.get_by_role("list", name="Key").first.get_by_role("listitem").all_inner_texts()


def chart(page: Page, words: str) -> None:
    """A chart that is described by these words."""
    expect(page.locator(f'[aria-label*="{words}"]').first).to_be_visible()


def test_models_are_compared_by_metric_and_way(page: Page, hub_url: str) -> None:
    go(page, hub_url, COMPARED, "compared")
    assert key(page) == [NAMES[0], NAMES[1]]
    chart(page, f"{NAMES[0]} from 1M to 1M; {NAMES[1]} from 500k to 504k")
    choose(page, page.get_by_role("combobox", name="Drawn"), "indexed: 100 on the first day")
    chart(page, "first day = 100")
    assert page.url.endswith("&as=indexed")
    settled(page)
    choose(page, page.get_by_role("combobox", name="Drawn"), "aligned at release")
    chart(page, "by days since release, 683 to 689")
    settled(page)
    choose(page, page.get_by_role("combobox", name="Metric"), "likes")
    chart(page, "Lines: likes")
    settled(page)
    page.get_by_role("list", name="Key").get_by_role("link", name=NAMES[1]).click()
    titled(page, NAMES[1])


@pytest.mark.release
def test_what_has_no_release_or_history_is_left_out_in_words(page: Page, hub_url: str) -> None:
    go(page, hub_url, f"{COMPARED}&item={RARE}&as=release&range=30")
    expect(page.get_by_text(f"The day of release of {RARE} is unknown")).to_be_visible()
    # Both are older than 30 days: nothing of them is within the range.
    go(page, hub_url, f"{COMPARED}&item={RARE}&range=30")
    assert key(page) == [NAMES[0], NAMES[1], RARE]


@pytest.mark.release
def test_authors_and_categories_are_compared_too(page: Page, hub_url: str) -> None:
    go(page, hub_url, "compare?of=author&item=author0&item=author1&metric=share_downloads")
    assert key(page) == ["author0", "author1"]
    choose(page, page.get_by_role("combobox", name="Compare"), "categories")
    # Of another kind: the authors are gone, and the metric stays.
    expect(page).to_have_url(f"{hub_url}/compare?of=category&metric=share_downloads")
    settled(page)
    picked(page, "Up to five categories", "fill-mask")
    expect(page.get_by_role("list", name="Key")).to_have_text("fill-mask")
    go(page, hub_url, "compare?" + "&".join(f"item=author{n % 4}/model-{n:02d}" for n in range(7)))
    assert len(key(page)) == 5


def test_every_kind_is_compared_over_a_range_and_a_reload_keeps_it(
    page: Page, hub_url: str
) -> None:
    for kind, items, way, words, leads in (
        ("license", ["mit", "none given"], "indexed", "first day = 100", "models?license=mit"),
        ("family", [NAMES[0]], "release", "by days since release", f"model?id={NAMES[0]}"),
        ("category", ["fill-mask"], "absolute", "2026-11-16 to", "category?id=fill-mask"),
        ("author", ["author1", "author0"], "indexed", "first day = 100", "author?id=author1"),
    ):
        asked = {"of": kind, "item": items, "metric": "rows", "as": way}
        asked |= {"range": "all" if way == "release" else "90"}
        path = f"compare?{urlencode(asked, doseq=True)}"
        go(page, hub_url, path, "compared")
        page.reload()
        titled(page, "compared")
        assert page.url == f"{hub_url}/{path}"
        assert key(page) == items
        chart(page, "Lines: models")
        chart(page, words)
        expect(page.get_by_role("combobox", name="Range")).to_have_value(
            "all days" if way == "release" else "90 days"
        )
        led = page.get_by_role("list", name="Key").get_by_role("link").first
        expect(led).to_have_attribute("href", leads)


def test_an_author_has_a_page(page: Page, hub_url: str) -> None:
    go(page, hub_url, "authors", "Authors")
    table(page, "Authors").get_by_role("link", name="author0", exact=True).click()
    titled(page, "author0")
    assert len(names(page, "Models of author0")) == 6
    expect(page.get_by_role("link", name="author0 on the Hub", exact=True)).to_be_visible()
    chart(page, "Lines: downloads in 30 days")
    go(page, hub_url, "author?id=maker0", "maker0")
    assert names(page, "Spaces of maker0") == [f"maker0/space-{n:02d}" for n in (0, 3, 6, 9)]
    expect(page.get_by_text("after 3")).to_be_visible()


def test_new_models_of_the_week_are_listed(page: Page, hub_url: str) -> None:
    go(page, hub_url, "new", "New and trending")
    expect(page.get_by_text("2 new models", exact=True)).to_be_visible()
    assert names(page, "New models of the week") == [NAMES[at] for at in NEW]
    page.get_by_text("trending score", exact=True).first.click()
    expect(page).to_have_url(f"{hub_url}/new?sort=trending_score")
    expect(table(page, "New models of the week").locator("tbody th").first).to_contain_text(
        NAMES[NEW[-1]]
    )
    settled(page)
    page.get_by_role("link", name="All of them").first.click()
    titled(page, "Models")
    assert page.url.endswith("/models?created=2026-11-15..2026-11-21&sort=trending_score")
    assert names(page, "Models") == [NAMES[at] for at in reversed(NEW)]


@pytest.mark.release
def test_trending_models_are_listed_and_compared(page: Page, hub_url: str) -> None:
    go(page, hub_url, "new", "New and trending")
    assert names(page, "Models by trending score")[0] == RARE
    page.get_by_role("link", name="Compare the first five").click()
    titled(page, "compared")


def test_trends_have_a_series_a_metric_and_a_range(page: Page, hub_url: str) -> None:
    go(page, hub_url, "trends", "Trends")
    page.get_by_role("link", name="Authors: metrics").click()
    titled(page, "Authors")
    assert page.title() == "Authors · Trends · Hub insights"
    choose(page, page.get_by_role("combobox", name="Metric"), "growth in 7 days")
    chart(page, "Lines: growth in 7 days")
    settled(page)
    choose(page, page.get_by_role("combobox", name="Range"), "30 days")
    expect(page).to_have_url(f"{hub_url}/trends?series=author&metric=growth_7&range=30")
    settled(page)
    choose(page, page.get_by_role("combobox", name="Series"), "Categories")
    expect(page).to_have_url(f"{hub_url}/trends?series=category&range=30")
    titled(page, "Categories")
    assert key(page) == ["fill-mask", "none given", "text-generation", "text-to-image"]
    page.go_back()
    expect(page).to_have_url(f"{hub_url}/trends?series=author&metric=growth_7&range=30")
    titled(page, "Authors")
    chart(page, "Lines: growth in 7 days")
    page.reload()
    titled(page, "Authors")
    chart(page, "Lines: growth in 7 days")


# What a text's colour stands out by from what is behind it: 4.5 is what WCAG asks of small text.
CONTRAST = """element => {
  const parts = colour => {
    const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number)
    return {rgb: [r, g, b], a}
  }
  const over = (front, a, back) => front.map((one, at) => one * a + back[at] * (1 - a))
  const light = rgb => rgb.map(one => one / 255).map(one =>
    one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4)
    .reduce((sum, one, at) => sum + one * [.2126, .7152, .0722][at], 0)
  const lineage = []
  for (let one = element; one; one = one.parentElement) lineage.unshift(one)
  let back = [255, 255, 255], opacity = 1
  for (const one of lineage) {
    const style = getComputedStyle(one), {rgb, a} = parts(style.backgroundColor)
    back = over(rgb, a, back)
    opacity *= Number(style.opacity)
  }
  const {rgb, a} = parts(getComputedStyle(element).color)
  const [high, low] = [light(over(rgb, a * opacity, back)), light(back)].sort((x, y) => y - x)
  return (high + .05) / (low + .05)
}"""


def test_texts_are_legible_in_both_themes(hub_url: str, tab: Page) -> None:
    parts = (
        *(".hf-menu a", ".hf-menu a[aria-current]", "h1", ".hf-about", ".hf-figures dt"),
        *(".hf-figures dd", ".hf-table thead th", ".hf-table td", ".hf-name", ".hf-hub"),
        *(".hf-chips a", "[data-testid=stCaptionContainer] p", "[data-testid=stMain] label p"),
    )
    grounds = []
    for scheme in ("light", "dark"):
        with visiting(tab, hub_url, scheme=scheme) as page:
            go(page, hub_url)
            contrast = {part: page.locator(part).first.evaluate(CONTRAST) for part in parts}
            grounds.append(
                page.locator("[data-testid=stApp]").evaluate(
                    "it => Number(getComputedStyle(it).backgroundColor.match(/\\d+/)[0])"
                )
            )
        assert {part: round(by, 1) for part, by in contrast.items() if by < 4.5} == {}, scheme
    assert grounds[0] > 200 > 100 > grounds[1]


@pytest.mark.parametrize(
    "paths",
    [
        ("", "data", FIVE, "models?sort=trending_score"),
        pytest.param(
            ("spaces", "trends", f"model?id={NAMES[0]}", "models?sort=trending_score"),
            marks=pytest.mark.release,
        ),
    ],
)
def test_a_phone_needs_no_scrolling_sideways(
    hub_url: str, tab: Page, paths: tuple[str, ...]
) -> None:
    with visiting(tab, hub_url, width=PHONE) as page:
        for path in paths:
            go(page, hub_url, path)
            wide = page.evaluate(
                "() => [...document.querySelectorAll('[data-testid=stMain], .hf-table')]"
                ".filter(it => it.scrollWidth > it.clientWidth + 1).map(it => it.outerHTML)"
            )
            assert not wide, path
            cut = page.locator(".hf-key li").evaluate_all(
                "them => them.filter(it => it.getBoundingClientRect().right > innerWidth"
                " || it.scrollWidth > it.clientWidth + 1).map(it => it.innerText)"
            )
            assert not cut, "a legend is shown whole"
            expect(page.get_by_role("combobox", name="Day", exact=True)).to_be_in_viewport()
            expect(
                page.get_by_role("navigation").get_by_role("link", name="Data")
            ).to_be_in_viewport()
        # Columns that matter: the name, and what orders the rows.
        heads = table(page, "Models").get_by_role("columnheader")
        assert [head.split("\n")[0].split(" ▾")[0] for head in heads.all_inner_texts() if head] == [
            "Name", "Downloads, 30 days", "Trending score"
        ]  # fmt: skip


def test_a_keyboard_reaches_menu_day_and_names(page: Page, hub_url: str) -> None:
    go(page, hub_url, "categories", "Categories")
    page.evaluate("document.querySelector('.hf-menu').parentElement.tabIndex = -1")
    page.get_by_role("navigation").focus()
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = "(it => it.getAttribute('aria-label') || it.innerText)(document.activeElement)"
        reached.append(page.evaluate(focused))
        if reached[-1] == "text-generation":
            break
    assert reached[:3] == ["Overview", "Models", "New and trending"]
    assert any("Day" in (name or "") for name in reached)
    page.keyboard.press("Enter")
    titled(page, "text-generation")


def drawn(page: Page, *labels: str) -> None:
    """Wait for these fields: the code of each kind is loaded by itself, after the page."""
    for label in labels:
        expect(page.get_by_label(label, exact=True).first).to_be_visible()
    expect(page.locator("[data-testid=stSkeleton]")).to_have_count(0)


def test_a_keyboard_reaches_every_filter_the_table_and_the_files(page: Page, hub_url: str) -> None:
    """By Tab and Enter alone, on the page with the most of them."""
    go(page, hub_url, "models", "Models")
    wanted = page.locator("[data-testid=stMain]").locator(
        "input:visible:not([tabindex='-1']), [role=spinbutton]:visible, "
        "th a[href]:visible, a[download]:visible"
    )
    drawn(page, "Search by name", "Sort by")
    expect(page.locator("a[download]")).to_have_count(2)
    page.get_by_role("navigation").focus()
    opened, reached, more = 0, set[int](), True
    mark = "it => { it.dataset.reached = ''; return it.tagName + it.innerText; }"
    while more and len(reached) < 400:
        page.keyboard.press("Tab")
        reached.add(len(reached))
        said = page.evaluate(f"({mark})(document.activeElement)")
        if said.startswith("SUMMARY") and said.endswith("Filters"):
            page.keyboard.press("Enter")
            drawn(page, *(label for name, label in LABELS.items() if name not in SPANS))
            drawn(page, *(f"{LABELS[name]} {end}" for name in SPANS for end in ("from", "to")))
            opened = wanted.count()
        more = said != "AParquet"
    missed = wanted.evaluate_all(
        "them => them.filter(it => !('reached' in it.dataset)).map(it => it.outerHTML)"
    )
    assert missed == []
    # Search, order, nine filters or more and what they span, rows, both files.
    assert opened > 20
    assert not more


def test_a_page_reads_well_without_eyes(page: Page, hub_url: str) -> None:
    go(page, hub_url, f"model?id={NAMES[0]}", NAMES[0])
    levels = page.locator("[data-testid=stMain] :is(h1, h2, h3, h4)").evaluate_all(
        "them => them.map(it => it.tagName)"
    )
    assert levels[0] == "H1"
    assert levels.count("H1") == 1
    assert set(levels[1:]) == {"H2"}
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    current = page.get_by_role("navigation").locator("[aria-current=page]")
    expect(current).to_have_text("Models")
    chart(page, f"Lines: downloads in 30 days, by day, 2026-11-16 to {LAST}. from 1M to 1M")
    expect(table(page, "Derivatives").get_by_role("rowheader").first).to_contain_text(NAMES[1])
    go(page, hub_url)
    spark = table(page, "Rising").get_by_role("img").first
    expect(spark).to_have_attribute("alt", re.compile("from 1M to 1M"))
