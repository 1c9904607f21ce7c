"""The share of downloads of the top models, datasets and authors, and how many are new."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from hf_assets.storage.lake import TableWrite
from hf_assets.trends.series.calendar import NO_DAY, Calendar
from hf_assets.trends.series.panel import SLACK, panel
from hf_assets.trends.series.past import Past

# Turnover compares the top 100.
FIRST = 100
MEASURES = ["gini", "hhi", "effective_number", "top_1", "top_10", "top_100", "top_1000",
            "top_1_percent"]  # fmt: skip
# By the beginning of a key of `concentration`: `of`, and the ranking with the column of its keys.
_Of = Mapping[str, tuple[str, str, str]]
_OF_MODELS: _Of = {
    "downloads": ("models", "model", "hub_id"),
    "authors": ("authors", "author", "key"),
}
_OF_DATASETS: _Of = {
    "datasets": ("datasets", "dataset", "hub_id"),
    "dataset_authors": ("dataset authors", "dataset_author", "key"),
}


def concentration_history(past: Past) -> TableWrite:
    """A row a day for models, authors, datasets and their authors: `CONCENTRATION_HISTORY`.

    turnover_7 and turnover_28 compare with the last trusted day 7 (28) days before, or at most a
    week earlier; they are not rescaled, as the same model may come and go. Rows of datasets are
    trusted, and interpolated, as the datasets of the day are.
    """
    parts = ((past, _OF_MODELS), (past.datasets, _OF_DATASETS))
    return past.table_write(_history(days, of) for days, of in parts)


def _history(past: Past, of: _Of) -> pl.DataFrame:
    parts = past.dimension("concentration").select(
        "at", "value", pl.col("key").cast(pl.String).str.split_exact("/", 1).struct.unnest()
    )
    names = {begin: name for begin, (name, *_) in of.items()}
    wide = (
        parts.filter(pl.col("field_0").is_in(list(of)) & pl.col("field_1").is_in(MEASURES))
        .group_by("at", of=pl.col("field_0").replace_strict(names, return_dtype=pl.String))
        .agg(
            pl.col("value").filter(pl.col("field_1") == name).first().alias(name)
            for name in MEASURES
        )
        # Days of older versions lack it.
        .with_columns(effective_number=pl.coalesce("effective_number", 10_000 / pl.col("hhi")))
        .sort("at")
    )
    history = panel(wide, past.calendar, "of", MEASURES)
    firsts = {
        name: _first(past.dimension(ranking), key, len(past.calendar))
        for name, ranking, key in of.values()
    }
    turnovers = {}
    for days in (7, 28):
        column = np.full(len(history), np.nan)
        for name, first in firsts.items():
            mine = (history.frame["of"] == name).to_numpy()
            column[mine] = _turnover(past.calendar, first, days)[history.at[mine]]
        turnovers[f"turnover_{days}"] = column
    return history.table(**turnovers)


def _first(rows: pl.DataFrame, key: str, days: int) -> np.ndarray:
    """Which keys are among the top `FIRST` of each day: a row a day, a column a key."""
    ranked = rows.select("at", "rank", key).filter(pl.col("rank") <= FIRST)
    numbers = ranked[key].to_physical().rank("dense").fill_null(0).to_numpy()
    found = np.zeros((days, numbers.max(initial=0) + 1), bool)
    found[ranked["at"].to_numpy(), numbers] = True
    return found


def _turnover(calendar: Calendar, first: np.ndarray, days: int) -> np.ndarray:
    """Share of each trusted day's top that is new since the base day."""
    base = calendar.earlier(days, days + SLACK)
    now, then = first, first[base]
    size = now.sum(axis=1)
    comparable = calendar.trusted & (base != NO_DAY) & (size > 0) & then.any(axis=1)
    new = (now & ~then).sum(axis=1)
    return np.divide(new, size, out=np.full(len(calendar), np.nan), where=comparable)
