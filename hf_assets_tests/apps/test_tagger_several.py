"""Several texts on the tagger page, in headless Chromium, and over its API by name."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from playwright.sync_api import Page, expect

from hf_assets_tests.apps.conftest import Served

pytestmark = pytest.mark.heavy
IN = Path("several.csv")
BARS = """() => {
  window.bars = [];
  new MutationObserver(() => document.querySelectorAll("#several progress").forEach(
    (bar) => window.bars.push(bar.max)
  )).observe(document.body, { childList: true, subtree: true });
}"""


@pytest.fixture
def several(tagger_page: Page) -> Page:
    """The page at its part for several texts."""
    tagger_page.get_by_role("tab", name="Several texts").click()
    expect(tagger_page.locator("#lines textarea")).to_be_visible()
    return tagger_page


def choose_file(tagger_page: Page, content: bytes, name: str = "texts.csv") -> None:
    tagger_page.locator("#csv-file").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )


@pytest.mark.browser
def test_lines_are_answered_and_come_back_as_a_file(several: Page, tmp_path: Path) -> None:
    several.locator("#lines textarea").fill("a forest\n<img src=x>\n\nmaybe\n=1+1 prior")
    several.locator("#submit-all").click()
    expect(several.locator("#several h2")).to_have_text("2 of 4 texts have a label that fits")
    cells = several.locator("#several td:nth-child(2)").all_inner_texts()
    assert cells[0] == "random-forest 0.953"
    assert "knows no word of this text" in cells[1]
    assert "A weak hint, not an answer." in cells[2]
    with several.expect_download() as download:
        several.get_by_role("link", name="Download CSV").click()
    download.value.save_as(tmp_path / IN)
    assert download.value.suggested_filename == "labels.csv"
    found = list(csv.DictReader(io.StringIO((tmp_path / IN).read_text("utf-8-sig"))))
    assert [row["tagger_labels"] for row in found] == ["random-forest", "", "", "bayesian"]
    assert found[3]["text"] == "'=1+1 prior"


@pytest.mark.browser
def test_a_file_is_answered_and_its_table_comes_back(several: Page) -> None:
    choose_file(several, b'id,title,text\n7,forest,"with a prior"\n8,,\n')
    several.locator("#submit-all").click()
    expect(several.locator("#several h2")).to_have_text(
        "1 of 2 texts have a label that fits; 1 are empty"
    )
    expect(several.locator("#as-csv textarea")).to_have_value(
        re.compile(r"^id,title,text,tagger_labels.*\n7,forest,with a prior,random-forest; bayesian")
    )
    # The name stays where it is read; without a file the lines are.
    assert several.locator("#csv-file").input_value().endswith("texts.csv")
    several.get_by_role("button", name="Without a file").click()
    several.locator("#submit-all").click()
    expect(several.locator("#several")).to_contain_text("write texts, one a line, or choose a CSV")


@pytest.mark.browser
def test_a_file_that_cannot_be_read_is_told(several: Page) -> None:
    for content, words in (
        (b"body\na\n", "no column 'text'"),
        (b"text\nna\xefve\n", "is no UTF-8: save it as CSV UTF-8"),
        (b"text\n" + b"a\n" * 5_001, "5,001 texts are too many"),
        (b"text\n" + b"a" * 3_100_000, "The file has 3,100,005 bytes: the limit is 3,000,000"),
    ):
        choose_file(several, content)
        several.locator("#submit-all").click()
        expect(several.locator("#several [role=status]")).to_contain_text(words)


@pytest.mark.browser
def test_how_far_it_is_is_shown_and_it_can_be_stopped(several: Page) -> None:
    # A starved browser may show the bar for a moment only.
    several.evaluate(BARS)
    choose_file(several, b"text\n" + b"a forest of priors and images\n" * 5_000)
    several.locator("#submit-all").click()
    several.wait_for_function("window.bars.includes(5000)")
    expect(several.locator("#several [role=status]")).to_contain_text("of 5,000 texts")
    several.get_by_role("button", name="Stop").click()
    expect(several.locator("#several [role=status]")).to_have_text("Stopped.")


@pytest.mark.browser
def test_labels_can_be_copied(tagger_page: Page) -> None:
    tagger_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tagger_page.get_by_label("Title").fill("forest prior")
    tagger_page.locator("#submit").click()
    expect(tagger_page.locator("#labels textarea")).to_have_value("random-forest\nbayesian")
    tagger_page.locator("#labels button").click()
    assert tagger_page.evaluate("navigator.clipboard.readText()") == "random-forest\nbayesian"


@pytest.mark.browser
def test_what_the_best_score_means_is_said(tagger_page: Page) -> None:
    unread = "The model knows no word of this text"
    weak = "about 18 of 100 texts like this have that label. A weak hint, not an answer."
    for text, words in (("qwxz ffff", unread), ("maybe", weak), ("?! …", unread)):
        tagger_page.get_by_label("Text", exact=True).fill(text)
        tagger_page.locator("#submit").click()
        expect(tagger_page.locator("#result .meaning")).to_contain_text(words)


@pytest.mark.browser
def test_the_part_for_several_texts_fits_a_phone(several: Page) -> None:
    several.set_viewport_size({"width": 390, "height": 844})
    several.locator("#lines textarea").fill("forest " + "y" * 400 + "\n" + "long " * 3)
    several.locator("#submit-all").click()
    expect(several.locator("#several h2")).to_have_text("2 of 2 texts have a label that fits")
    assert several.evaluate("document.documentElement.scrollWidth") <= 390


def test_parameters_have_names(served: Served) -> None:
    client = Client(served.url, verbose=False)
    told: Any = client.view_api(return_format="dict")
    named = told["named_endpoints"]
    assert [*named] == ["/tag", "/tag_texts"]
    names = {api: [one["parameter_name"] for one in said["parameters"]]
             for api, said in named.items()}  # fmt: skip
    assert names == {
        "/tag": ["corpus", "title", "text", "threshold"],
        "/tag_texts": ["corpus", "texts", "threshold"],
    }
    found = client.predict(corpus="questions", title="", text="a forest", api_name="/tag")
    assert [tag["label"] for tag in found] == ["random-forest"]
    every = client.predict(
        corpus="questions", texts=["prior", "", "nothing", "maybe"], threshold=0.1,
        api_name="/tag_texts",
    )  # fmt: skip
    assert [[tag["label"] for tag in one] for one in every] == [
        *(["bayesian"], [], [], ["random-forest"])
    ]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["a", 5], "Text 2: The text cannot be read: a text is wanted, not 5"),
        ("a text", "A list of texts is wanted"),
        (["a"] * 5_001, "5,001 texts are too many: the limit is 5,000"),
    ],
)
def test_texts_that_cannot_be_answered_are_told(served: Served, texts: object, words: str) -> None:
    client = Client(served.url, verbose=False)
    with pytest.raises(AppError) as refused:
        client.predict(corpus="questions", texts=texts, api_name="/tag_texts")
    assert words in str(refused.value)
