"""What the pages show is in their address: links, reload, Back; and what is unknown is said."""

from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from hf_assets.apps.explore.filters import LABELS
from hf_assets_tests.support.apps.hub_lake import NAMES, RARE, STALLED
from hf_assets_tests.support.apps.visits import (
    dated,
    filled,
    go,
    names,
    picked,
    settled,
    table,
    titled,
)
from hf_assets_tests.support.browser import IN_CHROMIUM, choose

pytestmark = [*IN_CHROMIUM, pytest.mark.heavy]
FILTERED = "models?category=text-generation&downloads=50000..500000&sort=likes"
# Two values of each filter, of which one model has one each.
SEVERAL = {
    "category": ("text-to-image", "fill-mask"),
    "library": ("transformers", "none given"),
    "license": ("mit", "apache-2.0"),
    "author": ("author1", "author0"),
    "size": ("under 1B", "1B to 10B"),
    "gated": ("false", "auto"),
    "tag": ("en", "gguf"),
    "language": ("en", "fr"),
    "base_model": (NAMES[0], NAMES[5]),
    "relation": ("finetune", "merge"),
}
SPANS = {"downloads": "1000..600000", "likes": "..99", "created": "2025-01-02..2025-01-02"}


def test_names_are_links_and_back_and_reload_keep_the_place(page: Page, hub_url: str) -> None:
    go(page, hub_url, FILTERED, "Models")
    before = names(page, "Models")
    assert before == ["author0/model-04", "author0/model-08", "author0/model-12",
                      "author0/model-16", "author0/model-20"]  # fmt: skip
    loaded = page.evaluate("window.stays = 1")
    table(page, "Models").get_by_role("link", name=before[1], exact=True).click()
    titled(page, before[1])
    assert page.url.endswith(f"/model?id={before[1]}")
    assert page.title() == f"{before[1]} · model · Hub insights"
    # Shown by the same page: nothing was loaded again; who listens hears the heading.
    assert page.evaluate("window.stays") == loaded
    expect(page.locator("h1")).to_be_focused()
    page.go_back()
    titled(page, "Models")
    assert page.url.endswith(FILTERED)
    assert names(page, "Models") == before
    page.reload()
    titled(page, "Models")
    assert names(page, "Models") == before
    page.go_forward()
    titled(page, before[1])


def test_widgets_write_the_address_and_back_undoes_them(page: Page, hub_url: str) -> None:
    go(page, hub_url, "models", "Models")
    expect(page.get_by_text(f"{len(NAMES)} models", exact=True)).to_be_visible()
    filled(page, "Search by name", "author1 model-0")
    expect(page.get_by_text("3 models", exact=True)).to_be_visible()
    settled(page)
    choose(page, page.get_by_role("combobox", name="Sort by"), "likes")
    expect(page).to_have_url(f"{hub_url}/models?search=author1+model-0&sort=likes")
    settled(page)
    page.go_back()
    expect(page).to_have_url(f"{hub_url}/models?search=author1+model-0")
    expect(page.get_by_text("3 models", exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_text(f"{len(NAMES)} models", exact=True)).to_be_visible()
    expect(page.get_by_label("Search by name")).to_have_value("")


def test_a_filter_takes_several_values_and_a_link_removes_one(page: Page, hub_url: str) -> None:
    go(page, hub_url, "models?category=text-to-image&category=fill-mask&tag=x")
    expect(page.get_by_text("No model matches")).to_be_visible()
    page.get_by_role("link", name="Tag: x").click()
    expect(page).to_have_url(f"{hub_url}/models?category=text-to-image&category=fill-mask")
    expect(page.get_by_text("14 models", exact=True)).to_be_visible()


def test_every_filter_takes_several_values_at_once(page: Page, hub_url: str) -> None:
    for order in (1, -1):  # neither the first alone counts, nor the last
        asked = {name: values[::order] for name, values in SEVERAL.items()}
        query = urlencode({**asked, **SPANS}, doseq=True)
        go(page, hub_url, f"models?{query}", "Models")
        assert names(page, "Models") == [NAMES[1]]
        assert set(SEVERAL) | set(SPANS) == set(LABELS)
        removals = page.locator(".hf-chips a").all_inner_texts()
        for name, values in SEVERAL.items():
            for value in values:
                assert f"{LABELS[name]}: {value} \u00d7" in removals
        assert len(removals) == 2 * len(SEVERAL) + len(SPANS) + 1  # all of them
    page.get_by_role("link", name="Tag: en").click()
    expect(page.get_by_text("No model matches")).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Tag: gguf").click()
    expect(page.get_by_text("1 model", exact=True)).to_be_visible()
    assert "tag=" not in page.url
    assert "language=fr&language=en" in page.url


@pytest.mark.parametrize(
    ("label", "typed", "part", "shown"),
    [
        ("Category", "text-generation", "category=text-generation", 7),
        ("Licence", "mit", "license=mit", 18),
        ("Size (parameters)", "under 1B", "size=under+1B", 23),
        ("Author", "author2", "author=author2", 6),
        ("Base model", NAMES[0], f"base_model={NAMES[0].replace('/', '%2F')}", 2),
        ("Relation to its base", "finetune", "relation=finetune", 2),
        ("Gated", "false", "gated=false", 27),
        ("Downloads from", "500000", "downloads=500000..", 2),
        ("Likes to", "75", "likes=..75", 2),
        ("Library", "transformers", "library=transformers", 13),
        ("Tag", "gguf", "tag=gguf", 3),
        ("Language", "fr", "language=fr", 3),
        ("Downloads to", "50000", "downloads=..50000", 6),
        ("Likes from", "99", "likes=99..", 2),
        ("Created from", "2026-11-15", "created=2026-11-15..", 2),
        ("Created to", "2025-01-02", "created=..2025-01-02", 2),
    ],
)
@pytest.mark.release
def test_each_kind_of_filter_has_a_widget(
    page: Page, hub_url: str, label: str, typed: str, part: str, shown: int
) -> None:
    go(page, hub_url, "models", "Models")
    page.get_by_text("Filters", exact=True).click()
    if label.startswith("Created"):
        dated(page, label, typed)
    else:
        (filled if typed.isdecimal() else picked)(page, label, typed)
    expect(page.get_by_text(f"{shown} models", exact=True)).to_be_visible()
    expect(page).to_have_url(f"{hub_url}/models?{part}")


def test_the_day_goes_with_every_link(page: Page, hub_url: str) -> None:
    go(page, hub_url)
    choose(page, page.get_by_role("combobox", name="Day"), f"{STALLED} (stalled)")
    expect(page.get_by_text("This day is not trusted: stalled")).to_be_visible()
    expect(page).to_have_url(f"{hub_url}/?day={STALLED}")
    settled(page)
    page.get_by_role("navigation").get_by_role("link", name="Models", exact=True).click()
    expect(page.get_by_text(f"As listed on {STALLED}")).to_be_visible()
    assert f"day={STALLED}" in page.url
    settled(page)
    table(page, "Models").get_by_role("link", name=RARE, exact=True).click()
    titled(page, RARE)
    assert f"day={STALLED}" in page.url


def test_a_day_that_is_not_stored_shows_no_other_day(page: Page, hub_url: str) -> None:
    day = "tomorrow<b>"
    go(page, hub_url, f"models?day={day}&search=model", "There is no day")
    expect(page.get_by_role("alert")).to_contain_text(f"no models of {day}")
    expect(page.get_by_role("table")).to_have_count(0)
    assert f"day={day}" in page.url.replace("%3C", "<").replace("%3E", ">")
    page.get_by_role("link", name="newest day").click()
    titled(page, "Models")
    expect(page).to_have_url(f"{hub_url}/models?search=model")


def test_what_cannot_be_read_in_an_address_is_said_as_text(page: Page, hub_url: str) -> None:
    go(page, hub_url, "models?sort=[x](http://a.example)&downloads=many", "Models")
    expect(page.get_by_role("alert")).to_have_count(2)
    expect(page.get_by_text("which is unknown here")).to_be_visible()
    assert page.locator("[data-testid=stMain] a[href*='a.example']").count() == 0


def test_an_address_of_no_page_leads_to_those_that_are(page: Page, hub_url: str) -> None:
    answer = page.goto(f"{hub_url}/modles")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no page modles")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Models").click()
    titled(page, "Models")
