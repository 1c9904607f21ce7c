"""Which days can be trusted: a row for every day from the first stored to the last.

Computed from footers and from the side tables of `daily_changes`: a year takes a fifth of a second.

A day is *partial* where its listing broke off, *stalled* where its counters did not move, *rolled
back* where counters that only rise fell, *short* where it came too soon after its baseline, *stale*
where its baseline day has changed: then none of that is known. A stall is no zero, and the next day
is no jump: a series interpolates between trusted days.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
from msgspec import UNSET

from hf_assets.hub.quality import changes
from hf_assets.hub.quality.absences import Returned, returned
from hf_assets.hub.quality.baselines import WHOLE_HUB, Baseline, baselines, last_alike
from hf_assets.hub.quality.day_rules import (
    alike,
    long_enough,
    not_stalled,
    null_shifts,
    schema_changes,
)
from hf_assets.hub.quality.day_summary import AROUND, DaySummary, all_days, capture_sha256
from hf_assets.hub.quality.records import DayComparison, ListingComparison
from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.hub.quality.stale import (
    is_stale,
    lacks_absences,
    neighbours,
    stale_among,
    stale_datasets,
)
from hf_assets.hub.quality.step import DATASETS, MODELS
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import Lake, TableWrite, iso
from hf_assets.storage.months import notes_by_month

# Stored days after which a rollback counts as the new level (Model Pulse).
LONGEST_ROLLBACK = 8
# Days that `days_trusted` checks, and days that it names at most.
RECENT = 30
NAMED = 10

FLAGS = (
    *("gap", "partial", "stalled", "rolled back", "short"),
    *("nulls moved", "columns changed", "stale"),
)
_GAP = {
    "gap": True,
    "flags": ["gap"],
    "trusted": False,
    **dict.fromkeys(("partial", "stalled", "rolled_back", "short", "stale"), False),
}
# The columns that datasets have of their own, each after "datasets_"; those of models have no such
# prefix. Their number is `datasets`.
OF_DATASETS = (
    *("source", "coverage", "downloads", "before", "hours"),
    *("gap", "partial", "stalled", "rolled_back"),
    *("unchanged_share", "fell_share", "renamed", "deleted", "returned", "first_seen_late"),
    *("entered", "left", "flags", "trusted"),
)
_DATASETS_GAP = {
    f"{DATASETS.prefix}_{name}": value for name, value in _GAP.items() if name in OF_DATASETS
}


def quality_table(lake: Lake) -> TableWrite:
    """`day_quality` of every day of a lake."""
    days = all_days(lake)
    datasets = [day.datasets for day in days if day.datasets]
    return day_quality(days, returned(lake, days), returned(lake, datasets, DATASETS))


def day_quality(
    days: Sequence[DaySummary],
    returned_models: Mapping[str, Returned] | None = None,
    returned_datasets: Mapping[str, Returned] | None = None,
) -> TableWrite:
    """A row for each day, gaps included. Columns: `schemas.DAY_QUALITY`.

    A rollback may last: the days after it are rolled back too, while the total of the all-time
    counters is under its level before, for at most 8 stored days. A day that was not compared yet,
    or whose baseline day has changed, is stale, and not trusted until it is compared: its stalls
    and rollbacks are unknown. Datasets are flagged by the same rules, in columns of their own: from
    the first day that has any to the last, a day without them is a gap.

    Args:
        days: all days, oldest first.
        returned_models: of each day (`absences.returned`); unknown for days that it lacks.
        returned_datasets: likewise.
    """
    datasets = [day.datasets for day in days if day.datasets]
    of_models = _rated(days, stale_among(days), returned_models or {})
    of_datasets = _rated(datasets, stale_datasets(days), returned_datasets or {})
    spaces = {day.day: day.spaces for day in days}
    rows = []
    for key in _every_day([*of_models]):
        row = {"day": iso(key), "spaces": spaces.get(key), **of_models.get(key, _GAP)}
        row["models"] = row.get("listed")
        if key in of_datasets:
            row |= {f"{DATASETS.prefix}_{name}": of_datasets[key][name] for name in OF_DATASETS}
            row["datasets"] = of_datasets[key]["listed"]
        elif datasets and datasets[0].day < key < datasets[-1].day:
            row |= _DATASETS_GAP
        rows.append(row)
    columns = DAY_QUALITY.schema
    frame = pl.DataFrame([{name: row.get(name) for name in columns} for row in rows], columns)
    notes = {"rows": len(rows), "days": len(days), **_flagged(frame, "flags")}
    if datasets:
        counted = _flagged(frame, f"{DATASETS.prefix}_flags")
        notes |= {f"datasets {flag}": count for flag, count in counted.items()}
    return TableWrite(frames=[frame], notes=notes)


def _flagged(frame: pl.DataFrame, column: str) -> dict[str, int]:
    return {flag: int(frame[column].list.contains(flag).sum()) for flag in FLAGS}


def _every_day(days: Sequence[str]) -> Iterator[str]:
    """The days from the first to the last."""
    if days:
        first = iso(days[0])
        for number in range((iso(days[-1]) - first).days + 1):
            yield str(first + timedelta(number))


def _rated(
    days: Sequence[DaySummary], stale: Collection[str], came_back: Mapping[str, Returned]
) -> dict[str, dict[str, Any]]:
    """The flags and counts of each day of a listing.

    Args:
        days: all days of the listing, oldest first.
        stale: those whose comparison is stale.
        came_back: rows of the listing that returned, by day.
    """
    baseline_of = baselines(day.size for day in days)
    by_day = {day.day: day for day in days}
    keys = [*by_day]
    rollbacks, rows = _Rollbacks(), {}
    for index, day in enumerate(days):
        baseline = baseline_of[day.day]
        before = by_day.get(day.comparison.baseline_day or "")
        rows[day.day] = {
            **_row(
                day,
                baseline,
                last_alike(keys, day.day, by_day.__getitem__, alike),
                _near(days, index),
                rolled_back=rollbacks.includes(day, before, baseline),
                stale=day.day in stale if day.compared else not baseline.partial,
            ),
            **_lifecycle(day, came_back.get(day.day)),
        }
    return rows


def _lifecycle(day: DaySummary, back: Returned | None) -> dict[str, int | None]:
    """Rows that came, went and changed; early versions counted a list like the whole Hub."""
    counts = day.comparison.lifecycle
    row = {name: counts.count(name) for name in ("renamed", "deleted", "entered", "left")}
    if day.size.scope != WHOLE_HUB and counts.left is UNSET and counts.deleted is not UNSET:
        came = sum(counts.count(name) or 0 for name in ("created", "returned", "undated"))
        row |= {"deleted": None, "entered": came, "left": counts.deleted}
    older = counts.count("older")
    return {
        **row,
        "returned": back.dated + back.undated if back else None,
        "first_seen_late": older - back.dated if back and older is not None else None,
    }


def _near(days: Sequence[DaySummary], index: int) -> list[DaySummary]:
    middle = iso(days[index].day)
    first = str(middle - AROUND)
    last = str(middle + AROUND)
    span = range(max(index - AROUND.days, 0), min(index + AROUND.days + 1, len(days)))
    return [days[at] for at in span if first <= days[at].day <= last]


class _Rollbacks:
    """Lasting rollbacks by scope: the total before it, and for how many days more it may last."""

    def __init__(self) -> None:
        self._by_scope: dict[str, tuple[int, int]] = {}

    def includes(self, day: DaySummary, before: DaySummary | None, baseline: Baseline) -> bool:
        """Whether that day is rolled back, or still is."""
        scope, total = day.size.scope, day.comparison.downloads_all_time
        reference, left = self._by_scope.get(scope, (0, 0))
        if baseline.partial or total is None:
            return False
        if changes.rolled_back(day.comparison.compared):
            if not left and before is not None:
                reference = before.comparison.downloads_all_time or 0
            self._by_scope[scope] = (reference, LONGEST_ROLLBACK)
            return True
        if left and total < reference:
            self._by_scope[scope] = (reference, left - 1)
            return True
        self._by_scope.pop(scope, None)
        return False


def _row(
    day: DaySummary,
    baseline: Baseline,
    last: DaySummary | None,
    near: list[DaySummary],
    *,
    rolled_back: bool,
    stale: bool,
) -> dict[str, Any]:
    comparison = day.comparison
    nulls, columns = null_shifts(day, last), schema_changes(day, last)
    flags = {
        "gap": False,
        "partial": baseline.partial,
        "stalled": not not_stalled(day, near).passed,
        "rolled back": rolled_back,
        "short": not long_enough(day).passed,
        "nulls moved": bool(nulls),
        "columns changed": bool(columns),
        "stale": stale,
    }
    bad = baseline.partial or flags["stalled"] or rolled_back or stale or not day.compared
    baseline_day = comparison.baseline_day
    return {
        "source": comparison.source,
        "origin": comparison.origin,
        "coverage": day.size.scope,
        "listed": comparison.listed,
        "downloads": comparison.downloads,
        "before": iso(baseline_day) if baseline_day else None,
        "hours": comparison.hours,
        **{name: flags[name] for name in ("gap", "partial", "stalled", "short", "stale")},
        "rolled_back": rolled_back,
        "unchanged_share": comparison.compared.unchanged_share,
        "fell_share": comparison.compared.fell_share,
        "null_shifts": nulls,
        "schema_changes": columns,
        "flags": [name for name in FLAGS if flags[name]],
        "trusted": not bad,
    }


def stale_days(lake: Lake, near: Collection[str] | None = None) -> list[str]:
    """The days whose `daily_changes` must be rebuilt, oldest first.

    Stale days, days whose datasets are stale or came afterwards, and days that an early version
    compared without `absences`. From footers, each read once, whether `day_quality` is current or
    not. Days without models cannot be rebuilt, and days that were never compared lack more.

    Args:
        lake: the lake.
        near: new days; then only the days that may have one of them as baseline.
    """
    candidates = {*lake.days("models")}
    if near is not None:
        listings = (MODELS, DATASETS)
        candidates &= {day for one in listings for day in neighbours(lake.days(one.table), near)}
    days = all_days(lake)
    without_absences = {day.day for day in days if day.compared and lacks_absences(day.comparison)}
    of_models, of_datasets = stale_among(days) & candidates, stale_datasets(days) & candidates
    wanted = of_models | of_datasets | (without_absences & candidates)
    if not wanted:
        return []
    facts = notes_by_month(lake, "daily_changes")
    notes = {day: DayComparison.read(facts[day]) for day in wanted}
    sha256 = capture_sha256(lake)
    # By `models` as it is now: the footer of `daily_changes` may be older.
    current = changes.stored_baselines(lake, of_models)
    stale = without_absences & candidates
    stale |= {day for day in of_models if _differs(notes[day], day, current[day], sha256)}
    if of_datasets:
        sha256 = {one.day: one.datasets.sha256 for one in days if one.datasets}
        current = changes.stored_baselines(lake, of_datasets, DATASETS)
        stale |= {
            day
            for day in of_datasets & current.keys()
            if _differs(notes[day].datasets, day, current[day], sha256)
        }
    return sorted(stale)


def _differs(
    comparison: ListingComparison | None,
    day: str,
    baseline: Baseline,
    sha256: Mapping[str, str | None],
) -> bool:
    """Whether a day must be compared again, by the captures that its listing has now."""
    if comparison is None:
        return True
    return is_stale(comparison, baseline, sha256.get(baseline.day or ""), sha256[day])


# --- checks of the table -------------------------------------------------------------------------


def days_trusted(quality: pl.DataFrame) -> RuleResult:
    """The last thirty days can be trusted; names the last days that cannot.

    Args:
        quality: rows of `DAY_QUALITY`.
    """
    bad = quality.filter(~pl.col("trusted")).sort("day")
    metadata = {"days": quality.height, "not_trusted": bad.height}
    if quality.is_empty():
        return RuleResult(False, "The lake has no days.", metadata, severity="WARN")
    newest = quality["day"].max()
    assert isinstance(newest, date)
    recent = bad.filter(pl.col("day") > newest - timedelta(days=RECENT))
    named = [f"{row['day']} ({', '.join(row['flags'])})" for row in bad.tail(NAMED).to_dicts()]
    text = f"{quality.height - bad.height:,} of {quality.height:,} days are trusted"
    if named:
        text += f"; not: {', '.join(named)}"
    return RuleResult(recent.is_empty(), f"{text}.", metadata, severity="WARN")


def nothing_stale(quality: pl.DataFrame) -> RuleResult:
    """Every day is compared with its current baseline day; names the days to rebuild.

    Args:
        quality: rows of `DAY_QUALITY`.
    """
    late = pl.col("stale")
    if "datasets_flags" in quality.columns:  # tables of earlier versions lack it
        late |= pl.col("datasets_flags").list.contains("stale").fill_null(False)
    days = [str(day) for day in quality.filter(late).sort("day")["day"]]
    if not days:
        return RuleResult(True, "Every day is compared with its baseline day.", {"stale_days": 0})
    named = ", ".join(days[:NAMED]) + (f" and {len(days) - NAMED} more" if days[NAMED:] else "")
    text = (
        f"Materialise daily_changes of {named} again: their baseline days were added or replaced, "
        "or they are not compared yet."
    )
    return RuleResult(False, text, {"stale_days": len(days)}, severity="WARN")
