"""Many days of aggregates, read once for all series, at most a year at a time.

The series read `daily_metrics` (100 KB a day), never a raw day: a month at a time, and only the
columns they use.
"""

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from hf_assets.hub.quality.schemas import DAILY_CHANGES, DAY_QUALITY
from hf_assets.hub.tables.predictions import PREDICTED_CATEGORIES, PredictionRecord
from hf_assets.storage.lake import Lake, MissingDay, TableWrite, iso
from hf_assets.storage.months import Mark, by_month, marks, month_of
from hf_assets.storage.opened import LakeFile, scan
from hf_assets.storage.parquet import Table
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets.trends.series import fingerprints
from hf_assets.trends.series.calendar import Calendar, calendar
from hf_assets.trends.series.fingerprints import MonthInputs
from hf_assets.trends.series.panel import panel

# The columns of `day_quality` that every series needs.
RESULT = ("day", "source", "coverage", "before", "hours", "trusted", "stale")
# Its columns that older lakes lack: null there.
LIVES = ("returned", "first_seen_late", "entered", "left")
COUNTS = ["rows", "downloads", "downloads_all_time", "likes"]
# The same columns of datasets, by name of the column of models.
_OF_DATASETS = ("source", "coverage", "before", "hours", "trusted", *LIVES)
# The dimensions of `daily_metrics` and of `daily_changes` that the series use.
DIMENSIONS = (
    *("category", "library", "license", "license_group", "against_base", "author", "model"),
    *("sdk", "usage_model", "usage_total", "concentration"),
    *("edges", "training_data", "used_model", "used_dataset", "used_paper"),
    *("relation", "family", "family_relation", "format", "parameters", "quantiser", "license_root"),
)
DATASET_DIMENSIONS = (
    *("dataset", "dataset_author", "dataset_total", "concentration"),
    *(f"dataset_{of}" for of in ("task", "language", "size", "modality", "format", "license")),
)
PREDICTED_SUMS = ("at", "key", "predicted_rows", "predicted_downloads")
CHANGES = ("adoption", "compared", "lifecycle", "datasets compared", "datasets lifecycle")
_COLUMNS = ("day", "dimension", "key", "rank", *COUNTS, "value", "hub_id", "category", "created")
_CHANGES_COLUMNS = ("day", "before", "hours", "dimension", "key", "age", "rows", "value")


class Past:
    """Every stored day, read at most once however many series ask for it."""

    dimensions: Sequence[str] = DIMENSIONS

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def current(self) -> "Past":
        """This one; a new one where days came, went or were rebuilt since it was read."""
        now = Past(self.lake)
        read = ("metrics_files", "changes_files", "predictions_files", "_quality_file")
        same = all(vars(self)[name] == getattr(now, name) for name in read if name in vars(self))
        return self if same else now

    @cached_property
    def metrics_files(self) -> dict[str, Mark]:
        """The days of `daily_metrics` in the lake, each with size and time of its file."""
        return marks(self.lake, DAILY_METRICS.name)

    @cached_property
    def changes_files(self) -> dict[str, Mark]:
        """Likewise of `daily_changes`."""
        return marks(self.lake, DAILY_CHANGES.name)

    @cached_property
    def predictions_files(self) -> dict[str, Mark]:
        """Likewise of `predicted_categories`."""
        return marks(self.lake, PREDICTED_CATEGORIES.name)

    @cached_property
    def stored(self) -> list[str]:
        """The days of `daily_metrics`."""
        return list(self.metrics_files)

    @cached_property
    def quality(self) -> pl.DataFrame:
        """The columns of `day_quality` that the series use; MissingDay where one is missing."""
        quality = scan([self._quality_file])
        columns = set(quality.collect_schema())
        for name in set(RESULT) - columns:
            raise MissingDay(f"day_quality has no column {name}: materialise day_quality first")
        lives = [pl.col(name) if name in columns else pl.lit(None, pl.Int64).alias(name)
                 for name in LIVES]  # fmt: skip
        return quality.select(*RESULT, *lives).collect()

    @cached_property
    def datasets_quality(self) -> pl.DataFrame:
        """What `day_quality` says of datasets, in the columns of models; days that have any."""
        quality = scan([self._quality_file])
        if "datasets_source" not in quality.collect_schema():  # written by an earlier version
            return self.quality.clear()
        rows = quality.filter(pl.col("datasets").is_not_null()).select(
            "day",
            stale=pl.col("datasets_flags").list.contains("stale"),
            **{name: pl.col(f"datasets_{name}") for name in _OF_DATASETS},
        )
        return rows.select(*RESULT, *LIVES).collect()

    @cached_property
    def _quality_file(self) -> LakeFile:
        return self.lake.read(DAY_QUALITY.name, None).file

    @cached_property
    def calendar(self) -> Calendar:
        """The calendar of the stored days; MissingDay where `day_quality` lacks a day."""
        return calendar(self.quality, self.stored)

    @cached_property
    def level_inputs(self) -> dict[str, MonthInputs]:
        """The inputs of each month of levels and rates."""
        return fingerprints.level_inputs(self.stored, self.calendar, self.metrics_files)

    @cached_property
    def category_inputs(self) -> dict[str, MonthInputs]:
        """The inputs of each month of categories: predicted ones, too."""
        return fingerprints.with_files(self.level_inputs, self.predictions_files)

    @cached_property
    def change_inputs(self) -> dict[str, MonthInputs]:
        """The inputs of each month of counts between two days."""
        return fingerprints.change_inputs(self.quality, self.changes_files, self.datasets_quality)

    @cached_property
    def datasets(self) -> "Past":
        """The days that have datasets, as trusted and as comparable as those are."""
        return _DatasetsPast(self)

    def part(self, days: Iterable[str], months: Iterable[str]) -> "Past":
        """These days alone, for the rows of these months; asked again, the same object."""
        key = frozenset(days), frozenset(months)
        if key not in self._last_part:
            self._last_part.clear()
            self._last_part[key] = _Part(self, *key)
        return self._last_part[key]

    @cached_property
    def _last_part(self) -> dict[tuple[frozenset[str], frozenset[str]], "Past"]:
        return {}

    def changes(self, dimension: str) -> pl.DataFrame:
        """The rows of one of `CHANGES`, in the order of the days. Columns: `DAILY_CHANGES`."""
        return self._changes[dimension]

    @cached_property
    def trusted_days(self) -> list[datetime.date]:
        """Every trusted day, in the lake or not."""
        return self.quality.filter("trusted")["day"].to_list()

    @cached_property
    def stale_days(self) -> list[datetime.date]:
        """Every day that was compared with a day that is no longer its neighbour."""
        return self.quality.filter("stale")["day"].to_list()

    def dimension(self, name: str) -> pl.DataFrame:
        """The rows of one of the `dimensions`, in the order of the days.

        Columns: key, rank, rows, the counters, value, hub_id, category, created of
        `DAILY_METRICS`, and `at`: the index of the day in the calendar.
        """
        return self._dimensions[name]

    @cached_property
    def predicted(self) -> pl.DataFrame:
        """Sums by predicted category of each day that has predictions, from their footers.

        Columns: at, key, predicted_rows, predicted_downloads.
        """
        rows = []
        for at, day in enumerate(self.stored):
            if day in self.predictions_files:
                notes = self.lake.notes(PREDICTED_CATEGORIES.name, day)
                record = PredictionRecord.read(notes)
                sums = record.labels.items() if record.version else ()
                rows += [(at, label, one.rows, one.downloads) for label, one in sums]
        names = dict(
            zip(PREDICTED_SUMS, (pl.Int32, pl.String, pl.Float64, pl.Float64), strict=True)
        )
        return pl.DataFrame(rows, schema=names, orient="row")

    def totals(self, dimension: str) -> dict[str, np.ndarray]:
        """Rows and counters of all keys of a dimension together, interpolated, an entry a day."""
        if dimension not in self._totals:
            self._totals[dimension] = self._total(dimension)
        return self._totals[dimension]

    def table_write(self, frames: Iterable[pl.DataFrame]) -> TableWrite:
        """These frames as a table to write, with notes on their days."""
        return TableWrite(frames=frames, notes=self.notes)

    @property
    def notes(self) -> dict[str, Any]:
        """The days covered, as metadata of a series."""
        known = self.calendar
        return {
            "days": len(known),
            "days not trusted": int(np.sum(~known.trusted)),
            **({"first day": self.stored[0], "last day": self.stored[-1]} if self.stored else {}),
        }

    @cached_property
    def _dimensions(self) -> dict[str, pl.DataFrame]:
        names = self.dimensions
        return self._parts(DAILY_METRICS, self.metrics_files, _COLUMNS, names, self._indexed)

    @cached_property
    def _changes(self) -> dict[str, pl.DataFrame]:
        return self._parts(
            DAILY_CHANGES, self.changes_files, _CHANGES_COLUMNS, CHANGES, lambda rows: rows
        )

    def _unread(
        self, table: Table, days: Mapping[str, Mark], kinds: Mapping[str, pl.DataType]
    ) -> list[pl.LazyFrame]:
        return by_month(self.lake, table, days, kinds)

    def _parts(
        self,
        table: Table,
        days: Mapping[str, Mark],
        columns: Sequence[str],
        names: Iterable[str],
        shaped: Callable[[pl.DataFrame], pl.DataFrame],
    ) -> dict[str, pl.DataFrame]:
        """These columns of the rows of each of these dimensions, through `shaped`."""
        # Texts repeat day after day: as categories they take a quarter of the memory.
        kinds = {name: table.schema[name] for name in columns}
        kinds |= {name: pl.Categorical() for name, kind in kinds.items() if kind == pl.String}
        empty = shaped(pl.DataFrame(schema=kinds))
        parts: dict[str, list[pl.DataFrame]] = {name: [empty] for name in names}
        for unread in self._unread(table, days, kinds):
            read = unread.collect()
            rows = shaped(read)
            # The rows of a dimension lie together: slice them, as a filter would copy.
            begin = 0
            for length, name in read["dimension"].rle().struct.unnest().iter_rows():
                if name in parts:
                    parts[name].append(rows.slice(begin, length))
                begin += length
        return {name: pl.concat(frames) for name, frames in parts.items()}

    def _indexed(self, rows: pl.DataFrame) -> pl.DataFrame:
        at = self.calendar.indices(rows["day"].to_physical().to_numpy())
        return rows.drop("day", "dimension").with_columns(at=pl.Series(at))

    @cached_property
    def _totals(self) -> dict[str, dict[str, np.ndarray]]:
        return {}

    def _total(self, dimension: str) -> dict[str, np.ndarray]:
        sums = [
            pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()) for name in COUNTS
        ]
        totals = self.dimension(dimension).group_by("at", maintain_order=True).agg(sums)
        one = panel(totals.with_columns(all=pl.lit("")), self.calendar, "all", COUNTS)
        found = {name: np.full(len(self.calendar), np.nan) for name in COUNTS}
        for name, values in one.levels.items():
            found[name][one.at] = values
        return found


class _DatasetsPast(Past):
    """The days of a past that have datasets, with what `day_quality` says of those."""

    dimensions = DATASET_DIMENSIONS

    def __init__(self, whole: Past) -> None:
        super().__init__(whole.lake)
        self._whole = whole

    @cached_property
    def metrics_files(self) -> dict[str, Mark]:
        """As those of all days, so that one copy of a month serves both."""
        return self._whole.metrics_files

    @cached_property
    def stored(self) -> list[str]:
        """The days of `daily_metrics` that have datasets; MissingDay as for `calendar`."""
        with_datasets = {day.isoformat() for day in self.quality["day"]}
        assert len(self._whole.calendar) == len(self._whole.stored)
        return [day for day in self._whole.stored if day in with_datasets]

    @cached_property
    def quality(self) -> pl.DataFrame:
        """What `day_quality` says of datasets."""
        return self._whole.datasets_quality

    @cached_property
    def datasets_quality(self) -> pl.DataFrame:
        """The same."""
        return self._whole.datasets_quality

    def _unread(
        self, table: Table, days: Mapping[str, Mark], kinds: Mapping[str, pl.DataType]
    ) -> list[pl.LazyFrame]:
        return self.part(self.stored, {month_of(day) for day in self.stored})._unread(
            table, days, kinds
        )


class _Part(Past):
    """Some of the days of a past, those of a few months among them."""

    def __init__(self, whole: Past, days: Collection[str], months: Collection[str]) -> None:
        super().__init__(whole.lake)
        self.dimensions = whole.dimensions
        self.metrics_files = whole.metrics_files
        self.changes_files = whole.changes_files
        self.predictions_files = whole.predictions_files
        self.quality, self.datasets_quality = whole.quality, whole.datasets_quality
        self._indices = [index for index, day in enumerate(whole.stored) if day in days]
        self.stored = [whole.stored[index] for index in self._indices]
        self._whole, self._days, self._months = whole, days, months

    @cached_property
    def calendar(self) -> Calendar:
        """The calendar of all days, of these days alone."""
        shown = [month_of(day) in self._months for day in self.stored]
        return self._whole.calendar.subset(np.array(self._indices, np.int64), np.array(shown, bool))

    @cached_property
    def datasets(self) -> Past:
        """These days, where they have datasets."""
        datasets = self._whole.datasets
        return datasets.part(set(self._days) & set(datasets.stored), self._months)

    def _unread(
        self, table: Table, days: Mapping[str, Mark], kinds: Mapping[str, pl.DataType]
    ) -> list[pl.LazyFrame]:
        dates = pl.Series([iso(day) for day in sorted(self._days)], dtype=pl.Date)
        months = {month_of(day) for day in self._days}
        plans = by_month(self.lake, table, days, kinds, months)
        return [plan.filter(pl.col("day").is_in(dates.implode())) for plan in plans]
