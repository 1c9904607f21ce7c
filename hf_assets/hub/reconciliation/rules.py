"""A recorded day against the table made of it: what the file holds must be in the table.

The file's side was counted when the day was recovered (`reconciliation_counts`), by readers that
share nothing with those that made the pages. Here it is compared; the table's side is one query.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import polars as pl

from hf_assets.hub.archive.values import NOTHING
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.reconciliation.cells import COUNTERS, LISTS, TIMES, WEIGHTS, WORDS
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable

# The table's column of each field of the Hub, where it is called otherwise.
_COLUMNS: Mapping[str, str] = {
    "downloadsAllTime": "downloads_all_time",
    "trendingScore": "trending_score",
    "usedStorage": "used_storage",
    "createdAt": "created_at",
    "lastModified": "last_modified",
    "pipeline_tag": "category",
    "library_name": "library",
}
# A score is added up in millionths, each rounded.
_MILLION = 1_000_000
# Differences that a description names; the figures have all.
_MOST_NAMED = 12


class _Number(NamedTuple):
    """One number of the file, as it may stand in the table.

    Args:
        words: what is counted.
        file: as counted.
        table: as stored.
        low: the table may have no less: it keeps one of two rows with one id.
        high: and no more; None where the file has values that could not be counted.
        left_out: no more than this is missing by what the run itself names as left out.
    """

    words: str
    file: int
    table: int
    low: int
    high: int | None
    left_out: int

    @property
    def agrees(self) -> bool:
        """The table has what the file has."""
        return self.low <= self.table and (self.high is None or self.table <= self.high)

    @property
    def announced(self) -> bool:
        """The table lacks no more than the run names as left out."""
        return self.low - self.left_out <= self.table < self.low

    def __str__(self) -> str:
        return f"{self.words}: {self.file:,} in the file, {self.table:,} in the table"


def reconciled(stored: StoredTable, capture: Capture | None) -> RuleResult:
    """The table has what the recorded file has: rows, tags, licences, sums of counters.

    Lost or changed without a word is an error; what the run names as left out is a warning, and so
    is what could not be counted.

    Args:
        stored: `models` or `enriched_spaces` of a day.
        capture: of that day, which the table was made of.
    """
    try:
        return _verdict(stored, capture)
    # Whatever a file, or a capture of another version, holds: a check gives a verdict.
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001
        why = f"{type(error).__name__}: {error}"[:300]
        says = f"The file and the table could not be compared ({why}): compare them by hand."
        return RuleResult(False, says, {"compared": False}, severity="WARN")


def _verdict(stored: StoredTable, capture: Capture | None) -> RuleResult:
    reason = _incomparable(stored, capture)
    if reason or capture is None:
        return RuleResult(True, reason or "", {"compared": False})
    counts = capture.counted
    if "uncounted" in counts:
        says = f"The file could not be counted ({counts['uncounted']}): compare it by hand."
        return RuleResult(False, says, {"compared": False}, severity="WARN")
    table = _of_table(stored, counts["fields"])
    every = [*_numbers(stored, capture, table)]
    differences = [one for one in every if not one.agrees]
    says = [*map(str, differences), *_remarks(counts, table, stored.notes)]
    figures = {
        "compared": True,
        "numbers compared": len(every),
        "numbers that differ": len(differences),
    }
    for one in [every[0], *differences]:
        figures |= {f"{one.words}, file": one.file, f"{one.words}, table": one.table}
    if not says:
        return RuleResult(True, f"{stored.rows:,} rows and {len(every)} numbers agree.", figures)
    more = [f"and {len(says) - _MOST_NAMED} more"] if len(says) > _MOST_NAMED else []
    silent = any(not one.announced for one in differences)
    return RuleResult(
        False,
        "; ".join([*says[:_MOST_NAMED], *more]) + ".",
        figures,
        severity="WARN" if not silent else "ERROR",
    )


def _incomparable(stored: StoredTable, capture: Capture | None) -> str | None:
    """Why there is nothing to compare; None where there is."""
    if capture is None:
        return "The capture is no longer there."
    if capture.absent_kind:
        return capture.absent_kind
    if capture.source != "folder":
        return "Compares recorded folders with their tables: this day is from another source."
    if capture.manifest.counted is None:
        return "Recovered before files were counted: recover the day with `refetch` to compare it."
    if "thinned" in stored.notes:
        return "The table was thinned since: there is nothing to compare."
    of_table = stored.provenance.get(f"raw_{capture.manifest.query.kind}", {})
    if of_table.get("sha256") != capture.manifest.sha256:
        return "The table is of an earlier capture of that day: materialise it to compare it."
    return None


def _numbers(stored: StoredTable, capture: Capture, table: Mapping[str, int]) -> Iterator[_Number]:
    """Each number of the file beside the table's; the rows first."""
    counts = capture.counted
    fields, distinct = counts["fields"], counts["distinct"]
    # Rows without a name are put aside for good reason; any others are in the file, and missing.
    aside = max(0, stored.notes.get("quarantined", 0) - counts["unnamed"])
    yield _Number("rows", distinct, stored.rows, distinct, distinct, aside)
    # Of rows that lie in the file twice, or were put aside, any may be the one that is not there.
    missing = counts["rows"] - distinct + aside
    unread = capture.unread
    for (field, measure), (words, _) in _measured(fields).items():
        file, source = fields[field][measure], "tags" if field == "bases" else field
        cells = fields.get(source, {})
        most = cells["largest"] if measure in ("sum", "items") else 1
        unclear = cells.get("invalid", 0)
        high = None if unclear and measure in ("sum", "items") else file + unclear
        nulled = stored.notes.get(f"nulled {source}", 0)
        if field == "parameters":
            nulled = sum(stored.notes.get(f"nulled {name}", 0) for name in WEIGHTS)
        of = WEIGHTS if field == "parameters" else (source,)
        named = {name for one in of for name in counts["columns"].get(one, [one])} & set(unread)
        left_out = file if named else most * nulled
        value = table[f"{field}:{measure}"]
        yield _Number(words, file, value, file - missing * most, high, left_out)


def _remarks(
    counts: Mapping[str, Any], table: Mapping[str, int], notes: Mapping[str, Any]
) -> Iterator[str]:
    """What is worth a look though no number says that it is wrong."""
    for field, cells in counts["fields"].items():
        values, invalid = cells.get("values", 0), cells.get("invalid", 0)
        stored = table.get(f"{field}:values", 0) or table.get(f"{field}:rows", 0)
        if invalid and not values and not stored:
            yield f"{field} could not be counted: none of its {invalid:,} values is clear"
        if cells.get("cut_off"):
            yield f"{field} of {cells['cut_off']:,} rows are cut off in the file"
        nulled = notes.get(f"nulled {field}", 0)
        # Values that are clear and were left out show in the numbers.
        if field in (*COUNTERS, *TIMES) and nulled > invalid and stored >= values:
            yield f"{nulled:,} {field} are named as invalid, and the file has {invalid:,}"
    if counts["repeated"] is False and counts["columns"].get("day", [""])[0].lower() != "day":
        column = counts["columns"]["day"][0]
        yield f"the column `{column}` was taken for the day, and no id is on two days of the file"


def _measured(fields: Mapping[str, Any]) -> dict[tuple[str, str], tuple[str, pl.Expr]]:
    """What is compared, by field and measure: in words, and of the table's columns."""
    every: dict[tuple[str, str], tuple[str, pl.Expr]] = {}
    for field in fields:
        column = pl.col(_COLUMNS.get(field, field))
        present = column.is_not_null()
        if field in (*COUNTERS, "parameters"):
            amount = (column * _MILLION).round() if field == "trendingScore" else column
            unit = " in millionths" if field == "trendingScore" else ""
            # A score beyond all numbers is not counted in the file either.
            total = amount.cast(pl.Int64, strict=False).cast(pl.Int128).sum()
            every[field, "sum"] = f"sum of {field}{unit}", total
        if field in LISTS:
            every[field, "rows"] = f"rows with {field}", (column.list.len() > 0).sum()
            every[field, "items"] = f"{field} in all", column.list.len().cast(pl.Int64).sum()
        elif field != "bases":
            if field in WORDS:
                present &= ~column.str.to_lowercase().is_in(NOTHING)
            every[field, "values"] = f"rows with {field}", present.sum()
    if "private" in fields:
        every["private", "true"] = "private rows", pl.col("private").sum()
    if "tags" in fields:
        every["tags", "licences"] = "rows with a licence", pl.col("license").is_not_null().sum()
    if "bases" in fields:
        based = (pl.col("base_models").list.len() > 0).sum()
        every["bases", "rows"] = "rows with a base model", based
    return every


def _of_table(stored: StoredTable, fields: Mapping[str, Any]) -> dict[str, int]:
    """The same numbers of the table, in one query."""
    exprs = {
        f"{field}:{measure}": expr for (field, measure), (_, expr) in _measured(fields).items()
    }
    row = stored.frame.select(**exprs).collect().row(0, named=True) if exprs else {}
    return {name: int(value or 0) for name, value in row.items()}
