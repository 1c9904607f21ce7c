"""The rules that a day must pass, beside the words that a reader of the UI sees.

A rule takes what the lake knows of a day (capture facts, Parquet footers, notes) and gives a
`RuleResult`; none reads rows where the footer's statistics will do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl
import polars.selectors as cs

from hf_assets.errors import clean
from hf_assets.hub.capture_store.capture import SHORT_OF_TOTAL, Capture
from hf_assets.hub.quality.coverage import PARTIAL, Extent, Place, extent_of, places
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable, origin
from hf_assets.storage.parquet import Table

QUARANTINE = 0.0001
# Odd values left out, for each row: more is a field that the Hub now serves otherwise.
NULLED = 0.01
# Unread columns that a verdict names at most, and characters of each text.
UNREAD = 20
NAME = 80
# Points by which the share of nulls in a column may move from one day to the next.
NULL_RATE_STEP = 0.05
# Share of (Space, model) pairs whose model is gone, renamed or private.
DANGLING = 0.25


def capture_complete(capture: Capture) -> RuleResult:
    """The listing was walked to its end, and is about as long as the Hub says it is."""
    facts = capture.manifest
    if capture.absent_kind:
        return RuleResult(False, capture.absent_kind, {"rows": 0}, severity="WARN")
    figures = {
        **{"pages": facts.pages, "rows": capture.rows, "distinct": capture.distinct},
        **{"total": facts.total, "bytes": facts.bytes},
    }
    if not facts.complete or not capture.distinct:
        return RuleResult(False, "The capture has no rows or no end.", figures)
    if capture.limited:
        said = "A limited capture (max_rows or filter): not the whole Hub."
        return RuleResult(False, said, figures, severity="WARN")
    if facts.total and capture.distinct < SHORT_OF_TOTAL * facts.total:
        share = capture.distinct / facts.total
        # The Hub does not document what it counts there: only a large gap stops what follows.
        said = f"Only {share:.1%} of the rows that the Hub counts."
        return RuleResult(False, said, figures, severity="WARN" if share >= PARTIAL else "ERROR")
    said = f"{capture.rows:,} rows in {facts.pages:,} pages"
    if capture.source != "captured":
        # An archive keeps no count of the Hub's own to compare with.
        return RuleResult(True, f"{said}, from {origin(capture.provenance)}.", figures)
    return RuleResult(True, f"{said}.", figures)


def partial_days(captures: Mapping[str, Capture], days: Iterable[str]) -> dict[str, RuleResult]:
    """At least half the rows that are usual: those of the last whole capture that covers as much.

    The first capture of its kind is measured by those that follow it, where there are any.

    Args:
        captures: by day, all there are of one asset, oldest first.
        days: some of them.
    """
    placed = places(_extents(captures))
    return {day: _not_partial(captures[day], placed[day]) for day in days}


def usable_days(captures: Mapping[str, Capture]) -> set[str]:
    """The days whose capture no rule stops: each passes, or only warns.

    Args:
        captures: as for `partial_days`.
    """
    extents = _extents(captures)
    placed = places(extents)
    return {one.day for one in extents if one.complete and not placed[one.day].partial}


def _extents(captures: Mapping[str, Capture]) -> list[Extent]:
    verdicts = {day: capture_complete(capture) for day, capture in captures.items()}
    return [
        replace(
            extent_of(day, captures[day].provenance, captures[day].distinct),
            complete=verdict.passed or verdict.severity == "WARN",
        )
        for day, verdict in verdicts.items()
    ]


def _not_partial(capture: Capture, place: Place) -> RuleResult:
    if capture.absent_kind:
        return RuleResult(False, capture.absent_kind, {"rows": 0}, severity="WARN")
    rows, figures = capture.distinct, {"rows": capture.distinct}
    if capture.limited:
        return RuleResult(True, "A limited capture: not compared.", figures)
    if place.usual is None:
        return RuleResult(True, "No other capture to compare with.", figures)
    beside = f" (as on {place.before})" if place.before else ""
    says = f"{rows:,} rows, where {place.usual:,} are usual{beside}."
    figures |= {"rows usual": place.usual}
    if place.partial:
        return RuleResult(False, f"A partial snapshot: {says}", figures)
    return RuleResult(True, says, figures)


def doubled_rows(capture: Capture) -> RuleResult:
    """Rows served twice, as happens when the Hub moves under a listing; the tables keep one."""
    doubled = capture.rows - capture.manifest.without_id - capture.distinct
    share = doubled / max(capture.rows, 1)
    figures = {"doubled": doubled, "share": share}
    return RuleResult(
        share < 0.01, f"{doubled:,} rows came twice ({share:.2%}).", figures, severity="WARN"
    )


def unread_columns(capture: Capture) -> RuleResult:
    """Columns of an archive that look like the Hub's, and that nothing was made of."""
    unread = capture.unread
    says = "; ".join(
        f"`{clean(name, NAME)}`: {clean(reason, NAME)}"
        for name, reason in [*unread.items()][:UNREAD]
    )
    if len(unread) > UNREAD:
        says += f"; and {len(unread) - UNREAD:,} more"
    figures = {"columns not read": len(unread)}
    return RuleResult(not unread, says or "No column was left unread.", figures, severity="WARN")


def required_columns(stored: StoredTable, table: Table) -> RuleResult:
    """The columns that are never null are not, and no id is empty."""
    nulls = _footer_nulls(stored)
    figures = {f"null {name}": nulls.get(name, 0) for name in table.required}
    if stored.rows == 0:
        absent = absent_kind(stored)
        return RuleResult(
            False,
            absent or "The table is empty.",
            figures,
            severity="WARN" if absent is not None else "ERROR",
        )
    empty = stored.frame.select((pl.col("id") == "").sum()).collect().item()
    bad = sum(figures.values()) + empty
    says = f"No null in {', '.join(table.required)}." if not bad else f"{bad:,} rows without."
    return RuleResult(not bad, says, {**figures, "empty id": empty})


def absent_kind(stored: StoredTable) -> str | None:
    """Why a table has no rows, where its source has none of its kind; else None."""
    said = (facts.get("absent_kind") for facts in stored.provenance.values())
    return next((one for one in said if one), None) if stored.rows == 0 else None


def ranges(stored: StoredTable) -> RuleResult:
    """Counters are not negative, all-time downloads no fewer than a month's, dates are possible."""
    names = stored.frame.collect_schema().names()
    counters = [
        name
        for name in ("downloads", "downloads_all_time", "likes", "parameters", "used_storage")
        if name in names
    ]
    tests = {f"negative {name}": (pl.col(name) < 0).sum() for name in counters}
    day = pl.lit(stored.day).str.to_date()
    tests["created after the day"] = (pl.col("created_at").dt.date() > day).sum()
    if "downloads_all_time" in names:
        tests["more downloads in 30 days than ever"] = (
            pl.col("downloads") > pl.col("downloads_all_time")
        ).sum()
    found = stored.frame.select(**tests).collect().row(0, named=True)
    clipped = {name: count for name, count in stored.notes.items() if name.startswith("clipped")}
    bad = {name: count for name, count in {**found, **clipped}.items() if count}
    says = "; ".join(f"{count:,} {name}" for name, count in bad.items()) or "All in range."
    return RuleResult(not bad, says, {**found, **clipped}, severity="WARN")


class NullCounts:
    """Nulls a column of a day; of the last two days looked at, counted once."""

    def __init__(self) -> None:
        self._known: dict[Path, dict[str, int]] = {}

    def of(self, stored: StoredTable) -> dict[str, int]:
        """`null_counts` of that day."""
        if stored.path not in self._known:
            newest = list(self._known.items())[-1:]
            self._known = {**dict(newest), stored.path: null_counts(stored)}
        return self._known[stored.path]


def null_rates(
    stored: StoredTable, before: StoredTable | None, counted: NullCounts | None = None
) -> RuleResult:
    """No column is null much more, or much less, often than on the last day."""
    counted = counted or NullCounts()
    if before is None or not before.rows or not stored.rows:
        return RuleResult(True, "No earlier day to compare with.")
    then, now = counted.of(before), counted.of(stored)
    steps = {
        name: now[name] / stored.rows - then[name] / before.rows for name in now if name in then
    }
    moved = {name: step for name, step in steps.items() if abs(step) > NULL_RATE_STEP}
    says = (
        "; ".join(f"{name} {step:+.1%} null since {before.day}" for name, step in moved.items())
        or f"As on {before.day}."
    )
    return RuleResult(
        not moved, says, {f"{name} step": step for name, step in steps.items()}, "WARN"
    )


def quarantined(stored: StoredTable) -> RuleResult:
    """Rows put aside because they have no identity: fewer than one in ten thousand."""
    aside, served = stored.notes.get("quarantined", 0), stored.notes.get("served", 0)
    nulled = stored.notes.get("nulled", 0)
    figures = {"quarantined": aside, "values left out": nulled, "served": served}
    says = f"{aside:,} of {served:,} rows in quarantine, {nulled:,} odd values left out."
    if aside > QUARANTINE * served:
        return RuleResult(False, says, figures)
    return RuleResult(nulled <= NULLED * served, says, figures, severity="WARN")


def dangling_models(stored: StoredTable) -> RuleResult:
    """Each Space → model pair either finds its model or is counted as dangling."""
    pairs, dangling = stored.notes.get("pairs", 0), stored.notes.get("dangling pairs", 0)
    share = dangling / pairs if pairs else 0.0
    says = f"{dangling:,} of {pairs:,} pairs ({share:.1%}) name a model that is not listed."
    return RuleResult(
        share <= DANGLING, says, {"pairs": pairs, "dangling": dangling}, severity="WARN"
    )


def null_counts(stored: StoredTable) -> dict[str, int]:
    """Nulls a column: from the footer, but for lists, whose footers count elements."""
    lists = stored.frame.select(cs.list()).null_count().collect()
    return _footer_nulls(stored) | (lists.row(0, named=True) if lists.width else {})


def _footer_nulls(stored: StoredTable) -> dict[str, int]:
    metadata = stored.file.arrow().metadata
    counts: dict[str, int] = {}
    for group in range(metadata.num_row_groups):
        for at in range(metadata.num_columns):
            column = metadata.row_group(group).column(at)
            if "." not in column.path_in_schema and column.statistics is not None:
                name = column.path_in_schema
                counts[name] = counts.get(name, 0) + column.statistics.null_count
    return counts
