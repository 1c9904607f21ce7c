"""Files of Spaces as somebody recorded them: counts and sizes, without trees.

A CSV (or Parquet) file with a row a Space, in a folder of recorded days: its name has `space-files`
(or `space_files`) and its day. Columns: `name` (or `id`, `space`), `n_files`, `size` in bytes (or
`bytes`; `size_kib` in KiB), and, if it says so, `category` (or `tag`) of the models used.
"""

from pathlib import Path

import polars as pl

from hf_assets.hub.archive.base import NAMED, ArchiveError, named_failures, unpacked
from hf_assets.hub.space_code.records import TreeCounts
from hf_assets.hub.space_code.schemas import RAW_SPACE_TREES
from hf_assets.storage.lake import TableWrite, iso

# What the recordings' own scraper gave up on.
MOST_FILES = 1000
_NAMES = ("name", "id", "space")
_SIZES = {"size": 1, "bytes": 1, "size_kib": 1024}
_TAGS = ("category", "tag")


def recorded_files(path: Path, name: str, day: str) -> TableWrite:
    """A recording as a day of `raw_space_trees`.

    A null has its reason: over 1 000 files, a failure (neither count nor size), or none recorded.

    Args:
        path: the file.
        name: for messages and provenance.
        day: the partition key.

    Raises:
        ArchiveError: it has no such columns, or a cell that is no number.
    """
    with named_failures(name):
        rows = _rows(_read(path))
    frame = _reasoned(rows).with_columns(
        day=pl.lit(iso(day)), hub_id=NAMED + pl.col("id"), packages_reason=pl.lit("not recorded")
    )
    missing = [column for column in RAW_SPACE_TREES.columns if column not in frame.columns]
    frame = frame.with_columns(
        pl.lit(None, RAW_SPACE_TREES.schema[column]).alias(column) for column in missing
    )
    counts = TreeCounts(rows=frame.height)
    for reason in frame["reason"]:
        counts.count(reason, 0, asked_today=False)
    facts = {"source": "folder", "file": name, "identity": "name"}
    return TableWrite([frame], provenance={"raw_space_trees": facts}, record=counts)


def _read(path: Path) -> pl.DataFrame:
    if path.name.lower().endswith(".parquet"):
        return pl.read_parquet(path)
    with unpacked(path) as content:
        return pl.read_csv(content.read(), infer_schema=False)


def _rows(frame: pl.DataFrame) -> pl.DataFrame:
    """id, n_files, bytes and tags of each Space, once; the first row of a Space counts."""
    by_name = {column.strip().lower(): column for column in frame.columns}
    name = next((by_name[one] for one in _NAMES if one in by_name), None)
    size = next((one for one in _SIZES if one in by_name), None)
    if name is None or (size is None and "n_files" not in by_name):
        raise ArchiveError(
            f"it has columns {', '.join(frame.columns)}: a recording of Spaces' files has name (or "
            "id, space), and n_files or size (bytes, size_kib)"
        )
    counts = {"n_files": _number(by_name.get("n_files"), 1)}
    counts["bytes"] = _number(by_name[size] if size else None, _SIZES[size] if size else 1)
    tag = next((by_name[one] for one in _TAGS if one in by_name), None)
    rows = frame.select(
        id=pl.col(name).cast(pl.String).str.strip_chars(),
        tag=pl.col(tag).cast(pl.String) if tag else pl.lit(None, pl.String),
        **counts,
    )
    if unnamed := rows.filter(pl.col("id").is_null() | (pl.col("id") == "")).height:
        raise ArchiveError(f"{unnamed:,} rows have no name of a Space")
    return rows.group_by("id", maintain_order=True).agg(
        pl.col("n_files", "bytes").first(),
        tags=pl.col("tag").drop_nulls().unique(maintain_order=True),
    ).with_columns(tags=pl.col("tags") if tag else None)  # fmt: skip


def _number(column: str | None, unit: int) -> pl.Expr:
    """Whole numbers of a column, as 4 or 4.0; null for an empty cell."""
    if column is None:
        return pl.lit(None, pl.Int64)
    text = pl.col(column).cast(pl.String).str.strip_chars()
    number = pl.when(text != "").then(text).cast(pl.Float64)
    return (number * unit).round().cast(pl.Int64)


def _reasoned(rows: pl.DataFrame) -> pl.DataFrame:
    n_files, size = pl.col("n_files"), pl.col("bytes")
    reason = (
        pl.when(size.is_not_null() & n_files.is_not_null())
        .then(None)
        .when(n_files > MOST_FILES)
        .then(pl.lit("too many files"))
        .when(n_files.is_null() & size.is_null())
        .then(pl.lit("failed"))
        .otherwise(pl.lit("not recorded"))
    )
    return rows.with_columns(reason=reason)
