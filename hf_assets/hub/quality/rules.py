"""Rules of captures and tables, with the texts that the UI shows.

A rule reads manifests, footers and statistics of a day and returns a `RuleResult`; none reads rows
where the footer's statistics will do.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pyarrow.parquet as pq

from hf_assets.errors import clean
from hf_assets.hub.capture_store.capture import SHORT_OF_TOTAL, Capture
from hf_assets.hub.quality.baselines import PARTIAL, Baseline, DaySize, baselines, day_size
from hf_assets.hub.tables.records import CleaningCounts
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable
from hf_assets.storage.parquet import Table
from hf_assets.storage.records import CaptureProvenance, Footer
from hf_assets.ui_words import percent

# Highest share of quarantined rows.
QUARANTINE = 0.0001
# Highest share of duplicate rows.
DUPLICATES = 0.01
# Invalid values per row: with more, the Hub has changed the format of a field.
COERCED = 0.01
# Unread columns that a result names at most, and characters of each text.
UNREAD = 20
NAME = 80
# Points by which the share of nulls in a column may move from one day to the next.
NULL_RATE_STEP = 0.05
NOT_COMPARED = "No earlier day of the same source to compare with."
# Share of (Space, model) pairs whose model is deleted, renamed or private.
DANGLING = 0.25


def capture_complete(capture: Capture) -> RuleResult:
    """The listing was read to its end, and is about as long as the Hub says."""
    manifest = capture.manifest
    if capture.absent_kind:
        return RuleResult(False, capture.absent_kind, {"rows": 0}, severity="WARN")
    metadata = {
        "pages": manifest.pages,
        "rows": capture.rows,
        "distinct": capture.distinct,
        "total": manifest.total,
        "bytes": manifest.bytes,
    }
    if not manifest.complete or not capture.distinct:
        return RuleResult(False, "The capture is empty or incomplete.", metadata)
    if capture.limited:
        text = "A limited capture (max_rows or filter): not the whole Hub."
        return RuleResult(False, text, metadata, severity="WARN")
    if manifest.total and capture.distinct < SHORT_OF_TOTAL * manifest.total:
        share = capture.distinct / manifest.total
        # The Hub does not document that count: only a large gap blocks downstream assets.
        text = f"Only {percent(share)} of the rows that the Hub counts."
        return RuleResult(False, text, metadata, severity="WARN" if share >= PARTIAL else "ERROR")
    text = f"{capture.rows:,} rows in {manifest.pages:,} pages"
    if capture.source != "captured":
        # An archive has no count by the Hub to compare with.
        origin = _provenance(capture).origin
        return RuleResult(True, f"{text}, from {origin}.", metadata)
    return RuleResult(True, f"{text}.", metadata)


def partial_days(captures: Mapping[str, Capture], days: Iterable[str]) -> dict[str, RuleResult]:
    """At least half the rows of the last complete capture of the same scope.

    The first capture of a scope is measured by the captures after it, if there are any.

    Args:
        captures: by day, all of one asset, oldest first.
        days: some of them.
    """
    by_day = baselines(_sizes(captures))
    return {day: _not_partial(captures[day], by_day[day]) for day in days}


def usable_days(captures: Mapping[str, Capture]) -> set[str]:
    """The days whose capture passes every blocking rule, or only warns.

    Args:
        captures: as for `partial_days`.
    """
    sizes = _sizes(captures)
    by_day = baselines(sizes)
    return {size.day for size in sizes if size.complete and not by_day[size.day].partial}


def _provenance(capture: Capture) -> CaptureProvenance:
    return CaptureProvenance.read(capture.provenance)


def _sizes(captures: Mapping[str, Capture]) -> list[DaySize]:
    results = {day: capture_complete(capture) for day, capture in captures.items()}
    return [
        replace(
            day_size(day, _provenance(captures[day]), captures[day].distinct),
            complete=result.passed or result.severity == "WARN",
        )
        for day, result in results.items()
    ]


def _not_partial(capture: Capture, baseline: Baseline) -> RuleResult:
    if capture.absent_kind:
        return RuleResult(False, capture.absent_kind, {"rows": 0}, severity="WARN")
    rows, metadata = capture.distinct, {"rows": capture.distinct}
    if capture.limited:
        return RuleResult(True, "A limited capture: not compared.", metadata)
    if baseline.expected_rows is None:
        return RuleResult(True, "No other capture to compare with.", metadata)
    source = f" (as on {baseline.day})" if baseline.day else ""
    text = f"{rows:,} rows, {baseline.expected_rows:,} expected{source}."
    metadata |= {"expected_rows": baseline.expected_rows}
    if baseline.partial:
        return RuleResult(False, f"A partial snapshot: {text}", metadata)
    return RuleResult(True, text, metadata)


def duplicate_rows(capture: Capture) -> RuleResult:
    """Few rows are served twice, when the Hub moves during a listing; the tables keep one."""
    said = capture.manifest
    # Chains read some rows twice by themselves: the Hub did not move.
    duplicates = capture.rows - said.without_id - capture.distinct - (said.shared_rows or 0)
    share = duplicates / max(capture.rows, 1)
    metadata = {"duplicates": duplicates, "duplicates_percent": round(100 * share, 2)}
    text = f"{duplicates:,} duplicate rows ({percent(share)})."
    return RuleResult(share < DUPLICATES, text, metadata, severity="WARN")


def unread_columns(capture: Capture) -> RuleResult:
    """Every column of an archive that resembles a field of the Hub was read."""
    unread = capture.unread
    text = "; ".join(
        f"`{clean(name, NAME)}`: {clean(reason, NAME)}"
        for name, reason in [*unread.items()][:UNREAD]
    )
    if len(unread) > UNREAD:
        text += f"; and {len(unread) - UNREAD:,} more"
    metadata = {"unread_columns": len(unread)}
    return RuleResult(not unread, text or "Every column was read.", metadata, severity="WARN")


def required_columns(stored: StoredTable, table: Table) -> RuleResult:
    """Required columns have no null, and no id is empty."""
    nulls = _footer_nulls(stored)
    metadata = {f"null {name}": nulls.get(name, 0) for name in table.required}
    if stored.rows == 0:
        reason = absent_kind(stored)
        return RuleResult(
            False,
            reason or "The table is empty.",
            metadata,
            severity="WARN" if reason is not None else "ERROR",
        )
    empty = 0
    if _least(stored, "id") in (None, ""):
        empty = stored.frame.select((pl.col("id") == "").sum()).collect().item()
    bad = sum(metadata.values()) + empty
    columns = ", ".join(table.required)
    text = f"{bad:,} values of {columns} are null or empty." if bad else f"No null in {columns}."
    return RuleResult(not bad, text, {**metadata, "empty id": empty})


def absent_kind(stored: StoredTable) -> str | None:
    """Why a table has no rows, where its source has none of its kind; else None."""
    reasons = (stored.capture(asset).absent_kind for asset in stored.provenance)
    return next(filter(None, reasons), None) if stored.rows == 0 else None


def ranges(stored: StoredTable) -> RuleResult:
    """No negative counter, no all-time downloads under those of 30 days, no date in the future."""
    names = stored.frame.collect_schema().names()
    counters = [
        name
        for name in (
            *("downloads", "downloads_all_time", "likes", "parameters"),
            *("used_storage", "main_size"),
        )
        if name in names
    ]
    tests = {f"negative {name}": (pl.col(name) < 0).sum() for name in counters}
    day = pl.lit(stored.day).str.to_date()
    tests["created after the day"] = (pl.col("created_at").dt.date() > day).sum()
    if "downloads_all_time" in names:
        tests["more downloads in 30 days than ever"] = (
            pl.col("downloads") > pl.col("downloads_all_time")
        ).sum()
    out_of_range = stored.frame.select(**tests).collect().row(0, named=True)
    clipped = CleaningCounts.read(stored.notes).clipped
    counts = out_of_range | {f"{name} clipped to 0": count for name, count in clipped.items()}
    text = "; ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    return RuleResult(not text, text or "All values are in range.", counts, severity="WARN")


class NullCounts:
    """Nulls by column, counted once for each of the last two days asked for."""

    def __init__(self) -> None:
        self._by_path: dict[Path, dict[str, int]] = {}

    def of(self, stored: StoredTable) -> dict[str, int]:
        """`null_counts` of that day."""
        if stored.path not in self._by_path:
            newest = list(self._by_path.items())[-1:]
            self._by_path = {**dict(newest), stored.path: null_counts(stored)}
        return self._by_path[stored.path]


def null_rates(
    stored: StoredTable, before: StoredTable | None, counted: NullCounts | None = None
) -> RuleResult:
    """No column is null much more, or much less, often than on the last day of the same source.

    Args:
        stored: the day.
        before: the last earlier day of the same source and scope, if any.
        counted: of a run over many days.
    """
    counted = counted or NullCounts()
    if before is None or not before.rows or not stored.rows:
        return RuleResult(True, NOT_COMPARED)
    then, now = counted.of(before), counted.of(stored)
    shares = {
        name: (then[name] / before.rows, count / stored.rows)
        for name, count in now.items()
        if name in then and name != "day"
    }
    moved = {name: (a, b) for name, (a, b) in shares.items() if abs(b - a) > NULL_RATE_STEP}
    text = "; ".join(null_shift(name, before.day, a, b) for name, (a, b) in moved.items())
    metadata = {
        f"{name}: change of nulls (percentage points)": round(100 * (b - a), 1)
        for name, (a, b) in shares.items()
    }
    return RuleResult(not moved, f"{text or f'As on {before.day}'}.", metadata, "WARN")


def null_shift(column: str, day: str, before: float, now: float) -> str:
    """The shares of nulls of a column now and on an earlier day, in words."""
    return f"{column}: {percent(now)} null, {percent(before)} on {day}"


def alike(raw: str, day: StoredTable, earlier: StoredTable) -> bool:
    """Whether two days of a table are of one source and scope, and the earlier one has rows.

    Args:
        raw: the listing that the table's rows are of.
        day: a day.
        earlier: an earlier day.
    """
    sources = [(one.capture(raw), one) for one in (day, earlier)]
    first, second = (
        (capture.source, day_size(one.day, capture, one.rows).scope) for capture, one in sources
    )
    return bool(earlier.rows) and first == second


def quarantined(stored: StoredTable) -> RuleResult:
    """Fewer than one row in ten thousand has no identity, and few values are invalid."""
    counts = CleaningCounts.read(stored.notes)
    metadata = {
        "quarantined": counts.quarantined,
        "coerced": counts.coerced,
        "served": counts.served,
    }
    text = (
        f"{counts.quarantined:,} of {counts.served:,} rows in quarantine, "
        f"{counts.coerced:,} invalid values coerced to null."
    )
    if counts.quarantined > QUARANTINE * counts.served:
        return RuleResult(False, text, metadata)
    return RuleResult(counts.coerced <= COERCED * counts.served, text, metadata, severity="WARN")


def dangling_models(stored: StoredTable) -> RuleResult:
    """Few (Space, model) pairs name a model that is not in `models`."""
    counts = CleaningCounts.read(stored.notes)
    pairs, dangling = counts.pairs or 0, counts.dangling_pairs or 0
    share = dangling / pairs if pairs else 0.0
    text = f"{dangling:,} of {pairs:,} pairs ({percent(share)}) name a model that is not listed."
    metadata = {"pairs": pairs, "dangling_pairs": dangling}
    return RuleResult(share <= DANGLING, text, metadata, severity="WARN")


def null_counts(stored: StoredTable) -> dict[str, int]:
    """Nulls by column, from the footer; its statistics count the elements of lists."""
    of_lists = Footer.read(stored.file.footer()).list_nulls
    if of_lists is None or stored.emptied:
        lists = stored.frame.select(cs.list()).null_count().collect()
        of_lists = lists.row(0, named=True) if lists.width else {}
    return _footer_nulls(stored) | of_lists


def _least(stored: StoredTable, name: str) -> str | None:
    """The least text of a column, from the footer; None where a row group does not say it."""
    found = [column.statistics for path, column in _columns(stored) if path == name]
    if not all(one is not None and one.has_min_max for one in found):
        return None
    return min((one.min for one in found), default=None)


def _footer_nulls(stored: StoredTable) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, column in _columns(stored):
        if "." not in name and column.statistics is not None:
            counts[name] = counts.get(name, 0) + column.statistics.null_count
    return counts


def _columns(stored: StoredTable) -> Iterator[tuple[str, pq.ColumnChunkMetaData]]:
    """The columns of each row group, with their names."""
    metadata = stored.file.arrow().metadata
    for group in range(metadata.num_row_groups):
        for at in range(metadata.num_columns):
            column = metadata.row_group(group).column(at)
            yield column.path_in_schema, column
