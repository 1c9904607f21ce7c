"""A recorded day against its table: the table must have all that the file has.

`counts` counted the file when the day was recovered, with readers that share nothing with those of
the pages. A single query counts the table.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import polars as pl

from hf_assets.hub.archive.values import NOTHING
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.reconciliation.cells import COUNTERS, LISTS, TIMES, WEIGHTS, WORDS
from hf_assets.hub.tables.records import CleaningCounts
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable

# The table's columns with other names than the Hub's fields.
_COLUMNS: Mapping[str, str] = {
    "downloadsAllTime": "downloads_all_time",
    "trendingScore": "trending_score",
    "usedStorage": "used_storage",
    "mainSize": "main_size",
    "createdAt": "created_at",
    "lastModified": "last_modified",
    "pipeline_tag": "category",
    "library_name": "library",
}
# Scores are summed in rounded millionths.
_MILLION = 1_000_000
# Differences in a description, at most; the metadata has all.
_MOST_NAMED = 12


class _Number(NamedTuple):
    """A number of the file and of the table.

    Args:
        words: its name.
        file: the count in the file.
        table: the count in the table.
        low: the least that the table may have: of two rows with the same id it keeps one.
        high: the most; None if the file has values that could not be counted.
        left_out: the most that may be missing for reasons that the run reported.
    """

    words: str
    file: int
    table: int
    low: int
    high: int | None
    left_out: int

    @property
    def agrees(self) -> bool:
        """Whether the table has what the file has."""
        return self.low <= self.table and (self.high is None or self.table <= self.high)

    @property
    def reported(self) -> bool:
        """Whether the table lacks no more than the run reported as left out."""
        return self.low - self.left_out <= self.table < self.low

    def __str__(self) -> str:
        return f"{self.words}: {self.file:,} in the file, {self.table:,} in the table"


def reconciled(stored: StoredTable, capture: Capture | None) -> RuleResult:
    """The table has what the recorded file has: rows, tags, licences, sums of counters.

    An unreported loss or change is an error. A loss that the run reported is a warning, and so are
    values that could not be counted.

    Args:
        stored: `models`, `enriched_spaces` or `hub_datasets` of a day.
        capture: of that day, the source of the table.
    """
    try:
        return _result(stored, capture)
    # Any file, or a capture of another version: a check must give a result.
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001
        why = f"{type(error).__name__}: {error}"[:300]
        text = f"The file and the table could not be compared ({why}): compare them by hand."
        return RuleResult(False, text, {"compared": False}, severity="WARN")


def _result(stored: StoredTable, capture: Capture | None) -> RuleResult:
    reason = _incomparable(stored, capture)
    if reason or capture is None:
        return RuleResult(True, reason or "", {"compared": False})
    counts = capture.counted
    if "uncounted" in counts:
        text = f"The file could not be counted ({counts['uncounted']}): compare it by hand."
        return RuleResult(False, text, {"compared": False}, severity="WARN")
    table = _table_numbers(stored, counts["fields"])
    cleaning = CleaningCounts.read(stored.notes)
    numbers = [*_numbers(stored, capture, cleaning, table)]
    differences = [number for number in numbers if not number.agrees]
    findings = [*map(str, differences), *_remarks(counts, table, cleaning)]
    metadata = {
        "compared": True,
        "numbers compared": len(numbers),
        "numbers that differ": len(differences),
    }
    for number in [numbers[0], *differences]:
        metadata |= {
            f"{number.words}, file": number.file,
            f"{number.words}, table": number.table,
        }
    if not findings:
        text = f"{stored.rows:,} rows and {len(numbers)} numbers agree."
        return RuleResult(True, text, metadata)
    more = [f"and {len(findings) - _MOST_NAMED} more"] if len(findings) > _MOST_NAMED else []
    unreported = any(not number.reported for number in differences)
    return RuleResult(
        False,
        "; ".join([*findings[:_MOST_NAMED], *more]) + ".",
        metadata,
        severity="ERROR" if unreported else "WARN",
    )


def _incomparable(stored: StoredTable, capture: Capture | None) -> str | None:
    """Why there is nothing to compare; None if there is."""
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


def _numbers(
    stored: StoredTable, capture: Capture, cleaning: CleaningCounts, table: Mapping[str, int]
) -> Iterator[_Number]:
    """Each number of the file with the table's; the rows first."""
    counts = capture.counted
    fields, distinct = counts["fields"], counts["distinct"]
    # Rows without a name belong in quarantine; any others there are missing from the table.
    quarantined = max(0, cleaning.quarantined - counts["unnamed"])
    yield _Number("rows", distinct, stored.rows, distinct, distinct, quarantined)
    # Of duplicates, and of rows in quarantine, any may be the row that the table lacks.
    missing = counts["rows"] - distinct + quarantined
    unread = capture.unread
    for (field, measure), (words, _) in _measured(fields).items():
        file, source = fields[field][measure], "tags" if field == "bases" else field
        cells = fields.get(source, {})
        most = cells["largest"] if measure in ("sum", "items") else 1
        unclear = cells.get("invalid", 0)
        high = None if unclear and measure in ("sum", "items") else file + unclear
        sources = WEIGHTS if field == "parameters" else (source,)
        coerced = sum(cleaning.coerced_fields.get(name, 0) for name in sources)
        columns = {column for name in sources for column in counts["columns"].get(name, [name])}
        left_out = file if columns & set(unread) else most * coerced
        value = table[f"{field}:{measure}"]
        yield _Number(words, file, value, file - missing * most, high, left_out)


def _remarks(
    counts: Mapping[str, Any], table: Mapping[str, int], cleaning: CleaningCounts
) -> Iterator[str]:
    """Remarks on suspicious values for which no number differs."""
    for field, cells in counts["fields"].items():
        values, invalid = cells.get("values", 0), cells.get("invalid", 0)
        stored = table.get(f"{field}:values", 0) or table.get(f"{field}:rows", 0)
        if invalid and not values and not stored:
            yield f"{field} could not be counted: none of its {invalid:,} values is clear"
        if cells.get("cut_off"):
            yield f"{field} of {cells['cut_off']:,} rows are cut off in the file"
        coerced = cleaning.coerced_fields.get(field, 0)
        # The loss of valid values shows in the numbers.
        if field in (*COUNTERS, *TIMES) and coerced > invalid and stored >= values:
            yield f"{coerced:,} {field} are named as invalid, and the file has {invalid:,}"
    if counts["repeated"] is False and counts["columns"].get("day", [""])[0].lower() != "day":
        column = counts["columns"]["day"][0]
        yield f"the column `{column}` was taken for the day, and no id is on two days of the file"


def _measured(fields: Mapping[str, Any]) -> dict[tuple[str, str], tuple[str, pl.Expr]]:
    """The numbers to compare by field and measure: a name, and an expression on the table."""
    every: dict[tuple[str, str], tuple[str, pl.Expr]] = {}
    for field in fields:
        column = pl.col(_COLUMNS.get(field, field))
        present = column.is_not_null()
        if field in (*COUNTERS, "parameters"):
            amount = (column * _MILLION).round() if field == "trendingScore" else column
            unit = " in millionths" if field == "trendingScore" else ""
            # The counts of the file skip infinite scores, too.
            total = amount.cast(pl.Int64, strict=False).cast(pl.Int128).sum()
            every[field, "sum"] = f"sum of {field}{unit}", total
        if field in LISTS:
            every[field, "rows"] = f"rows with {field}", (column.list.len() > 0).sum()
            every[field, "items"] = f"{field} in all", column.list.len().cast(pl.Int64).sum()
        elif field != "bases":
            if field in WORDS:
                present &= ~column.str.to_lowercase().is_in(NOTHING)
            every[field, "values"] = f"rows with {field}", present.sum()
    for flag in ("private", "disabled"):
        if flag in fields:
            every[flag, "true"] = f"{flag} rows", pl.col(flag).sum()
    if "tags" in fields:
        every["tags", "licences"] = "rows with a licence", pl.col("license").is_not_null().sum()
    if "bases" in fields:
        based = (pl.col("base_models").list.len() > 0).sum()
        every["bases", "rows"] = "rows with a base model", based
    return every


def _table_numbers(stored: StoredTable, fields: Mapping[str, Any]) -> dict[str, int]:
    """The numbers of the table, in a single query."""
    exprs = {
        f"{field}:{measure}": expr for (field, measure), (_, expr) in _measured(fields).items()
    }
    row = stored.frame.select(**exprs).collect().row(0, named=True) if exprs else {}
    return {name: int(value or 0) for name, value in row.items()}
