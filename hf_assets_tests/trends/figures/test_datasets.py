"""What the figures of datasets say: a dataset with several tasks is one dataset."""

import polars as pl
import pytest

from hf_assets.charts.figure import FigureFunction
from hf_assets.trends.figures.day import datasets as day
from hf_assets.trends.figures.day.snapshot import Snapshot
from hf_assets.trends.figures.history import datasets as history
from hf_assets.trends.figures.history.history import History
from hf_assets.trends.report.numbers import numbers
from hf_assets_tests.support.trends.histories import given
from hf_assets_tests.support.trends.snapshots import row, snapshot
from hf_assets_tests.support.trends.texts import words

TOTAL = row("dataset_total", "datasets", 100, downloads=1_000)


def test_tasks_are_of_all_downloads_though_they_overlap() -> None:
    rows = [TOTAL, row("dataset_task", None, 40, downloads=100)]
    rows += [row("dataset_task", key, 60, downloads=n) for key, n in (("qa", 900), ("ner", 800))]
    text = words(day.datasets_by_task(snapshot(rows)))
    assert "qa leads 2 tasks with 900 of 1 000 downloads (90%); 40% give no task" in text
    assert "100 datasets · one with several tasks is in each" in text.replace("\u00a0", " ")


def test_languages_past_the_first_twenty_are_counted() -> None:
    rows = [TOTAL, *(row("dataset_language", f"l{n:02d}", 90 - n, rank=n) for n in range(25))]
    rows += [row("dataset_language", "(other)", 7, rank=None)]
    text = words(day.datasets_by_language(snapshot(rows))).replace("\u00a0", " ")
    assert "5 other languages and rare ones left out" in text
    assert "(other)" not in text


def test_sizes_stand_in_their_order_with_those_without_apart() -> None:
    keys = {"1M<n<10M": 20, "n<1K": 50, None: 20, "n>1T": 1, "odd": 9}
    made = day.datasets_by_size(
        snapshot([TOTAL, *(row("dataset_size", k, n) for k, n in keys.items())])
    )
    ticks = [tick.get_text() for tick in made.axes[0].get_xticklabels()]
    assert ticks == ["none given", "< 1K", "1M\N{EN DASH}10M", "> 1T"]
    text = words(made).replace("\u00a0", " ")
    assert "50 of 100 datasets (50%) have under 1K rows" in text
    assert "9 datasets with another size left out" in text


@pytest.mark.parametrize(
    "figure",
    [day.datasets_by_task, day.datasets_by_language, day.datasets_by_size, day.top_datasets],
)
def test_a_day_without_datasets_says_so(figure: FigureFunction[Snapshot]) -> None:
    assert "no datasets in this capture" in words(figure(snapshot([])))


def test_days_are_shaded_as_their_datasets_are_trusted() -> None:
    old = given("sixty")
    frames = {name: frame.collect() for name, frame in old.frames.items()}
    trusted = frames["day_quality"].with_columns(datasets_trusted=pl.col("datasets").is_not_null())
    good = History.of(frames | {"day_quality": trusted})
    assert "not trusted" in words(history.dataset_tasks(old))
    assert "not trusted" not in words(history.dataset_tasks(good))


def test_the_number_of_datasets_is_that_of_all_sizes() -> None:
    made = history.datasets_listed(given("sixty"))
    assert "675k datasets on the last day, +6.6% since the first" in words(made)
    assert "no datasets yet" in words(history.datasets_listed(given("empty")))


def test_the_report_counts_datasets_that_are_trusted() -> None:
    found = {number.label: number for number in numbers(given("sixty"))}
    assert found["datasets listed"].value == "675k"
    frames = {name: frame.collect() for name, frame in given("sixty").frames.items()}
    bad = frames["day_quality"].with_columns(datasets_trusted=pl.lit(value=False))
    without = numbers(History.of(frames | {"day_quality": bad}))
    assert "datasets listed" not in {number.label for number in without}
