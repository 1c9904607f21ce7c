"""Every figure can be read: its texts lie on the sheet, apart and inert; its files are small."""

import io
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from typing import Any

import pytest
from PIL import Image

from hf_assets.charts import marks, saving
from hf_assets.trends.figures.registry import DAY_FIGURES, HISTORY_FIGURES
from hf_assets_tests.support.trends.histories import PASTS, given
from hf_assets_tests.support.trends.snapshots import SNAPSHOTS
from hf_assets_tests.support.trends.texts import check_texts, words

DAY = {figure.name: figure for figure in DAY_FIGURES}
HISTORY = {figure.name: figure for figure in HISTORY_FIGURES}


def kinds(every: Iterable[str], quick: set[str]) -> list[Any]:
    """All kinds of data; those that find little more than the quick ones are for a release."""
    later = [pytest.mark.heavy, pytest.mark.release]
    return [kind if kind in quick else pytest.param(kind, marks=later) for kind in every]


QUICK_DAYS = {"normal", "one", "empty", "no_columns", "nulls", "hostile"}
QUICK_FILES = {"top_models", "correlations", "models_by_year"}
QUICK_PASTS = {
    *("sixty", "one", "empty", "days_only", "null_types", "no_columns", "hostile"),
}


@pytest.mark.parametrize("name", DAY)
@pytest.mark.parametrize("kind", kinds(SNAPSHOTS, QUICK_DAYS))
def test_every_text_of_a_day_is_inside_apart_and_without_mathtext(name: str, kind: str) -> None:
    made = check_texts(lambda: DAY[name](SNAPSHOTS[kind]()))
    width, height = made.canvas.get_width_height()
    assert width == marks.WIDTH
    assert height >= marks.HEIGHT


@pytest.mark.parametrize("name", HISTORY)
@pytest.mark.parametrize("kind", kinds(PASTS, QUICK_PASTS))
def test_every_text_is_inside_apart_and_inert(name: str, kind: str) -> None:
    check_texts(lambda: HISTORY[name](given(kind)))


@pytest.mark.parametrize("name", HISTORY)
@pytest.mark.parametrize("kind", kinds(("sixty", "hostile"), {"hostile"}))
def test_a_page_for_phones_is_as_clear(name: str, kind: str) -> None:
    with marks.page(480):
        made = check_texts(lambda: HISTORY[name](given(kind)))
    assert isinstance(made, marks.Drawn)
    assert made.get_size_inches()[0] == 4.8
    assert made.title
    assert made.title not in words(made)
    assert not made.caption or made.caption not in words(made)


@pytest.mark.heavy
@pytest.mark.parametrize("name", DAY)
def test_figures_of_a_day_fit_a_phone(name: str) -> None:
    with marks.page(480):
        check_texts(lambda: DAY[name](SNAPSHOTS["normal"]()))


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK_FILES else pytest.param(name, marks=pytest.mark.heavy) for name in DAY],
)
@pytest.mark.parametrize("kind", kinds(("normal", "hostile", "empty"), {"hostile"}))
def test_files_are_small_sound_and_inert(name: str, kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files = saving.render(DAY[name](SNAPSHOTS[kind]()))
    assert len(files.gallery) <= saving.GALLERY_BYTES
    assert Image.open(io.BytesIO(files.png)).size[0] == 1800
    tree = ElementTree.fromstring(files.svg)
    tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert not tags & {"script", "foreignObject", "a", "image"}
    for element in tree.iter():
        assert not [key for key in element.attrib if key.lower().startswith("on")]


@pytest.mark.parametrize(
    "name",
    kinds(("correlations", "downloads_by_category", "chosen_models_by_tag"), {"correlations"}),
)
def test_the_same_day_gives_the_same_bytes(name: str) -> None:
    one, two = (saving.render(DAY[name](SNAPSHOTS["hostile"]())) for _ in range(2))
    assert one == two


@pytest.mark.parametrize("kind", kinds(("sixty", "hostile"), {"sixty"}))
@pytest.mark.parametrize(
    "name", kinds(("category_shares", "top_ranks", "hype_phases"), {"top_ranks"})
)
def test_files_are_small_and_the_same_twice(name: str, kind: str) -> None:
    one, two = (saving.render(HISTORY[name](given(kind))) for _ in range(2))
    assert one == two
    assert len(one.gallery) <= saving.GALLERY_BYTES
    assert b"<script" not in one.svg
