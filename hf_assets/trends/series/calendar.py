"""The stored days with their results in `day_quality`: which are trusted, and comparable."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from hf_assets.storage.lake import MissingDay

EPOCH = datetime.date(1970, 1, 1)
NO_DAY = -1


@dataclass(frozen=True)
class Calendar:
    """The stored days, oldest first, as arrays of the same length.

    Attributes:
        days: days since 1970-01-01, UTC (int32).
        times: the time of each capture, in days on the same scale (float64), so that the distance
            of two captures is the hours between them; whole days where a time is unknown.
        trusted: passed the rules of `day_quality` (bool).
        coverage: equal where two days list the same part of the Hub (int32), by
            `day_quality.coverage`. A folder's lists, a limited capture and the full Hub differ: a
            step from one to another is no growth.
        sources: `day_quality.source` of each day.
        shown: the days whose rows are needed (bool); the others serve their rates. None: all.
    """

    days: np.ndarray
    times: np.ndarray
    trusted: np.ndarray
    coverage: np.ndarray
    sources: tuple[str | None, ...]
    shown: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.days)

    def indices(self, days: np.ndarray) -> np.ndarray:
        """The indices (int32) of these days, all of them stored."""
        if not len(self):
            return np.zeros(0, np.int32)
        index = np.zeros(self.days[-1] - self.days[0] + 1, np.int32)
        index[self.days - self.days[0]] = np.arange(len(self))
        return index[days - self.days[0]]

    def subset(self, indices: np.ndarray, shown: np.ndarray) -> "Calendar":
        """The calendar of these days, ascending; `shown` marks those whose rows are needed."""
        return Calendar(
            days=self.days[indices],
            times=self.times[indices],
            trusted=self.trusted[indices],
            coverage=self.coverage[indices],
            sources=tuple(self.sources[index] for index in indices),
            shown=shown,
        )

    def dates(self) -> list[datetime.date]:
        """The days as dates."""
        return [EPOCH + datetime.timedelta(int(day)) for day in self.days]

    @cached_property
    def neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices (int32) of the last trusted day before each day and of the first after it.

        Both have the coverage of the day itself; `NO_DAY` where there is none.
        """
        before, after = np.full((2, len(self)), NO_DAY, np.int32)
        for cover in np.unique(self.coverage):
            same = np.flatnonzero(self.coverage == cover)
            good = same[self.trusted[same]]
            at = np.searchsorted(good, same)
            padded = np.concatenate([[NO_DAY], good, [NO_DAY]])
            before[same] = padded[at]
            after[same] = padded[at + 1 + self.trusted[same]]
        return before, after

    def earlier(self, least: int, most: int) -> np.ndarray:
        """Indices (int32) of the last trusted day `least` to `most` days before each day.

        Of the same coverage; `NO_DAY` where there is none.
        """
        earlier = np.full(len(self), NO_DAY, np.int32)
        for cover in np.unique(self.coverage):
            same = np.flatnonzero(self.coverage == cover)
            good = same[self.trusted[same]]
            if not len(good):
                continue
            at = np.searchsorted(self.days[good], self.days[same] - least, side="right") - 1
            near = (at >= 0) & (self.days[good[at]] >= self.days[same] - most)
            earlier[same[near]] = good[at[near]]
        return earlier

    @cached_property
    def frame(self) -> pl.DataFrame:
        """Columns day, source, trusted."""
        return pl.DataFrame(
            {"day": self.dates(), "source": list(self.sources), "trusted": self.trusted},
            schema={"day": pl.Date, "source": pl.String, "trusted": pl.Boolean},
        )


def calendar(quality: pl.DataFrame, stored: Sequence[str]) -> Calendar:
    """The calendar of these days.

    Args:
        quality: rows of `DAY_QUALITY`.
        stored: days (YYYY-MM-DD) that are in the lake, oldest first.

    Raises:
        MissingDay: a stored day has no row in `day_quality`.
    """
    results = {row["day"].isoformat(): row for row in quality.sort("day").iter_rows(named=True)}
    missing = [day for day in stored if day not in results]
    if missing:
        more = f" and {len(missing) - 1} more days" if len(missing) > 1 else ""
        raise MissingDay(
            f"day_quality does not know {missing[0]}{more}: materialise day_quality first"
        )
    times: dict[datetime.date, float] = {}
    coverage: dict[str | None, int] = {}
    last: dict[str | None, datetime.date] = {}
    for row in results.values():
        day, cover = row["day"], row["coverage"]
        coverage.setdefault(cover, len(coverage))
        # A day compared before its neighbour was stored follows it by the days between them.
        before = row["before"] or last.get(cover)
        last[cover] = day
        times[day] = float(_number(day))
        if before is not None:
            step = (day - before).days
            hours = row["hours"]
            # The hours between two captures differ from their days by a day at most.
            valid = hours is not None and hours > 0 and abs(hours / 24 - step) <= 1
            times[day] = times.setdefault(before, float(_number(before))) + (
                hours / 24 if valid else step
            )
    rows = [results[day] for day in stored]
    days = [row["day"] for row in rows]
    return Calendar(
        days=np.array([_number(day) for day in days], np.int32),
        times=np.array([times[day] for day in days], np.float64),
        trusted=np.array([bool(row["trusted"]) for row in rows], bool),
        coverage=np.array([coverage[row["coverage"]] for row in rows], np.int32),
        sources=tuple(row["source"] for row in rows),
    )


def _number(day: datetime.date) -> int:
    return (day - EPOCH).days
