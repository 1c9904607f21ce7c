"""Days of a lake by number, the series of them, and a disk that fills while they are made."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest import mock

import polars as pl

from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.storage.parquet import Table
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets.trends.series import key_history, schemas
from hf_assets.trends.series.concentration_history import concentration_history
from hf_assets.trends.series.incremental import Series, counts, levels, refresh
from hf_assets.trends.series.lifecycle import lifecycle
from hf_assets.trends.series.model_history import model_history
from hf_assets.trends.series.past import Past
from hf_assets.trends.series.usage_history import space_usage_history, used_by_history
from hf_assets_tests.support.trends.days import (
    Row,
    category,
    changes,
    day,
    frame_of,
    judge,
    model,
    verdict,
    write,
)

LEVELS = [
    levels(schemas.CATEGORY_HISTORY, key_history.category_history),
    levels(schemas.AUTHOR_HISTORY, key_history.author_history),
    levels(schemas.LICENSE_HISTORY, key_history.license_history),
    levels(schemas.MODEL_HISTORY, model_history),
    levels(schemas.SPACE_USAGE_HISTORY, space_usage_history),
    levels(schemas.USED_BY_HISTORY, used_by_history),
    levels(schemas.CONCENTRATION_HISTORY, concentration_history),
]
COUNTS = [counts(schemas.LIFECYCLE, lifecycle)]
DAYS = 100  # from 2025-03-01 on: four months


@dataclass
class Days:
    """Days of a lake by number: what is in each, and what is said of it."""

    lake: Lake
    seeds: dict[int, int] = field(default_factory=dict)
    befores: dict[int, int | None] = field(default_factory=dict)
    untrusted: set[int] = field(default_factory=set)
    folders: set[int] = field(default_factory=set)
    stale: set[int] = field(default_factory=set)

    def put(self, number: int, seed: int) -> None:
        self.seeds[number] = seed
        rows = [{"day": day(number), **row} for row in _rows(number, seed)]
        write(self.lake, DAILY_METRICS, day(number).isoformat(), rows)
        # What it is compared with is as its file says, whatever becomes of that day.
        before = max((one for one in self.seeds if one < number), default=None)
        self.befores[number] = before
        counted = [
            {"dimension": "adoption", "key": "1000", "age": age, "rows": 9 + seed, "value": 3}
            for age in (1, 2 + seed % 4)
        ]
        counted.append({"dimension": "lifecycle", "key": "created", "rows": seed})
        changes(self.lake, number, counted, before=number if before is None else before)

    def drop(self, number: int) -> None:
        del self.seeds[number]
        for table in ("daily_metrics", "daily_changes"):
            shutil.rmtree(self.lake.folder(table, day(number).isoformat()))

    def judged(self) -> Past:
        """Write `day_quality` of the days as they are now."""
        rows = [
            verdict(
                number,
                before=self.befores[number],
                trusted=number not in self.untrusted,
                stale=number in self.stale,
                coverage="folder" if number in self.folders else "hub",
            )
            for number in sorted(self.seeds)
        ]
        judge(self.lake, rows)
        return Past(self.lake)


def _rows(number: int, seed: int) -> list[Row]:
    size = 2_000 + 31 * number + 7 * seed
    return [
        category("text", size, downloads_all_time=40 * number + seed),
        *([category(None, size // 2)] if seed % 3 else []),
        {"dimension": "author", "key": "a", "rank": 1, "rows": 2, "downloads": size},
        {"dimension": "license", "key": "mit", "rank": 1, "rows": 2, "downloads": size},
        {"dimension": "license_group", "key": "permissive", "rank": 1, "rows": 2},
        *(model(one, size * (one + 1), downloads_all_time=50 * number * (one + 1))
          for one in range(4) if (seed + one) % 4),
        {"dimension": "usage_total", "key": "Spaces", "rank": 1, "rows": 90 + seed},
        {"dimension": "usage_model", "key": "a/m1", "rank": 1, "rows": 20 + seed, "value": 3.0},
        {"dimension": "used_dataset", "key": "a/d", "rank": 1, "rows": 30 + seed, "value": 2.0},
        {"dimension": "concentration", "key": "downloads/gini", "value": seed / 100},
    ]  # fmt: skip


def whole(series: Series, past: Past) -> pl.DataFrame:
    """All of it at once, as it is stored: by month, then as it comes."""
    schema = series.table.schema
    made = frame_of(series.make(past)) if past.stored else pl.DataFrame(schema=schema)
    kinds = {name: kind for name, kind in schema.items() if name in made.columns}
    made = made.cast(kinds)  # ty: ignore[invalid-argument-type]
    missing = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in kinds]
    made = made.with_columns(missing).select(schema.names())
    return made.sort(pl.col("day").dt.truncate("1mo"), maintain_order=True)


def a_quarter(lake: Lake) -> Days:
    """March, April and May up to the 20th, all trusted, and every series of them."""
    days = Days(lake)
    for number in range(81):
        days.put(number, number % 10)
    refresh(days.judged(), *LEVELS, *COUNTS)
    return days


@contextmanager
def full_at(month: str) -> Generator[list[str]]:
    """The disk is full when that month is written; what was written before."""
    write, written = Lake.write, []

    def writing(lake: Lake, table: Table, key: str, made: TableWrite) -> object:
        if key == month:
            raise OSError("No space left on device")
        written.append(key)
        return write(lake, table, key, made)

    with mock.patch.object(Lake, "write", writing):
        yield written
