"""`daily_changes` of a stored day, and the counts that its stored comparison keeps.

A thinned day has lost columns that its counts came from: counts of the same two days are kept. The
rows of an emptied day are given back by its series, where they are needed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from hf_assets.hub.quality import changes
from hf_assets.hub.quality.baselines import Baseline
from hf_assets.hub.quality.records import (
    DatasetsComparison,
    DayComparison,
    LifecycleCounts,
    ListingComparison,
)
from hf_assets.hub.quality.schemas import ABSENCES
from hf_assets.hub.quality.stale import differ, is_stale, lacks_absences
from hf_assets.hub.quality.step import DATASETS, MODELS, Listing
from hf_assets.hub.repository_days.old_days import read_day
from hf_assets.hub.retention import thinned
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, TableWrite


@dataclass(frozen=True)
class Baselines:
    """The baselines of days, and which days were stored when they were looked up.

    Attributes:
        models: the baseline of each day.
        datasets: of the datasets of each day that has any.
        stored: the days of either listing then.
    """

    models: Mapping[str, Baseline]
    datasets: Mapping[str, Baseline]
    stored: tuple[list[str], list[str]]

    @classmethod
    def of(cls, lake: Lake, days: Collection[str]) -> "Baselines":
        """The baselines of these days as they are now."""
        stored = _stored_days(lake)  # first: a day that comes meanwhile is seen by `moved`
        models = changes.stored_baselines(lake, days)
        return cls(models, changes.stored_baselines(lake, days, DATASETS), stored)

    def moved(self, lake: Lake) -> "Baselines | None":
        """The days whose baseline is another since a run beside this one stored days.

        Such a run compares those days again that it finds compared. A day that was not compared
        then, and was afterwards without the new baseline, is found here.
        """
        if _stored_days(lake) == self.stored:
            return None
        now = Baselines.of(lake, self.models.keys())
        days = {
            day
            for day, baseline in now.models.items()
            if (baseline, now.datasets.get(day)) != (self.models[day], self.datasets.get(day))
        }
        models = {day: now.models[day] for day in days}
        datasets = {day: now.datasets[day] for day in days & now.datasets.keys()}
        return Baselines(models, datasets, now.stored) if days else None


def _stored_days(lake: Lake) -> tuple[list[str], list[str]]:
    return lake.days(MODELS.table), lake.days(DATASETS.table)


def compare_day(
    lake: Lake, now: StoredTable, baseline: Baseline, of_datasets: Baseline | None = None
) -> TableWrite:
    """`daily_changes` of a day of the lake.

    A thinned day that is not stale keeps its comparison; only the side table `absences` is added
    where an early version compared it. A thinned day that is stale is compared again, and has no
    births and no adoption where it lost the dates: those counted with another baseline would be
    wrong.

    Args:
        lake: the lake.
        now: that day's `models`.
        baseline: of that day.
        of_datasets: the baseline of its datasets; None where the day has no `hub_datasets`.
    """
    stored = _stored(lake, now.day)
    comparison = DayComparison.read(stored.notes) if stored else None
    # Datasets first: their rows are out of memory when those of the models come.
    datasets = _datasets(lake, now.day, of_datasets, comparison) if of_datasets else None
    before = lake.read("models", baseline.day) if baseline.day else None
    if (
        stored
        and comparison
        and thinned(now)
        and not is_stale(comparison, baseline, _sha256(before), _sha256(now))
    ):
        write = _unchanged(lake, stored, comparison, now, before)
    else:
        carried = DayComparison()
        if comparison:
            carried.nulls, carried.lifecycle = _still_true(comparison, before, now)
        write = changes.daily_changes(
            _with_rows(lake, now),
            before and _with_rows(lake, before),
            now.day,
            partial=baseline.partial,
            carried=carried,
        )
    return _with_datasets(write, *datasets) if datasets else write


def _with_rows(lake: Lake, stored: StoredTable, listing: Listing = MODELS) -> StoredTable:
    return read_day(lake, listing.table, stored.day) if stored.emptied else stored


def datasets_of(lake: Lake, day: str) -> StoredTable | None:
    """`hub_datasets` of a day; None where it has none, or its source lists none."""
    try:
        stored = lake.read(DATASETS.table, day)
    except MissingDay:
        return None
    return None if DATASETS.capture(stored).absent_kind else stored


Datasets = tuple[StoredTable, DatasetsComparison, pl.DataFrame, pl.DataFrame]


def _datasets(
    lake: Lake, day: str, baseline: Baseline, stored: DayComparison | None
) -> Datasets | None:
    now = datasets_of(lake, day)
    if now is None:
        return None
    before = lake.read(DATASETS.table, baseline.day) if baseline.day else None
    carried = DatasetsComparison()
    if stored and stored.datasets:
        carried.nulls, carried.lifecycle = _still_true(stored.datasets, before, now, DATASETS)
    now = _with_rows(lake, now, DATASETS)
    before = before and _with_rows(lake, before, DATASETS)
    return now, *changes.datasets_changes(now, before, partial=baseline.partial, carried=carried)


def _with_datasets(
    write: TableWrite,
    now: StoredTable,
    comparison: DatasetsComparison,
    rows: pl.DataFrame,
    absences: pl.DataFrame,
) -> TableWrite:
    """The changes of a day with those of its datasets."""
    frames = [*write.frames, rows]
    notes = write.all_notes()
    notes |= {"rows": sum(frame.height for frame in frames), "datasets": comparison.to_json()}
    aside = write.aside | {DATASETS.absences: absences}
    return TableWrite(frames, notes, write.provenance | now.provenance, aside)


def _unchanged(
    lake: Lake,
    stored: StoredTable,
    comparison: DayComparison,
    now: StoredTable,
    before: StoredTable | None,
) -> TableWrite:
    """The stored comparison of models, with `absences`; notes of other versions are kept."""
    of_models = ~pl.col("dimension").str.starts_with(f"{DATASETS.prefix} ")
    frames = [stored.frame.filter(of_models).collect()]
    notes = {name: value for name, value in stored.notes.items() if name != "datasets"}
    aside = {name: rows for name, rows in stored.asides.items() if name != DATASETS.absences}
    if lacks_absences(comparison):
        # Absences need identities alone, which a thinned day keeps.
        now, before = _with_rows(lake, now), before and _with_rows(lake, before)
        notes, aside = notes | {ABSENCES: True}, changes.daily_changes(now, before, now.day).aside
    if comparison.datasets:
        notes |= {"rows": frames[0].height}
    return TableWrite(frames, notes, stored.provenance, aside)


def _stored(lake: Lake, day: str) -> StoredTable | None:
    try:
        return lake.read("daily_changes", day)
    except MissingDay:
        return None


def _sha256(stored: StoredTable | None, listing: Listing = MODELS) -> str | None:
    return listing.capture(stored).sha256 if stored else None


def _still_true(
    comparison: ListingComparison,
    before: StoredTable | None,
    now: StoredTable,
    listing: Listing = MODELS,
) -> tuple[dict[str, float], LifecycleCounts]:
    """The stored shares and counts that a comparison of these two days would have, too."""
    if differ(comparison.sha256, _sha256(now, listing)):
        return {}, LifecycleCounts()
    same_day = comparison.baseline_day == (before.day if before else None)
    if not same_day or differ(comparison.baseline_sha256, _sha256(before, listing)):
        return comparison.nulls, LifecycleCounts()
    return comparison.nulls, comparison.lifecycle
