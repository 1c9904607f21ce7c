"""The tagger page as a person uses it, in headless Chromium."""

import pytest
from playwright.sync_api import Page, Route, expect

from hf_assets_tests.apps.conftest import TITLE, TORN, choose
from hf_assets_tests.support.apps.models import IMAGE, WORDS
from hf_assets_tests.support.browser import IN_CHROMIUM

LABELS = list(WORDS.values())

pytestmark = [*IN_CHROMIUM, pytest.mark.heavy]


def ask(page: Page, title: str, text: str) -> None:
    page.get_by_label("Title").fill(title)
    page.get_by_label("Text", exact=True).fill(text)
    page.locator("#submit").click()


def labels(page: Page, kind: str = "fits") -> list[str]:
    return page.locator(f"#result ol.{kind} .label").all_inner_texts()


def test_labels_are_read_where_a_text_was_submitted(page: Page) -> None:
    expect(page.locator("#result")).to_contain_text("There is nothing to read yet")
    assert page.locator("#head").evaluate("one => one.clientWidth") > 1000
    ask(page, "How deep should a forest be?", "I have no prior.")
    expect(page.locator("#result h2")).to_have_text("2 labels fit")
    assert labels(page) == ["random-forest", "bayesian"]
    assert page.locator("#result .fits .score").all_inner_texts() == ["0.953", "0.953"]
    assert labels(page, "below") == LABELS[2:]
    expect(page.locator("#result")).to_contain_text("A label fits from 0.273 on")
    bar = page.locator("#result .fits .bar").first
    track, filled, line = (
        box["width"] if i < 2 else box["x"]
        for i, one in enumerate((bar, bar.locator("i"), bar.locator("b")))
        if (box := one.bounding_box())
    )
    box = bar.bounding_box()
    assert box is not None
    assert filled / track == pytest.approx(0.9526, abs=0.01)
    assert (line + 1 - box["x"]) / track == pytest.approx(0.2731, abs=0.01)


def test_no_label_fits_and_the_nearest_are_shown(page: Page) -> None:
    ask(page, "", "maybe")
    expect(page.locator("#result h2")).to_have_text("No label fits")
    assert labels(page) == []
    assert labels(page, "below")[0] == "random-forest"
    assert page.locator("#result .below .score").all_inner_texts() == ["0.182", "0.002", "0.002"]


def test_the_threshold_can_be_moved(page: Page) -> None:
    ask(page, "", "maybe")
    expect(page.locator("#result h2")).to_have_text("No label fits")
    number = page.locator("#threshold input[type=number]")
    expect(number).to_have_value("0.273")
    number.fill("0.1")
    number.blur()
    expect(page.locator("#result h2")).to_have_text("One label fits")
    expect(page.locator("#result")).to_contain_text("the model's own threshold is 0.273")


def test_without_a_text_one_is_asked_for(page: Page) -> None:
    ask(page, "forest", "")
    expect(page.locator("#result h2")).to_have_text("One label fits")
    ask(page, "", "  \n ")
    expect(page.locator("#result")).to_contain_text("write a title or a text")
    assert page.locator("#result li").count() == 0


def test_a_text_of_100_kb_is_answered(page: Page) -> None:
    ask(page, "", "A forest, " + "and so on " * 10_000)
    expect(page.locator("#result h2")).to_have_text("One label fits")


def test_markup_in_texts_and_labels_is_text(page: Page) -> None:
    text = "<script>alert(1)</script> {{title}} ${alert(2)} image template long"
    ask(page, "<img src=x onerror=alert(3)>", text)
    expect(page.locator("#result h2")).to_have_text("3 labels fit")
    assert labels(page) == LABELS[2:]


def test_the_card_is_a_click_away_and_only_text(page: Page) -> None:
    heading = page.get_by_role("heading", name="A tagger of questions")
    expect(heading).to_be_hidden()
    page.get_by_text("The model's card").click()
    expect(heading).to_be_visible()
    expect(page.locator("#card")).to_contain_text("It costs $5 or $6.")
    assert "license:" not in page.locator("#card").inner_text()
    page.wait_for_load_state("networkidle")


def test_the_page_tells_what_the_model_is_worth(page: Page) -> None:
    told = page.locator("#about").inner_text()
    for part in ("some-encoder", "Micro-F1 on test\n0.610", "Floor, constant labels\n0.118"):
        assert part.replace("\n", " ") in " ".join(told.split())


def test_an_example_is_filled_in_answered_and_credited(page: Page) -> None:
    page.locator("#examples").get_by_text(TITLE).click()
    expect(page.get_by_label("Title")).to_have_value(TITLE)
    expect(page.locator("#result h2")).to_have_text("2 labels fit")
    assert labels(page) == ["random-forest", "bayesian"]
    expect(page.locator("#credit")).to_contain_text("Author 0 <b> (CC BY-SA 4.0), Author 3 <b>")
    links = page.locator("#credit a").evaluate_all("all => all.map(one => one.href)")
    assert links == ["https://a.example/1"]


def test_another_corpus_brings_its_own_model(page: Page) -> None:
    ask(page, "forest", "")
    expect(page.locator("#result .fits .label")).to_have_text(["random-forest"])
    choose(page, "datasets")
    expect(page.locator("#about")).not_to_contain_text("generated texts")
    expect(page.locator("#examples")).to_be_hidden()
    expect(page.locator("#result .fits .label")).to_have_text(["land-use"])


def test_what_is_chosen_while_the_page_is_being_filled_wins(page: Page) -> None:
    held: list[Route] = []
    page.route(
        "**/queue/join*",
        lambda route: route.continue_() if held else held.append(route),
    )
    with page.expect_request("**/queue/join*"):
        page.reload()
    choose(page, "questions")
    expect(page.get_by_label("Corpus")).to_have_value("questions")
    held[0].continue_()
    expect(page.locator("#about")).to_contain_text("generated texts")


def test_a_torn_model_is_told_as_text(page: Page) -> None:
    ask(page, "forest", "")
    choose(page, TORN)
    expect(page.locator("#result")).to_contain_text("The model cannot answer: no model in")
    expect(page.locator("#result")).to_contain_text(TORN)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(page: Page, scheme: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.get_by_text("The model's card").click()
    ask(page, "x" * 400, f"long image forest {IMAGE} " + "y" * 400)
    expect(page.locator("#result h2")).to_have_text("3 labels fit")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = page.locator("#result .label").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth).length"
    )
    assert wide == 0
