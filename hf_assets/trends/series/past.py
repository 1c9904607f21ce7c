"""Many days of aggregates, read once for all series (a year at a time, where there are more).

The series read `daily_metrics` (100 KB a day), never a raw day, a month at a time and only the
columns they want. What they make of it is in the modules beside this one; what a rate is, in
`trends.series`.
"""

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from hf_assets.hub.quality.schemas import DAILY_CHANGES, DAY_QUALITY
from hf_assets.storage.lake import Lake, MissingDay, TableWrite, iso
from hf_assets.storage.months import Mark, by_month, marks, month_of
from hf_assets.storage.opened import OpenedFile, scan
from hf_assets.storage.parquet import Table
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets.trends.series import fingerprints
from hf_assets.trends.series.calendar import Calendar, calendar
from hf_assets.trends.series.fingerprints import Need
from hf_assets.trends.series.panel import panel

# Of a day's verdict.
VERDICT = ("day", "source", "coverage", "before", "hours", "trusted", "stale")
# What else it says, if it was made by a version that does: else null.
LIVES = ("returned", "first_seen_late", "entered", "left")
COUNTS = ["rows", "downloads", "downloads_all_time", "likes"]
# What the series use: of each dimension, and of each row of it.
DIMENSIONS = (
    *("category", "library", "license", "license_group", "against_base", "author", "model"),
    *("sdk", "usage_model", "usage_total", "concentration"),
)
CHANGES = ("adoption", "compared", "lifecycle")
_COLUMNS = ("day", "dimension", "key", "rank", *COUNTS, "value", "hub_id", "category", "created")
_CHANGES_COLUMNS = ("day", "before", "hours", "dimension", "key", "age", "rows", "value")


class Past:
    """Every stored day, read at most once however many series ask."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def current(self) -> "Past":
        """This one, or, where days came, went or were made again meanwhile, the past by now."""
        now = Past(self.lake)
        known = ("metrics_files", "changes_files", "_judged")
        same = all(vars(self)[name] == getattr(now, name) for name in known if name in vars(self))
        return self if same else now

    @cached_property
    def metrics_files(self) -> dict[str, Mark]:
        """The days of `daily_metrics` in the lake, each with its mark."""
        return marks(self.lake, DAILY_METRICS.name)

    @cached_property
    def changes_files(self) -> dict[str, Mark]:
        """Likewise of `daily_changes`."""
        return marks(self.lake, DAILY_CHANGES.name)

    @cached_property
    def stored(self) -> list[str]:
        """The days of `daily_metrics`."""
        return list(self.metrics_files)

    @cached_property
    def quality(self) -> pl.DataFrame:
        """What the series want of `day_quality`; MissingDay where it has not got it."""
        judged = scan([self._judged])
        told = set(judged.collect_schema())
        for name in set(VERDICT) - told:
            raise MissingDay(f"day_quality does not tell the {name}: materialise day_quality first")
        lives = [pl.col(name) if name in told else pl.lit(None, pl.Int64).alias(name)
                 for name in LIVES]  # fmt: skip
        return judged.select(*VERDICT, *lives).collect()

    @cached_property
    def _judged(self) -> OpenedFile:
        return self.lake.read(DAY_QUALITY.name, None).file

    @cached_property
    def calendar(self) -> Calendar:
        """The verdicts on those days; MissingDay where `day_quality` lacks one."""
        return calendar(self.quality, self.stored)

    @cached_property
    def needs_of_levels(self) -> dict[str, Need]:
        """What each month of levels and rates depends on."""
        return fingerprints.of_levels(self.stored, self.calendar, self.metrics_files)

    @cached_property
    def needs_of_changes(self) -> dict[str, Need]:
        """What each month of counts between two days depends on."""
        return fingerprints.of_changes(self.quality, self.changes_files)

    def part(self, days: Iterable[str], months: Iterable[str]) -> "Past":
        """Those days alone, for the rows of those months; the same for whoever asks next."""
        wanted = frozenset(days), frozenset(months)
        if wanted not in self._last_part:
            self._last_part.clear()
            self._last_part[wanted] = _Part(self, *wanted)
        return self._last_part[wanted]

    @cached_property
    def _last_part(self) -> dict[tuple[frozenset[str], frozenset[str]], "Past"]:
        return {}

    def changes(self, dimension: str) -> pl.DataFrame:
        """The rows of one of `CHANGES`, in the order of the days. Columns: `DAILY_CHANGES`."""
        return self._changes[dimension]

    @cached_property
    def trusted_days(self) -> list[datetime.date]:
        """Every day that passed, in the lake or not."""
        return self.quality.filter("trusted")["day"].to_list()

    @cached_property
    def stale_days(self) -> list[datetime.date]:
        """Every day that is compared with one that is no neighbour any more."""
        return self.quality.filter("stale")["day"].to_list()

    def dimension(self, name: str) -> pl.DataFrame:
        """The rows of one of `DIMENSIONS`, in the order of the days.

        Columns: key, rank, rows, the counters, value, hub_id, category, created of
        `DAILY_METRICS`, and `at`: the place of the day in the calendar.
        """
        return self._dimensions[name]

    def totals(self, dimension: str) -> dict[str, np.ndarray]:
        """Rows and counters of all keys of a dimension together, spread, an entry a day."""
        if dimension not in self._totals:
            self._totals[dimension] = self._total(dimension)
        return self._totals[dimension]

    def made(self, frames: Iterable[pl.DataFrame]) -> TableWrite:
        """Frames on their way into the lake, with the days behind them."""
        return TableWrite(frames=frames, notes=self.notes)

    @property
    def notes(self) -> dict[str, Any]:
        """Which days these are, for whoever reads a series."""
        known = self.calendar
        return {
            "days": len(known),
            "days not trusted": int(np.sum(~known.trusted)),
            **({"first day": self.stored[0], "last day": self.stored[-1]} if self.stored else {}),
        }

    @cached_property
    def _dimensions(self) -> dict[str, pl.DataFrame]:
        return self._parts(DAILY_METRICS, self.metrics_files, _COLUMNS, DIMENSIONS, self._placed)

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
        """Those columns of the rows of each of those dimensions, shaped."""
        # Texts come again day after day: as categories they are a quarter of the memory.
        kinds = {name: table.schema[name] for name in columns}
        kinds |= {name: pl.Categorical() for name, kind in kinds.items() if kind == pl.String}
        empty = shaped(pl.DataFrame(schema=kinds))
        parts: dict[str, list[pl.DataFrame]] = {name: [empty] for name in names}
        for unread in self._unread(table, days, kinds):
            read = unread.collect()
            rows = shaped(read)
            # The rows of a dimension lie together: cut, where a filter would copy.
            begin = 0
            for length, name in read["dimension"].rle().struct.unnest().iter_rows():
                if name in parts:
                    parts[name].append(rows.slice(begin, length))
                begin += length
        return {name: pl.concat(frames) for name, frames in parts.items()}

    def _placed(self, rows: pl.DataFrame) -> pl.DataFrame:
        at = self.calendar.places(rows["day"].to_physical().to_numpy())
        return rows.drop("day", "dimension").with_columns(at=pl.Series(at))

    @cached_property
    def _totals(self) -> dict[str, dict[str, np.ndarray]]:
        return {}

    def _total(self, dimension: str) -> dict[str, np.ndarray]:
        said = [
            pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()) for name in COUNTS
        ]
        whole = self.dimension(dimension).group_by("at", maintain_order=True).agg(said)
        one = panel(whole.with_columns(all=pl.lit("")), self.calendar, "all", COUNTS)
        found = {name: np.full(len(self.calendar), np.nan) for name in COUNTS}
        for name, values in one.levels.items():
            found[name][one.at] = values
        return found


class _Part(Past):
    """Some of the days of a past, those of a few months among them."""

    def __init__(self, whole: Past, days: Collection[str], months: Collection[str]) -> None:
        super().__init__(whole.lake)
        self.metrics_files = whole.metrics_files
        self.changes_files = whole.changes_files
        self.quality = whole.quality
        self._places = [place for place, day in enumerate(whole.stored) if day in days]
        self.stored = [whole.stored[place] for place in self._places]
        self._whole, self._days, self._months = whole, days, months

    @cached_property
    def calendar(self) -> Calendar:
        """That of the whole, of these days alone."""
        shown = [month_of(day) in self._months for day in self.stored]
        return self._whole.calendar.only(np.array(self._places, np.int64), np.array(shown, bool))

    def _unread(
        self, table: Table, days: Mapping[str, Mark], kinds: Mapping[str, pl.DataType]
    ) -> list[pl.LazyFrame]:
        wanted = pl.Series([iso(day) for day in sorted(self._days)], dtype=pl.Date)
        months = {month_of(day) for day in self._days}
        plans = by_month(self.lake, table, days, kinds, months)
        return [plan.filter(pl.col("day").is_in(wanted.implode())) for plan in plans]
