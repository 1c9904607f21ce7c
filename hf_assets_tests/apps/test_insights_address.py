"""What the pages show is in their address: links, reload, Back; and what is unknown is said."""

import pytest
from playwright.sync_api import Page, expect

from hf_assets_tests.support.apps.hub_lake import LAST, NAMES, RARE, STALLED
from hf_assets_tests.support.apps.visits import (
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
    go(page, hub_url, "models?category=text-to-image&category=fill-mask&tag=x&created=..2024-01-01")
    expect(page.get_by_text("No model matches")).to_be_visible()
    page.get_by_role("link", name="Tag: x").click()
    expect(page.get_by_role("link", name="Tag: x")).to_have_count(0)
    settled(page)
    page.get_by_role("link", name="Created any to 2024-01-01").click()
    expect(page).to_have_url(f"{hub_url}/models?category=text-to-image&category=fill-mask")
    expect(page.get_by_text("14 models", exact=True)).to_be_visible()
    page.get_by_role("link", name="Remove all filters").click()
    expect(page.get_by_text(f"{len(NAMES)} models", exact=True)).to_be_visible()


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
    ],
)
@pytest.mark.release
def test_each_kind_of_filter_has_a_widget(
    page: Page, hub_url: str, label: str, typed: str, part: str, shown: int
) -> None:
    go(page, hub_url, "models", "Models")
    page.get_by_text("Filters", exact=True).click()
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


@pytest.mark.parametrize("day", ["2026-11-19", "tomorrow<b>"])
def test_a_day_that_is_not_stored_shows_no_other_day(page: Page, hub_url: str, day: str) -> None:
    go(page, hub_url, f"models?day={day}&search=model", "There is no day")
    expect(page.get_by_role("alert")).to_contain_text(f"no models of {day}")
    expect(page.get_by_role("table")).to_have_count(0)
    assert f"day={day}" in page.url.replace("%3C", "<").replace("%3E", ">")
    page.get_by_role("link", name="newest day").click()
    titled(page, "Models")
    expect(page).to_have_url(f"{hub_url}/models?search=model")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("model?id=no/one", f"There is no such model on {LAST}"),
        ("models?sort=[x](http://a.example)", "which is unknown here"),
        ("models?downloads=many", "write it as from..to"),
        (f"models?search={'a' * 201}", "the first 200 are used"),
        *(
            pytest.param(path, said, marks=pytest.mark.release)
            for path, said in [
                ("model", "The address names no model"),
                ("compare?" + "&".join(f"item=a/{n}" for n in range(6)), "the first 5 are used"),
                ("models?" + "&".join(f"tag={n}" for n in range(51)), "the first 50 are used"),
                ("author?id=nobody", f"There is no such author on {LAST}"),
                ("category", "The address names no category"),
                ("models?likes=1..99999999999999999999", "write it as from..to"),
                ("models?created=1066-10-14..", "write it as from..to"),
                ("compare?item=no/one", "There is no model no/one"),
            ]
        ),
    ],
)
def test_what_an_address_names_in_vain_is_said(
    page: Page, hub_url: str, path: str, said: str
) -> None:
    go(page, hub_url, path)
    expect(page.get_by_text(said)).to_be_visible()
    assert page.locator("[data-testid=stMain] a[href*='a.example']").count() == 0


def test_everything_of_the_hub_links_to_it(page: Page, hub_url: str) -> None:
    for path, caption, name, there in [
        ("models", "Models", NAMES[0], NAMES[0]),
        ("authors", "Authors", "author0", "author0"),
        ("spaces", "Spaces", "maker0/space-00", "spaces/maker0/space-00"),
        ("author?id=maker", "Datasets of maker", "maker/data-0", "datasets/maker/data-0"),
    ]:
        go(page, hub_url, path)
        link = table(page, caption).get_by_role("link", name=f"{name} on the Hub", exact=True)
        expect(link).to_have_attribute("href", f"https://huggingface.co/{there}")
        expect(link).to_have_attribute("rel", "noopener noreferrer")
    go(page, hub_url, "model?id=author0/model-00")
    expect(page.get_by_role("link", name="author0/model-00 on the Hub")).to_be_visible()
    expect(page.get_by_role("link", name="By author0")).to_be_visible()


def test_lists_are_ordered_by_their_headings_and_go_on(page: Page, hub_url: str) -> None:
    go(page, hub_url, "models?rows=5", "Models")
    assert len(names(page, "Models")) == 5
    table(page, "Models").get_by_role("link", name="Trending score").click()
    expect(page).to_have_url(f"{hub_url}/models?sort=trending_score")
    ordered = table(page, "Models").locator("[aria-sort=descending]")
    expect(ordered).to_contain_text("Trending score")
    assert names(page, "Models")[0] == RARE
