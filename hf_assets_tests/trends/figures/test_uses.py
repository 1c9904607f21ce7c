"""What the figures of what uses what say, and that they say so where there is nothing."""

import polars as pl
import pytest

from hf_assets.trends.figures.day.uses import (
    TEMPLATE_PAPER,
    training_data,
    used_datasets,
    used_papers,
)
from hf_assets.trends.figures.history.history import History
from hf_assets.trends.figures.history.uses import most_used, training_data_share
from hf_assets.trends.series.schemas import USED_BY_HISTORY
from hf_assets_tests.support.trends.histories import given
from hf_assets_tests.support.trends.snapshots import normal, row, snapshot
from hf_assets_tests.support.trends.texts import words


def said(figure: object) -> str:
    return words(figure).replace("\n", " ")  # ty: ignore[invalid-argument-type]


def test_training_data_by_category_of_the_largest() -> None:
    rows = [
        row("category", "text", 90), row("category", "image", 9), row("category", None, 1),
        {"dimension": "training_data", "key": "all", "rows": 25, "share_rows": 0.25,
         "share_downloads": 0.5},
        {"dimension": "training_data_category", "key": "text", "rows": 18, "share_rows": 0.2},
        {"dimension": "training_data_category", "key": "image", "rows": 6, "share_rows": 6 / 9},
        {"dimension": "training_data_category", "key": None, "rows": 1, "share_rows": 1.0},
    ]  # fmt: skip
    text = said(training_data(snapshot(rows, models=100)))
    assert "25 of 100 models (25%) name a dataset; they have 50% of the downloads" in text
    assert text.index("67%") < text.index("20%")
    assert "90 models" in text.replace("\u00a0", " ")


def test_datasets_by_models_and_by_spaces() -> None:
    rows = [
        {"dimension": "used_dataset", "key": "a/models", "rows": 9, "downloads": 5, "value": 1.0},
        {"dimension": "used_dataset", "key": "b/spaces", "rows": 2, "downloads": 7, "value": 8.0},
        {"dimension": "used_dataset", "key": "c/none", "rows": 0, "value": None},
        {"dimension": "edges", "key": "model-dataset", "rows": 11},
    ]
    text = said(used_datasets(snapshot(rows))).replace("\u00a0", " ")
    assert "a/models leads, with 9 models; models name datasets 11 times in all" in text
    assert "c/none" not in text
    # Without Spaces the ranking of models has the sheet alone.
    text = said(used_datasets(snapshot([one | {"value": None} for one in rows])))
    assert "By models trained on them" in text
    assert "By Spaces" not in text


def test_the_paper_of_the_template_is_explained() -> None:
    rows = [{"dimension": "used_paper", "key": key, "rows": n, "downloads": 100 - n}
            for n, key in enumerate(("2305.18290", "1706.03762", TEMPLATE_PAPER), 1)]  # fmt: skip
    text = said(used_papers(snapshot(rows)))
    assert f"{TEMPLATE_PAPER} leads" in text
    assert "stands in the Hub's template for cards" in text
    assert "template" not in said(used_papers(snapshot(rows[:2])))


@pytest.mark.parametrize("figure", [training_data, used_datasets, used_papers])
def test_a_day_without_uses_says_so(figure: object) -> None:
    text = said(figure(snapshot(normal()[:50])))  # ty: ignore[not-callable]
    assert "in this capture" in text


def test_shares_over_time() -> None:
    text = said(training_data_share(given("sixty")))
    assert "They are 12% of all models and 35% of all downloads on the last day" in text
    for figure in (training_data_share, most_used):
        assert "no day yet that knows what uses what" in said(figure(given("empty")))


def test_a_target_that_is_gone_has_no_line() -> None:
    history = given("sixty")
    frame = history.frames[USED_BY_HISTORY.name].collect()
    gone = (pl.col("key") == "organisation-0/dataset-0-large") & (
        pl.col("day") > pl.col("day").max() - pl.duration(days=20)
    )
    text = said(
        most_used(History.of({**history.frames, USED_BY_HISTORY.name: frame.filter(~gone)}))
    )
    assert "organisation-1/dataset-1-large" in text
    assert "organisation-0/dataset-0-large" not in text
