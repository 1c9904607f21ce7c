"""The tagger page as a person uses it, in headless Chromium."""

import pytest
from playwright.sync_api import Page, Route, expect

from hf_assets_tests.apps.conftest import TITLE, TORN, choose
from hf_assets_tests.support.apps.models import IMAGE, WORDS
from hf_assets_tests.support.browser import IN_CHROMIUM

LABELS = list(WORDS.values())

pytestmark = [*IN_CHROMIUM, pytest.mark.heavy]


def ask(tagger_page: Page, title: str, text: str) -> None:
    tagger_page.get_by_label("Title").fill(title)
    tagger_page.get_by_label("Text", exact=True).fill(text)
    tagger_page.locator("#submit").click()


def labels(tagger_page: Page, kind: str = "fits") -> list[str]:
    return tagger_page.locator(f"#result ol.{kind} .label").all_inner_texts()


def test_labels_are_read_where_a_text_was_submitted(tagger_page: Page) -> None:
    expect(tagger_page.locator("#result")).to_contain_text("There is nothing to read yet")
    assert tagger_page.locator("#head").evaluate("one => one.clientWidth") > 1000
    ask(tagger_page, "How deep should a forest be?", "I have no prior.")
    expect(tagger_page.locator("#result h2")).to_have_text("2 labels fit")
    assert labels(tagger_page) == ["random-forest", "bayesian"]
    assert tagger_page.locator("#result .fits .score").all_inner_texts() == ["0.953", "0.953"]
    assert labels(tagger_page, "below") == LABELS[2:]
    expect(tagger_page.locator("#result")).to_contain_text("A label fits from 0.273 on")
    bar = tagger_page.locator("#result .fits .bar").first
    track, filled, line = (
        box["width"] if i < 2 else box["x"]
        for i, one in enumerate((bar, bar.locator("i"), bar.locator("b")))
        if (box := one.bounding_box())
    )
    box = bar.bounding_box()
    assert box is not None
    assert filled / track == pytest.approx(0.9526, abs=0.01)
    assert (line + 1 - box["x"]) / track == pytest.approx(0.2731, abs=0.01)


def test_no_label_fits_until_the_threshold_is_moved(tagger_page: Page) -> None:
    ask(tagger_page, "", "maybe")
    expect(tagger_page.locator("#result h2")).to_have_text("No label fits")
    assert labels(tagger_page) == []
    assert labels(tagger_page, "below")[0] == "random-forest"
    assert tagger_page.locator("#result .below .score").all_inner_texts() == [
        "0.182",
        "0.002",
        "0.002",
    ]

    number = tagger_page.locator("#threshold input[type=number]")
    expect(number).to_have_value("0.273")
    number.fill("0.1")
    number.blur()
    expect(tagger_page.locator("#result h2")).to_have_text("One label fits")
    expect(tagger_page.locator("#result")).to_contain_text("the model's own threshold is 0.273")


def test_a_text_is_asked_for_and_may_be_long(tagger_page: Page) -> None:
    ask(tagger_page, "forest", "")
    expect(tagger_page.locator("#result h2")).to_have_text("One label fits")
    ask(tagger_page, "", "  \n ")
    expect(tagger_page.locator("#result")).to_contain_text("write a title or a text")
    assert tagger_page.locator("#result li").count() == 0
    # Nor is one too long: 100 kB.
    ask(tagger_page, "", "A forest, " + "and so on " * 10_000)
    expect(tagger_page.locator("#result h2")).to_have_text("One label fits")


def test_markup_in_texts_and_labels_is_text(tagger_page: Page) -> None:
    text = "<script>alert(1)</script> {{title}} ${alert(2)} image template long"
    ask(tagger_page, "<img src=x onerror=alert(3)>", text)
    expect(tagger_page.locator("#result h2")).to_have_text("3 labels fit")
    assert labels(tagger_page) == LABELS[2:]


def test_what_the_model_is_worth_is_told_and_its_card_is_only_text(tagger_page: Page) -> None:
    told = " ".join(tagger_page.locator("#about").inner_text().split())
    for part in ("some-encoder", "Micro-F1 on test 0.610", "Floor, constant labels 0.118"):
        assert part in told
    heading = tagger_page.get_by_role("heading", name="A tagger of questions")
    expect(heading).to_be_hidden()
    tagger_page.get_by_text("The model's card").click()
    expect(heading).to_be_visible()
    expect(tagger_page.locator("#card")).to_contain_text("It costs $5 or $6.")
    assert "license:" not in tagger_page.locator("#card").inner_text()
    tagger_page.wait_for_load_state("networkidle")


def test_an_example_is_filled_in_answered_and_credited(tagger_page: Page) -> None:
    tagger_page.locator("#examples").get_by_text(TITLE).click()
    expect(tagger_page.get_by_label("Title")).to_have_value(TITLE)
    expect(tagger_page.locator("#result h2")).to_have_text("2 labels fit")
    assert labels(tagger_page) == ["random-forest", "bayesian"]
    expect(tagger_page.locator("#credit")).to_contain_text(
        "Author 0 <b> (CC BY-SA 4.0), Author 3 <b>"
    )
    links = tagger_page.locator("#credit a").evaluate_all("all => all.map(one => one.href)")
    assert links == ["https://a.example/1"]


def test_another_corpus_brings_its_own_model(tagger_page: Page) -> None:
    ask(tagger_page, "forest", "")
    expect(tagger_page.locator("#result .fits .label")).to_have_text(["random-forest"])
    choose(tagger_page, "datasets")
    expect(tagger_page.locator("#about")).not_to_contain_text("generated texts")
    expect(tagger_page.locator("#examples")).to_be_hidden()
    expect(tagger_page.locator("#result .fits .label")).to_have_text(["land-use"])


def test_what_is_chosen_while_the_page_is_being_filled_wins(tagger_page: Page) -> None:
    held: list[Route] = []
    tagger_page.route(
        "**/queue/join*",
        lambda route: route.continue_() if held else held.append(route),
    )
    with tagger_page.expect_request("**/queue/join*"):
        tagger_page.reload()
    choose(tagger_page, "questions")
    expect(tagger_page.get_by_label("Corpus")).to_have_value("questions")
    held[0].continue_()
    expect(tagger_page.locator("#about")).to_contain_text("generated texts")


def test_a_torn_model_is_told_as_text(tagger_page: Page) -> None:
    ask(tagger_page, "forest", "")
    choose(tagger_page, TORN)
    expect(tagger_page.locator("#result")).to_contain_text("The model cannot answer: no model in")
    expect(tagger_page.locator("#result")).to_contain_text(TORN)


def test_nothing_is_wider_than_a_phone(tagger_page: Page) -> None:
    tagger_page.set_viewport_size({"width": 390, "height": 844})
    tagger_page.get_by_text("The model's card").click()
    ask(tagger_page, "x" * 400, f"long image forest {IMAGE} " + "y" * 400)
    expect(tagger_page.locator("#result h2")).to_have_text("3 labels fit")
    for scheme in ("light", "dark"):
        tagger_page.emulate_media(color_scheme=scheme)
        assert tagger_page.evaluate("document.documentElement.scrollWidth") <= 390
        wide = tagger_page.locator("#result .label").evaluate_all(
            "all => all.filter(one => one.scrollWidth > one.clientWidth).length"
        )
        assert wide == 0
