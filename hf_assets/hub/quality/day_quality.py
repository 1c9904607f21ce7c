"""Which days can be trusted: a row for every day from the first stored to the last.

Read from footers, and from who went and came each day (`absences`): a year is judged in a fifth of
a second.

A day is *partial* where its listing broke off, *stalled* where the counters stood still, *rolled
back* where counters that only rise fell, *short* where it came too soon after the last, *stale*
where it is compared with a day that is no neighbour any more: none of that is known then. A stall
is no zero, and what comes after it no jump: who reads a series spreads it between trusted days.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.quality import changes
from hf_assets.hub.quality.absences import Returned, returned
from hf_assets.hub.quality.coverage import WHOLE_HUB, Extent, Place, extent_of, places
from hf_assets.hub.quality.day_rules import (
    AROUND,
    Seen,
    long_enough,
    not_stalled,
    null_shifts,
    schema_changes,
)
from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.hub.quality.stale import beside, forgets, is_stale, stale_among
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import Lake, MissingDay, TableWrite, iso
from hf_assets.storage.months import kept_by_month, notes_by_month

# Stored days after which a rollback that is never made up counts as the new level (Model Pulse).
LONGEST_HELD = 8
# Days that `days_trusted` looks back on, and names at most.
RECENT = 30
NAMED = 10


def seen(lake: Lake, day: str) -> Seen:
    """That day, from its footers. MissingDay where the lake has none of it."""
    return _seen(lake, day, _notes(lake, "daily_changes", day), _notes(lake, "daily_metrics", day))


def _notes(lake: Lake, asset: str, day: str) -> Mapping[str, Any] | None:
    try:
        return lake.notes(asset, day)
    except MissingDay:
        return None


def _seen(
    lake: Lake,
    day: str,
    changed: Mapping[str, Any] | None,
    metrics: Mapping[str, Any] | None,
    sha256: str | None = None,
) -> Seen:
    """That day, from the notes of its `daily_changes` and `daily_metrics`, where it has any."""
    if changed is None:
        return _unmade(lake, day)
    models = changed["models"]
    extent = Extent(day, changed["coverage"], models or 0, absent=models is None)
    return Seen(extent, dict(changed), (metrics or {}).get("Spaces"), models_sha256=sha256)


def _unmade(lake: Lake, day: str) -> Seen:
    """A day that is captured or has models, and was not compared: partial, or still to be made."""
    try:
        stored = lake.read("models", day)
        facts, rows = changes.facts_of(stored), stored.rows
        has_models = True
    except MissingDay:
        capture = CaptureStore(lake, "raw_models").complete(day)
        if capture is None:
            raise
        facts, rows = capture.provenance, capture.distinct
        has_models = False
    extent = extent_of(day, facts, rows)
    models = None if extent.absent else rows
    notes = {**changes.origin_of(facts), "models": models, "sha256": facts.get("sha256")}
    return Seen(extent, notes, made=False, has_models=has_models)


def around(see: Callable[[str], Seen], day: str) -> list[Seen]:
    """The stored days of the week before and the week after, that day among them.

    Args:
        see: `seen` of a lake.
        day: a stored day.
    """
    first = iso(day) - AROUND
    found = []
    for number in range(2 * AROUND.days + 1):
        try:
            found.append(see(str(first + timedelta(days=number))))
        except MissingDay:
            continue
    return found


# --- the table -----------------------------------------------------------------------------------


def judged(lake: Lake) -> TableWrite:
    """`day_quality` of every day of a lake."""
    days = all_days(lake)
    return day_quality(days, returned(lake, days))


def day_quality(days: Sequence[Seen], back: Mapping[str, Returned] | None = None) -> TableWrite:
    """The verdicts, gaps included. Columns: `judged.DAY_QUALITY`.

    A rollback may last: the days after it are rolled back too, for as long as all all-time counters
    together are under what they were before it, at most 8 stored days. A day that was not compared
    yet, or with another than it stands beside, is stale, and not trusted until it is: whether it
    stood still or fell back is not known.

    Args:
        days: all there are, oldest first.
        back: who returned on each (`absences.returned`); not told of days that it lacks.
    """
    rows = list(_rows_of(days, back or {}))
    frame = pl.DataFrame(rows, schema=DAY_QUALITY.schema, orient="row")
    flagged = {flag: sum(flag in row["flags"] for row in rows) for flag in FLAGS}
    return TableWrite(frames=[frame], notes={"rows": len(rows), "days": len(days), **flagged})


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


def _rows_of(days: Sequence[Seen], back: Mapping[str, Returned]) -> Iterator[dict[str, Any]]:
    placed = places(one.extent for one in days)
    stale = stale_among(days)
    by_day = {one.day: one for one in days}
    held = _Held()
    last: date | None = None
    for at, one in enumerate(days):
        day = iso(one.day)
        while last and (last := last + timedelta(days=1)) < day:
            yield {"day": last, **_GAP}
        last = day
        place = placed[one.day]
        before = by_day.get(one.notes.get("before") or "")
        yield {
            **_row(
                one,
                place,
                before,
                _near(days, at),
                rolled_back=held.takes(one, before, place),
                stale=one.day in stale if one.made else not place.partial,
            ),
            **_lives(one, back.get(one.day)),
        }


def _lives(one: Seen, back: Returned | None) -> dict[str, int | None]:
    """Who came, went and changed; of days that another version compared, as it said it."""
    lives: Mapping[str, int | None] = one.notes.get("lifecycle", {})
    found = {name: lives.get(name) for name in ("renamed", "deleted", "entered", "left")}
    if one.extent.coverage != WHOLE_HUB and "left" not in lives and "deleted" in lives:
        came = sum(lives.get(name) or 0 for name in ("created", "returned", "undated"))
        found |= {"deleted": None, "entered": came, "left": lives["deleted"]}
    older = lives.get("older")
    return {
        **found,
        "returned": back.dated + back.undated if back else None,
        "first_seen_late": older - back.dated if back and older is not None else None,
    }


def _near(days: Sequence[Seen], at: int) -> list[Seen]:
    middle = iso(days[at].day)
    first = str(middle - AROUND)
    last = str(middle + AROUND)
    span = range(max(at - AROUND.days, 0), min(at + AROUND.days + 1, len(days)))
    return [days[number] for number in span if first <= days[number].day <= last]


class _Held:
    """Rollbacks that last, by coverage: what the total was before, and for how many days more."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[int, int]] = {}

    def takes(self, one: Seen, before: Seen | None, place: Place) -> bool:
        """Whether that day is rolled back, or still is."""
        coverage, total = one.extent.coverage, one.notes.get("downloads_all_time")
        reference, left = self._of.get(coverage, (0, 0))
        if place.partial or total is None:
            return False
        if changes.rolled_back(dict(one.compared)):
            if not left and before is not None:
                reference = before.notes.get("downloads_all_time") or 0
            self._of[coverage] = (reference, LONGEST_HELD)
            return True
        if left and total < reference:
            self._of[coverage] = (reference, left - 1)
            return True
        self._of.pop(coverage, None)
        return False


def _row(
    one: Seen,
    place: Place,
    before: Seen | None,
    near: list[Seen],
    *,
    rolled_back: bool,
    stale: bool,
) -> dict[str, Any]:
    notes = one.notes
    nulls, columns = null_shifts(one, before), schema_changes(one, before)
    told = {
        "gap": False,
        "partial": place.partial,
        "stalled": not not_stalled(one, near).passed,
        "rolled back": rolled_back,
        "short": not long_enough(one).passed,
        "nulls moved": bool(nulls),
        "columns changed": bool(columns),
        "stale": stale,
    }
    bad = place.partial or told["stalled"] or rolled_back or stale or not one.made
    return {
        "day": iso(one.day),
        "source": notes.get("source"),
        "origin": notes.get("origin"),
        "coverage": one.extent.coverage,
        "models": notes.get("models"),
        "spaces": one.spaces,
        "downloads": notes.get("downloads"),
        "before": iso(notes["before"]) if notes.get("before") else None,
        "hours": notes.get("hours"),
        **{name: told[name] for name in ("gap", "partial", "stalled", "short", "stale")},
        "rolled_back": rolled_back,
        "unchanged_share": one.share("larger_unchanged", "larger"),
        "fell_share": one.share("all_time_fell", "all_time"),
        "null_shifts": nulls,
        "schema_changes": columns,
        "flags": [name for name in FLAGS if told[name]],
        "trusted": not bad,
    }


def still_stale(lake: Lake, near: Collection[str] | None = None) -> list[str]:
    """The days whose `daily_changes` is to be made anew, oldest first.

    Stale ones, and those that a version compared that did not remember who went (`forgets`). From
    footers, whether `day_quality` was made since or not; each is read once. Days without
    models cannot be made anew, and those that were never compared lack more than that.

    Args:
        lake: the lake.
        near: days that are new; then only those that may be compared with one of them.
    """
    known = lake.days("models")
    if near is not None:
        known = beside(known, near)
    days = all_days(lake)
    forgetful = {one.day for one in days if one.made and forgets(one.notes)}
    wanted = (stale_among(days) | forgetful) & set(known)
    if not wanted:
        return []
    notes = notes_by_month(lake, "daily_changes")
    # As it will be when it is made: what its footer says of a day may be older than its models.
    placed = changes.placed(lake, wanted)
    captures = _captures(lake)
    return sorted(
        day
        for day in wanted
        if day in forgetful
        or is_stale(notes[day], placed[day], captures.get(placed[day].before or ""), captures[day])
    )


def _captures(lake: Lake) -> dict[str, str | None]:
    """The sha256 of the capture behind each day of `models`, as it is now."""
    known = kept_by_month(lake, "models", "captures", _of_footer)
    return {day: said.get("sha256") for day, said in known.items()}


def _of_footer(lake: Lake, day: str) -> dict[str, Any]:
    return {"sha256": changes.facts_of(lake.read("models", day)).get("sha256")}


def all_days(lake: Lake) -> list[Seen]:
    """Every day that was captured or has a table, oldest first."""
    captured = CaptureStore(lake, "raw_models").days()
    changed, metrics = (notes_by_month(lake, name) for name in ("daily_changes", "daily_metrics"))
    captures = _captures(lake)
    return [
        _seen(lake, day, changed.get(day), metrics.get(day), captures.get(day))
        for day in sorted({*captured, *lake.days("models"), *changed})
    ]


# --- what is said of the table -------------------------------------------------------------------


def days_trusted(judged: pl.DataFrame) -> RuleResult:
    """The last thirty days can be trusted; names the last that cannot.

    Args:
        judged: rows of `DAY_QUALITY`.
    """
    bad = judged.filter(~pl.col("trusted")).sort("day")
    figures = {"days": judged.height, "not trusted": bad.height}
    if judged.is_empty():
        return RuleResult(False, "There are no days.", figures, severity="WARN")
    newest = judged["day"].max()
    assert isinstance(newest, date)
    recent = bad.filter(pl.col("day") > newest - timedelta(days=RECENT))
    named = [f"{row['day']} ({', '.join(row['flags'])})" for row in bad.tail(NAMED).to_dicts()]
    says = f"{judged.height - bad.height:,} of {judged.height:,} days are trusted"
    return RuleResult(
        recent.is_empty(), f"{says}{'; not: ' if named else ''}{', '.join(named)}.", figures, "WARN"
    )


def nothing_stale(judged: pl.DataFrame) -> RuleResult:
    """No day is compared with one that is no neighbour any more; names the days to make anew.

    Args:
        judged: rows of `DAY_QUALITY`.
    """
    days = [str(day) for day in judged.filter("stale").sort("day")["day"]]
    if not days:
        return RuleResult(True, "Every day is compared with its neighbour.", {"stale": 0})
    named = ", ".join(days[:NAMED]) + (f" and {len(days) - NAMED} more" if days[NAMED:] else "")
    says = (
        f"Materialise daily_changes of {named} anew: days came between or were replaced, or it is "
        "not made yet."
    )
    return RuleResult(False, says, {"stale": len(days)}, severity="WARN")
