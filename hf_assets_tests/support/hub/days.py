"""Days of models, written straight into a lake, compared and rated as the graph does it."""

import datetime as dt
import gzip
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.hub.quality import changes, day_quality
from hf_assets.hub.quality.comparing import compare_day
from hf_assets.hub.quality.schemas import DAILY_CHANGES, DAY_QUALITY
from hf_assets.hub.quality.step import DATASETS
from hf_assets.hub.tables.schemas import HUB_DATASETS, MODELS
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso

Row = dict[str, Any]
FIRST = dt.date(2026, 3, 1)
OLD = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def day_of(number: int) -> str:
    """That many days after the first of March 2026."""
    return str(FIRST + dt.timedelta(number))


def model(at: int, **fields: Any) -> Row:
    """A model as the table has it; created in 2025."""
    return {
        "hub_id": f"{at:024x}",
        "id": f"author/{at}",
        "created_at": OLD,
        "floor_dated": False,
        "gated": "false",
        **fields,
    }


def store_day(lake: Lake, day: str, rows: Iterable[Row], **facts: Any) -> StoredTable:
    """`models` of that day, captured at noon, or as `facts` say."""
    frame = pl.DataFrame(list(rows), schema=MODELS.schema).with_columns(day=pl.lit(iso(day)))
    provenance = {"source": "captured", "endpoint": "https://hub", "limited": False,
                  "finished": f"{day}T12:00:00+00:00"}  # fmt: skip
    return lake.write(MODELS, day, TableWrite([frame], {}, {"raw_models": provenance | facts}))


def dataset(at: int, **fields: Any) -> Row:
    """A dataset as the table has it; created in 2025."""
    return model(at, **fields)


def store_datasets(lake: Lake, day: str, rows: Iterable[Row], **facts: Any) -> StoredTable:
    """`hub_datasets` of that day, captured at one, or as `facts` say."""
    frame = pl.DataFrame(list(rows), schema=HUB_DATASETS.schema).with_columns(day=pl.lit(iso(day)))
    provenance = {"source": "captured", "endpoint": "https://hub", "limited": False,
                  "finished": f"{day}T13:00:00+00:00"}  # fmt: skip
    return lake.write(
        HUB_DATASETS, day, TableWrite([frame], {}, {"raw_datasets": provenance | facts})
    )


def compare_all(lake: Lake, *days: str) -> dict[str, StoredTable]:
    """`daily_changes` with the datasets, of those days, or of all days that have models."""
    found = {}
    for day in days or lake.days("models"):
        baseline = changes.stored_baselines(lake, [day])[day]
        of_datasets = changes.stored_baselines(lake, [day], DATASETS).get(day)
        content = compare_day(lake, lake.read("models", day), baseline, of_datasets)
        found[day] = lake.write(DAILY_CHANGES, day, content)
    return found


@cache
def recorded_lists(real_data: Path) -> pl.DataFrame:
    """Real lists of models with their downloads, a day each, of two years."""
    with gzip.open(real_data / "hub-transformersjs-daily" / "daily.csv.gz") as file:
        return pl.read_csv(file.read(), infer_schema_length=None)


def compare(lake: Lake, *days: str) -> dict[str, StoredTable]:
    """`daily_changes` of those days, or of all days that have models."""
    found = {}
    for day in days or lake.days("models"):
        baseline = changes.stored_baselines(lake, [day])[day]
        before = lake.read("models", baseline.day) if baseline.day else None
        now = lake.read("models", day)
        content = changes.daily_changes(now, before, day, partial=baseline.partial)
        found[day] = lake.write(DAILY_CHANGES, day, content)
    return found


def judge(lake: Lake) -> dict[str, Row]:
    """`day_quality`, by day."""
    stored = lake.write(DAY_QUALITY, None, day_quality.quality_table(lake))
    return {str(row["day"]): row for row in stored.frame.collect().to_dicts()}


def counts(stored: StoredTable, dimension: str) -> dict[str, int]:
    """Rows by key of one dimension of `daily_changes`."""
    found = stored.frame.filter(pl.col("dimension") == dimension).collect()
    return dict(found.select("key", "rows").iter_rows())


NORMAL = 20


def rows(number: int, count: int = NORMAL, **fields: Any) -> list[Row]:
    """Larger models whose counters have moved on by that many days."""
    return [
        model(at, downloads=20_000 + number * 10, downloads_all_time=10**6 + number * 10, **fields)
        for at in range(count)
    ]


def whole_days(lake: Lake, *numbers: int) -> None:
    for number in numbers:
        store_day(lake, day_of(number), rows(number))


def judged(lake: Lake) -> list[Row]:
    compare(lake)
    return list(judge(lake).values())


def flags(lake: Lake) -> list[list[str]]:
    return [row["flags"] for row in judged(lake)]
