"""The inputs of each month of a series, and their fingerprint: a change rebuilds the month.

A row depends on few days: those of its month, those that a rate may reach back to, and the trusted
days on either side of an interpolated day. Of each day, its file counts and its row in
`day_quality`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from itertools import groupby

import numpy as np
import polars as pl

from hf_assets.storage.months import Mark, month_of
from hf_assets.storage.parquet import Table
from hf_assets.trends.series.calendar import NO_DAY, Calendar
from hf_assets.trends.series.panel import SLACK

# Raise it when the same days give other rows: every month is then rebuilt. A new version of the
# package has the same effect.
RULES = 1
# Days that the longest growth looks back.
REACH = 28 + SLACK


@dataclass(frozen=True)
class MonthInputs:
    """The days that the rows of a month depend on, and everything about them that counts."""

    days: Sequence[str]
    facts: object

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of the inputs; changes when any of them changes."""
        return _digest(self.facts)


def fingerprints_of(table: Table, inputs: Mapping[str, MonthInputs]) -> dict[str, str]:
    """The fingerprint of each month of a table: of its inputs, the rules and the columns."""
    rules = [RULES, _package(), {name: str(kind) for name, kind in table.schema.items()}]
    return {month: _digest([rules, one.fingerprint]) for month, one in inputs.items()}


@cache
def _package() -> str:
    return version("hf-assets")


def _digest(facts: object) -> str:
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def level_inputs(
    stored: Sequence[str], calendar: Calendar, files: Mapping[str, Mark]
) -> dict[str, MonthInputs]:
    """The inputs of levels and rates: the days that `Panel` and `Calendar.earlier` read.

    Args:
        stored: days (YYYY-MM-DD), oldest first.
        calendar: the calendar of these days.
        files: size and time of each day's file.
    """
    before, after = calendar.neighbours
    inputs = {}
    for month, begin, end in _spans(stored):
        first = int(np.searchsorted(calendar.days, calendar.days[begin] - REACH))
        # A step goes back to the last trusted day; a line goes on to the next.
        lines = after[begin:end][~calendar.trusted[begin:end]]
        neighbours = {*before[begin:end].tolist(), *lines.tolist()} - {NO_DAY}
        indices = sorted(neighbours | set(range(first, end)))
        days = [stored[index] for index in indices]
        # Spans of time count, and which days cover the same; when the history begins does not.
        _, covers = np.unique(calendar.coverage[indices], return_inverse=True)
        columns = (
            np.round(calendar.times[indices] - calendar.times[indices[0]], 6).tolist(),
            calendar.trusted[indices].tolist(),
            _first_seen(covers.tolist()),
            [calendar.sources[index] for index in indices],
        )
        inputs[month] = MonthInputs(days, [[files[day] for day in days], days, *columns])
    return inputs


def with_files(
    inputs: Mapping[str, MonthInputs], files: Mapping[str, Mark]
) -> dict[str, MonthInputs]:
    """These inputs, and the files of a further table on the same days.

    Args:
        inputs: of each month.
        files: size and time of each day's file of the further table; days may be missing.
    """
    return {
        month: MonthInputs(one.days, [one.facts, [files.get(day) for day in one.days]])
        for month, one in inputs.items()
    }


def change_inputs(
    quality: pl.DataFrame, files: Mapping[str, Mark], datasets: pl.DataFrame
) -> dict[str, MonthInputs]:
    """The inputs of counts between two days: whether both are trusted and the later is not stale.

    Also the models that returned, which depend on all days before; and the same of datasets.

    Args:
        quality: rows of `DAY_QUALITY`.
        files: size and time of each day's file of `daily_changes`, oldest day first.
        datasets: what `DAY_QUALITY` says of datasets, in the columns of models.
    """
    of_models, of_datasets = _compared_facts(quality), _compared_facts(datasets)
    days = list(files)
    return {
        month: MonthInputs(
            days[begin:end],
            [
                (d, files[d], of_models.get(d), *([of_datasets[d]] if d in of_datasets else []))
                for d in days[begin:end]
            ],
        )
        for month, begin, end in _spans(days)
    }


def _compared_facts(quality: pl.DataFrame) -> dict[str, tuple[object, ...]]:
    rows = quality.select("day", "before", "trusted", "stale", "coverage", "returned").rows()
    trusted = {day for day, _, good, *_ in rows if good}
    return {
        str(day): (bool(good), bool(stale), str(before), before in trusted, *more)
        for day, before, good, stale, *more in rows
    }


def merged(*inputs: Mapping[str, MonthInputs]) -> dict[str, MonthInputs]:
    """The inputs of a series with several parts: a month depends on the days of each."""
    parts: dict[str, list[MonthInputs]] = {}
    for one in inputs:
        for month, of_month in one.items():
            parts.setdefault(month, []).append(of_month)
    return {
        month: of_month[0]
        if len(of_month) == 1
        else MonthInputs(
            sorted({day for one in of_month for day in one.days}), [one.facts for one in of_month]
        )
        for month, of_month in sorted(parts.items())
    }


def _first_seen(numbers: Sequence[int]) -> list[int]:
    """Numbers in the order of their first appearance."""
    order: dict[int, int] = {}
    return [order.setdefault(number, len(order)) for number in numbers]


def _spans(days: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Each month with the index of its first day and of the day after its last."""
    begin = 0
    for month, of_month in groupby(days, key=month_of):
        end = begin + len(list(of_month))
        yield month, begin, end
        begin = end
