"""The stored days with the verdict on each: which can be trusted, and compared with which.

Not here: what is spread or counted between them (`trends.series`).
"""

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
        times: when the data was taken, in days on the same scale, as far as it is known (float64):
            between two captures lie the hours that were really spanned.
        trusted: passed the rules of `day_quality` (bool).
        coverage: equal where two days list the same part of the Hub (int32), by
            `day_quality.coverage`. A folder's lists, a limited capture and the whole Hub differ,
            and a step from one to another is no growth of anything.
        sources: `day_quality.source` of each day.
        shown: the days whose rows are wanted (bool); the others are there for their rates. None:
            all.
    """

    days: np.ndarray
    times: np.ndarray
    trusted: np.ndarray
    coverage: np.ndarray
    sources: tuple[str | None, ...]
    shown: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.days)

    def places(self, days: np.ndarray) -> np.ndarray:
        """The places of those days (int32), all of them stored."""
        if not len(self):
            return np.zeros(0, np.int32)
        place = np.zeros(self.days[-1] - self.days[0] + 1, np.int32)
        place[self.days - self.days[0]] = np.arange(len(self))
        return place[days - self.days[0]]

    def only(self, places: np.ndarray, shown: np.ndarray) -> "Calendar":
        """Those days alone, ascending, of which the rows of some are wanted."""
        return Calendar(
            days=self.days[places],
            times=self.times[places],
            trusted=self.trusted[places],
            coverage=self.coverage[places],
            sources=tuple(self.sources[place] for place in places),
            shown=shown,
        )

    def dates(self) -> list[datetime.date]:
        """The days as dates."""
        return [EPOCH + datetime.timedelta(int(day)) for day in self.days]

    @cached_property
    def neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """Places of the last trusted day before each day and the first one after it (int32).

        Both have the coverage of the day itself; `NO_DAY` where there is none.
        """
        before, after = np.full((2, len(self)), NO_DAY, np.int32)
        for cover in np.unique(self.coverage):
            places = np.flatnonzero(self.coverage == cover)
            good = places[self.trusted[places]]
            at = np.searchsorted(good, places)
            padded = np.concatenate([[NO_DAY], good, [NO_DAY]])
            before[places] = padded[at]
            after[places] = padded[at + 1 + self.trusted[places]]
        return before, after

    def earlier(self, least: int, most: int) -> np.ndarray:
        """Places of the last trusted day `least` to `most` days before each day (int32).

        Of the same coverage; `NO_DAY` where there is none.
        """
        found = np.full(len(self), NO_DAY, np.int32)
        for cover in np.unique(self.coverage):
            places = np.flatnonzero(self.coverage == cover)
            good = places[self.trusted[places]]
            if not len(good):
                continue
            at = np.searchsorted(self.days[good], self.days[places] - least, side="right") - 1
            near = (at >= 0) & (self.days[good[at]] >= self.days[places] - most)
            found[places[near]] = good[at[near]]
        return found

    @cached_property
    def frame(self) -> pl.DataFrame:
        """Columns day, source, trusted."""
        return pl.DataFrame(
            {"day": self.dates(), "source": list(self.sources), "trusted": self.trusted},
            schema={"day": pl.Date, "source": pl.String, "trusted": pl.Boolean},
        )


def calendar(quality: pl.DataFrame, stored: Sequence[str]) -> Calendar:
    """The verdicts on those days.

    Args:
        quality: rows of `DAY_QUALITY`.
        stored: days (YYYY-MM-DD) that are in the lake, oldest first.

    Raises:
        MissingDay: a stored day has no verdict.
    """
    verdicts = {row["day"].isoformat(): row for row in quality.sort("day").iter_rows(named=True)}
    unjudged = [day for day in stored if day not in verdicts]
    if unjudged:
        more = f" and {len(unjudged) - 1} more days" if len(unjudged) > 1 else ""
        raise MissingDay(
            f"day_quality does not know {unjudged[0]}{more}: materialise day_quality first"
        )
    times: dict[datetime.date, float] = {}
    coverage: dict[str | None, int] = {}
    last: dict[str | None, datetime.date] = {}
    for row in verdicts.values():
        day, cover = row["day"], row["coverage"]
        coverage.setdefault(cover, len(coverage))
        # A day that was made before the one beside it was there is that many days after it.
        before = row["before"] or last.get(cover)
        last[cover] = day
        times[day] = float(_number(day))
        if before is not None:
            step = (day - before).days
            hours = row["hours"]
            # Two captures are never more than a day further apart, or nearer, than their days.
            told = hours is not None and hours > 0 and abs(hours / 24 - step) <= 1
            times[day] = times.setdefault(before, float(_number(before))) + (
                hours / 24 if told else step
            )
    rows = [verdicts[day] for day in stored]
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
