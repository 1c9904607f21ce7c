"""The weeks of the Hub's models: whom a corpus could not have drawn, and their categories."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from hf_assets.classifiers.drift.weeks import WholeDays, categories_before, weeks_of_models
from hf_assets.corpora.building import build
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.corpora.hub.drawing import hub_texts
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.hub.tables.schemas import MODELS
from hf_assets.storage.lake import Lake, StoredTable, TableWrite

BUILT = date(2026, 11, 4)  # a Wednesday
SPEC = CorpusSpec(name="hub_models", source=("models",), rare_share=0.01)
OLD, NEW = ("text-generation", "image-classification"), ("text-generation", "robotics")


def make_models(
    count: int, first: date, days: int, categories: tuple[str, ...], of: str
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "hub_id": [f"{of}{number:06}" for number in range(count)],
            "id": [f"author{number % 60}/{of}-{number}" for number in range(count)],
            "author": [f"author{number % 60}" for number in range(count)],
            "category": [categories[number % len(categories)] for number in range(count)],
            "tags": [["pytorch", f"tag{number % 9}"] for number in range(count)],
            "created_at": [
                datetime(first.year, first.month, first.day, 12, tzinfo=UTC)
                + timedelta(days=number % days)
                for number in range(count)
            ],
        }
    )


def make_day(lake: Lake, day: date, *frames: pl.DataFrame) -> StoredTable:
    rows = pl.concat(frames).with_columns(
        pl.lit(None, column.dtype).alias(name)
        for name, column in MODELS.columns.items()
        if name not in frames[0].columns
    )
    rows = rows.with_columns(day=pl.lit(day)).select(
        pl.col(name).cast(dtype) for name, dtype in MODELS.schema.items()
    )
    return lake.write(MODELS, f"{day}", TableWrite([rows]))


@pytest.fixture(scope="module")
def corpus_and_days(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Corpus, dict[str, StoredTable]]:
    """A corpus of one day, and two days after it, with models that came meanwhile."""
    root: Path = tmp_path_factory.mktemp("hub")
    lake, folder = Lake(root / "lake"), root / "corpus"
    folder.mkdir()
    old = make_models(600, BUILT - timedelta(days=60), 60, OLD, "old")
    build(SPEC, [hub_texts(make_day(lake, BUILT, old))], folder)
    came = make_models(110, BUILT + timedelta(days=1), 11, NEW, "new")
    days = [BUILT + timedelta(days=after) for after in (5, 11)]
    return open_corpus(folder), {f"{day}": make_day(lake, day, old, came) for day in days}


def test_each_week_has_the_models_that_were_created_in_it(
    corpus_and_days: tuple[Corpus, dict[str, StoredTable]],
) -> None:
    corpus, days = corpus_and_days
    weeks = weeks_of_models(corpus, WholeDays(days, days.get))
    assert [one.week for one in weeks] == [date(2026, 11, 2), date(2026, 11, 9)]
    # Thursday to Sunday, then seven days; ten models a day.
    assert [one.texts().height for one in weeks] == [40, 70]
    # A week that is over is read from the first day after its end: its row stays.
    assert [one.sources[0].split()[1] for one in weeks] == ["2026-11-09", "2026-11-15"]
    labels = set(weeks[0].texts()["labels"].explode())
    assert labels == {"text-generation", "robotics"}
    assert all("robotics" not in text for text in weeks[0].texts()["text"])


def test_no_day_after_the_corpus_is_no_week(
    corpus_and_days: tuple[Corpus, dict[str, StoredTable]],
) -> None:
    assert weeks_of_models(corpus_and_days[0], WholeDays([], {}.get)) == []


def test_of_many_days_the_footers_of_one_a_week_are_read(
    corpus_and_days: tuple[Corpus, dict[str, StoredTable]],
) -> None:
    corpus, days = corpus_and_days
    keys = [f"{BUILT + timedelta(days=after)}" for after in range(1, 40)]
    read: list[str] = []

    def stored(day: str) -> StoredTable | None:
        read.append(day)
        return None if day == "2026-11-09" else replace(days["2026-11-15"], day=day)

    weeks = weeks_of_models(corpus, WholeDays(keys, stored))
    # The Monday after each week, and the newest day; that of a thinned Monday is the next one.
    assert sorted(read) == [
        *("2026-11-09", "2026-11-10", "2026-11-16", "2026-11-23", "2026-11-30"),
        *("2026-12-07", "2026-12-13"),
    ]
    assert [one.sources[0].split()[1] for one in weeks] == sorted(read)[1:]
    read.clear()
    assert WholeDays(keys, stored).newest() is not None
    assert read == ["2026-12-13"]


def test_categories_are_compared_in_their_own_proportions(
    corpus_and_days: tuple[Corpus, dict[str, StoredTable]],
) -> None:
    _, days = corpus_and_days
    found = categories_before(days["2026-11-15"], BUILT)
    assert found.list.len().unique().to_list() == [1]
    assert set(found.explode()) == set(OLD)
