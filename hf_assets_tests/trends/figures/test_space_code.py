"""Figures of the code of Spaces: what they find, and that every text can be read."""

import pytest

from hf_assets.charts import marks
from hf_assets.trends.figures.day.space_code import LIMITS, sized
from hf_assets.trends.figures.registry import CODE_FIGURES
from hf_assets_tests.support.trends.snapshots import HOSTILE
from hf_assets_tests.support.trends.space_code import Row, day_of, normal, space
from hf_assets_tests.support.trends.texts import check_texts, words

FIGURES = {figure.name: figure for figure in CODE_FIGURES}

DAYS: dict[str, list[Row]] = {
    "normal": normal(),
    "one": [space(4, 2000, "text-generation")],
    "empty": [],
    "unknown": [{"reason": "not asked", "packages_reason": "files unknown"}] * 3,
    "recorded": [{"n_files": n, "bytes": 10 * n} for n in range(40)],
    "zeros": [space(0, 0, "a"), space(0, 0, "b")],
    "hostile": [
        space(5, 700, name, reason=name, languages=[{"kind": name, "files": 1, "bytes": 700}])
        for name in HOSTILE
    ],
    "many": [space(n, n * 1000, f"tag-{n % 9}") for n in range(1, 200)],
}


QUICK = {"normal", "empty", "recorded", "hostile"}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(
    "kind", [one if one in QUICK else pytest.param(one, marks=pytest.mark.heavy) for one in DAYS]
)
def test_every_text_is_inside_apart_and_inert(name: str, kind: str) -> None:
    made = check_texts(lambda: FIGURES[name](day_of(DAYS[kind])))
    assert made.canvas.get_width_height()[0] == marks.WIDTH


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("kind", ["normal", "hostile"])
def test_a_page_for_phones_is_as_clear(name: str, kind: str) -> None:
    with marks.page(480):
        check_texts(lambda: FIGURES[name](day_of(DAYS[kind])))


def test_medians_stand_beside_each_other_with_their_intervals() -> None:
    rows = [space(n, 100, "text-generation") for n in range(1, 102)]
    rows += [space(7, 100, "text-classification")] * 9
    made = words(FIGURES["code_files"](day_of(rows)))
    # Ranks 41 and 61 of 101 hold the median with 95 %.
    assert "Median: text-generation 51 files (41 to 61)" in made.replace("\u00a0", " ")
    assert "text-classification 7 files (7 to 7)" in made.replace("\u00a0", " ")


def test_a_space_of_two_tags_counts_in_both_and_once_in_all() -> None:
    made = words(FIGURES["code_files"](day_of([space(9, 10, "a", "b")] * 8))).replace("\u00a0", " ")
    assert made.count("8 Spaces") >= 5


def test_the_caption_says_what_the_figure_cannot_say() -> None:
    for name in ("code_files", "code_bytes", "code_packages"):
        figure = FIGURES[name](day_of(DAYS["normal"]))
        assert isinstance(figure, marks.Drawn)
        assert LIMITS in figure.caption
    assert "5 more are unknown" in figure.caption
    assert "5 files unknown" in figure.caption


def test_a_recording_without_languages_shows_bytes_of_files() -> None:
    made = words(FIGURES["code_bytes"](day_of(DAYS["recorded"])))
    assert "How many bytes of files a Space has" in made
    assert "no code of Spaces on this day" in words(
        FIGURES["code_languages"](day_of(DAYS["one"][:0]))
    )


def test_languages_count_spaces_and_bytes() -> None:
    rows = [space(1, 300, "a"), space(1, 100, "a"), space(1, 0, "a")]
    made = words(FIGURES["code_languages"](day_of(rows))).replace("\u00a0", " ")
    assert "Python is in 67% of 3 Spaces, with 100% of the bytes" in made
    assert "no code" in made


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (2670, "2.67 kB"),
        (135e6, "135 MB"),
        (2e9, "2 GB"),
        (3e12, "3 TB"),
    ],
)
def test_bytes_for_people(value: float, text: str) -> None:
    assert sized(value) == text
