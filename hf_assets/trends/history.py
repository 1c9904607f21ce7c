"""Many days of aggregates, read once for all series.

The series read `daily_metrics` (100 KB a day), never a raw day, a month at a time and only the
columns they want. What they make of it is in the modules beside this one; what a rate is, in
`trends.series`.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from hf_assets.hub.judged import DAILY_CHANGES, DAY_QUALITY
from hf_assets.lake import Lake, Made
from hf_assets.parquet import Table
from hf_assets.trends.calendar import Calendar, calendar
from hf_assets.trends.metrics import DAILY_METRICS
from hf_assets.trends.months import by_month
from hf_assets.trends.series import panel

COUNTS = ["rows", "downloads", "downloads_all_time", "likes"]
# What the series use: of each dimension, and of each row of it.
DIMENSIONS = (
    *("category", "library", "license", "license_group", "against_base", "author", "model"),
    *("sdk", "usage_model", "usage_total", "concentration"),
)
CHANGES = ("adoption", "compared", "lifecycle")
_COLUMNS = ("day", "dimension", "key", "rank", *COUNTS, "value", "hub_id", "category", "created")
_CHANGES_COLUMNS = ("day", "before", "hours", "dimension", "key", "age", "rows", "value")


@dataclass
class Past:
    """Every stored day, read at most once however many series ask."""

    lake: Lake

    @cached_property
    def stored(self) -> list[str]:
        """The days in the lake."""
        return self.lake.days(DAILY_METRICS.name)

    @cached_property
    def quality(self) -> pl.DataFrame:
        """`day_quality`; MissingDay where it was never made."""
        return self.lake.read(DAY_QUALITY.name, None).frame.collect()

    @cached_property
    def calendar(self) -> Calendar:
        """The verdicts on those days; MissingDay where `day_quality` lacks one."""
        return calendar(self.quality, self.stored)

    def changes(self, dimension: str) -> pl.DataFrame:
        """The rows of one of `CHANGES`, in the order of the days. Columns: `DAILY_CHANGES`."""
        return self._changes[dimension]

    @property
    def trusted_days(self) -> list[datetime.date]:
        """Every day that passed, in the lake or not."""
        return self.quality.filter("trusted")["day"].to_list()

    @property
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

    def made(self, frames: Iterable[pl.DataFrame]) -> Made:
        """Frames on their way into the lake, with the days behind them."""
        known = self.calendar
        notes = {
            "days": len(known),
            "days not trusted": int(np.sum(~known.trusted)),
            **({"first day": self.stored[0], "last day": self.stored[-1]} if self.stored else {}),
        }
        return Made(frames=frames, notes=notes)

    @cached_property
    def _dimensions(self) -> dict[str, pl.DataFrame]:
        parts = self._parts(DAILY_METRICS, self.stored, _COLUMNS, DIMENSIONS)
        return {name: self._placed(rows) for name, rows in parts.items()}

    @cached_property
    def _changes(self) -> dict[str, pl.DataFrame]:
        days = self.lake.days(DAILY_CHANGES.name)
        return self._parts(DAILY_CHANGES, days, _CHANGES_COLUMNS, CHANGES)

    def _parts(
        self, table: Table, days: Sequence[str], columns: Sequence[str], names: Iterable[str]
    ) -> dict[str, pl.DataFrame]:
        """Those columns of the rows of each of those dimensions."""
        # Texts come again day after day: as categories they are a quarter of the memory.
        kinds = {name: table.schema[name] for name in columns}
        kinds |= {name: pl.Categorical() for name, kind in kinds.items() if kind == pl.String}
        empty = pl.DataFrame(schema=kinds)
        parts: dict[str, list[pl.DataFrame]] = {name: [empty] for name in names}
        for unread in by_month(self.lake, table, days, kinds):
            rows = unread.collect()
            # The rows of a dimension lie together: cut, where a filter would copy.
            begin = 0
            for length, name in rows["dimension"].rle().struct.unnest().iter_rows():
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
