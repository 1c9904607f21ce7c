"""Rules of the report: a page of ours passes; one that fetches, or leads nowhere, fails."""

import pytest

from hf_assets.charts.axes import day_name
from hf_assets.trends.report import page as report_page
from hf_assets.trends.report.rules import names_newest_day, self_contained
from hf_assets_tests.support.trends.series import LAST, past


@pytest.fixture(scope="module")
def page() -> str:
    """A report without figures: its head, numbers and flagged days."""
    return report_page._page(past(12, models=12), None, {})


def test_our_page_fetches_nothing(page: str) -> None:
    result = self_contained(page)
    assert result.passed, result.description
    assert result.metadata["links"] > 3


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ('<img src="https://example.org/a.png">', "it fetches 'https://example.org/a.png'"),
        ('<source srcset="//example.org/a.webp 2x">', "it fetches '//example.org/a.webp 2x'"),
        ('<link rel="stylesheet" href="style.css">', "it fetches 'style.css'"),
        ("<script>1</script>", "it fetches '<script>'"),
        ('<p onclick="a()">', "it fetches '<p>'"),
        ('<p style="background: url(x.png)">', "it fetches 'background: url(x.png)'"),
        ("<style>@import 'x.css';</style>", "it fetches '@import'"),
        ('<a href="#nowhere">x</a>', "the link '#nowhere' leads nowhere"),
        ('<a href="javascript:a()">x</a>', "the link 'javascript:a()' leads nowhere"),
    ],
)
def test_a_page_that_fetches_or_leads_nowhere_fails(page: str, part: str, words: str) -> None:
    result = self_contained(page.replace("</main>", f"{part}</main>"))
    assert not result.passed
    assert words in result.description


def test_pictures_inside_the_page_and_links_to_the_hub_pass(page: str) -> None:
    part = '<img src="data:image/webp;base64,AA"><a href="https://huggingface.co/a/b">a/b</a>'
    result = self_contained(page.replace("</main>", f"{part}</main>"))
    assert result.passed, result.description


def test_a_page_of_an_earlier_day_is_out_of_date(page: str) -> None:
    assert names_newest_day(page, LAST).passed
    earlier = names_newest_day(page, LAST.replace(day=LAST.day - 1))
    assert (earlier.passed, earlier.severity) == (False, "WARN")
    assert day_name(LAST.replace(day=LAST.day - 1)) in earlier.description
    assert names_newest_day(page, None).passed
