import re
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from matplotlib.figure import Figure

from hf_assets.trends.figures.registry import DAY_FIGURES
from hf_assets_tests.support.trends.snapshots import changed, chosen, normal, nothing, row, snapshot
from hf_assets_tests.support.trends.texts import words

FIGURES = {figure.name: figure for figure in DAY_FIGURES}


def names(made: Figure, axes: int = 0) -> list[str]:
    return [
        text.get_text()
        for text in made.axes[axes].texts
        if text.get_horizontalalignment() == "right"
    ]


def test_every_figure_is_registered_under_its_name_and_described() -> None:
    assert set(FIGURES) == {
        "downloads_by_category", "likes_by_category", "trending_by_category", "category_share",
        "models_by_year", "correlations", "chosen_models_by_tag", "usage_by_category",
        "models_per_space", "library_share", "license_mix", "top_models", "concentration",
        "training_data", "used_datasets", "used_papers",
        "datasets_by_task", "datasets_by_language", "datasets_by_size", "top_datasets",
    }  # fmt: skip
    for name, make in FIGURES.items():
        assert getattr(make, "__name__", "") == name
        assert re.fullmatch(r"[a-z_]+", name)
        assert make.__doc__


def test_categories_are_sorted_with_the_others_last_and_ties_by_name() -> None:
    rows = [row("category", key, n) for key, n in (("b", 5), ("c", 9), ("a", 5), (None, 99))]
    made = FIGURES["downloads_by_category"](snapshot(rows, models=118))
    assert names(made) == ["c", "a", "b"]
    said = words(made)
    assert "c leads 3 categories with 9 000 of 19k downloads (47%)" in said
    assert "2025-12-01 · huggingface.co · 118 models: 19 with a category, 99 without one" in said
    long = FIGURES["likes_by_category"](snapshot(normal()))
    assert names(long)[-1] == "28 other categories"
    assert len(names(long)) == 21
    assert not any("other" in n for n in names(FIGURES["top_models"](snapshot(normal(21)))))
    assert len(names(FIGURES["likes_by_category"](snapshot(normal(21))))) == 21


def said(name: str, rows: Iterable[dict[str, Any]], **rest: Any) -> str:
    return words(FIGURES[name](snapshot(list(rows), chosen(2), **rest)))


def test_findings_hold_for_one_for_ties_and_for_nothing() -> None:
    one = [row("category", "x", 1, downloads=1)]
    assert "x, the only category, has 1 of 1 download (100%)" in said("downloads_by_category", one)
    tie = [row("category", key, 4) for key in "ab"]
    assert "2 categories tie at the top with 28 of 56 likes (50%) each" in said(
        "likes_by_category", tie
    )
    none = [row("category", key, 3, trending_score=0.0) for key in "abcd"]
    assert "No trending score in any of the 4 categories" in said("trending_by_category", none)
    four = [row("category", key, n) for key, n in zip("abcd", (4, 3, 2, 1), strict=True)]
    assert "The first three of 4 categories take 63 of 70 likes (90%)" in said(
        "likes_by_category", four
    )


def test_what_the_capture_lacks_is_said_plainly() -> None:
    for measure, name in (
        ("likes", "likes_by_category"), ("downloads", "downloads_by_category"),
        ("trending_score", "trending_by_category"), ("downloads", "top_models"),
    ):  # fmt: skip
        rows = changed(normal(), **{measure: nothing})
        assert f"no {measure.replace('_', ' ')} in this capture" in said(name, rows)
    assert "no models in this capture" in said("downloads_by_category", [], models=0)
    assert "no models by category in this capture" in said("category_share", [])
    assert "no Spaces in this capture" in said("models_per_space", [], spaces=0)
    assert "no use of a chosen model in this capture" in said("usage_by_category", [])
    only = [row("category", None, 5)]
    assert "no models with a category in this capture" in said("downloads_by_category", only)
    partly = [row("category", "a", 5), row("category", "b", 5, likes=None)]
    assert "1 category without a number left out" in said("likes_by_category", partly)


def test_shares_are_of_all_models() -> None:
    rows = [row("license", "mit", 60), row("license", "other", 20), row("license", None, 20)]
    text = said("license_mix", rows, models=100)
    assert "mit leads 2 licences with 60 of 100 models (60%); 20% of the models give no" in text
    assert names(FIGURES["license_mix"](snapshot(rows, models=100)))[-1] == "no licence given"


def test_the_floor_date_stands_apart_and_a_missing_year_is_a_gap() -> None:
    keys = {"2022-03-02 (floor)": 55, "2025": 624, "2022": 27, "2024": 208, "1e9": 3}
    made = FIGURES["models_by_year"](snapshot([row("year", k, n) for k, n in keys.items()]))
    ticks = [tick.get_text() for tick in made.axes[0].get_xticklabels()]
    assert ticks == ["≤ 2022-03-02", "2022", "2023", "2024", "2025 so far"]
    assert "624 of 917 models (68%) were created in 2025" in words(made)
    left_out = "3 models without a year of creation left out"
    assert left_out in words(made).replace("\n", " ")


def test_years_may_tie_and_differ_by_orders_of_magnitude() -> None:
    tied = [row("year", key, 5) for key in ("2024", "2025")]
    assert "2 years tie with 5 models each" in said("models_by_year", tied)
    far = [row("year", key, n) for key, n in (("2023", 2), ("2024", 3), ("2025", 900))]
    assert "models (log scale)" in said("models_by_year", far)
    assert "(log scale)" not in said("models_by_year", tied)


def test_correlations_print_values_and_what_is_not_defined() -> None:
    text = said("correlations", normal())
    assert text.count("\u22120.93") == 5  # twice in each grid, once in the subtitle
    assert text.count("undefined") == 4
    assert "Closest: downloads and trending" in text
    none = [{"dimension": "correlation", "key": "pearson/likes/downloads", "value": None}]
    assert "None of them is defined" in said("correlations", none)


def test_chosen_models_stand_by_tag_with_their_totals() -> None:
    made = FIGURES["chosen_models_by_tag"](snapshot(normal(), chosen(30)))
    assert len(made.axes) == 2
    assert "913 uses in 837 Spaces" in words(made)
    first, second = (len(names(made, axes)) for axes in (0, 1))
    assert (first, second) == (20, 15)
    values = [
        float(t.get_text().replace("k", "")) * (1000 if "k" in t.get_text() else 1)
        for t in made.axes[0].texts if t.get_horizontalalignment() == "left"
    ]  # fmt: skip
    assert values == sorted(values, reverse=True)


def test_more_tags_than_fit_are_counted() -> None:
    usage = [{"id": "a/b", "spaces": 4, "chosen_tags": [f"tag-{i}" for i in range(9)]}]
    made = FIGURES["chosen_models_by_tag"](snapshot([], usage))
    assert len(made.axes) == 6
    assert "3 more tags left out" in words(made)


def test_models_per_space_are_counted_in_buckets() -> None:
    counts = {"0": 70, "1": 20, "2": 6, "7": 3, "60": 1}
    made = FIGURES["models_per_space"](
        snapshot([row("models_per_space", key, n) for key, n in counts.items()])
    )
    ticks = [tick.get_text() for tick in made.axes[0].get_xticklabels()]
    assert ticks == ["0", "1", "2", "3", "4", "5", "6–10", "11–20", "21–50", "51–100"]  # noqa: RUF001
    assert (
        "30 of 100 Spaces (30%) name a model, 33% of those more than one; the most is 60"
        in words(made)
    )


def test_concentration_says_gini_and_share() -> None:
    text = said("concentration", normal())
    assert "The first 10 models hold 52% of the downloads of the last 30 days; Gini 0.93" in text


def test_nothing_imports_pyplot_or_dagster() -> None:
    code = (
        "import sys, hf_assets.trends.figures.render;"
        "print([m for m in ('matplotlib.pyplot', 'dagster', 'pandas') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
