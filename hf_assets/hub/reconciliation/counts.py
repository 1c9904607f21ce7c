"""Counts of a recorded file by day, in a single pass; the manifest stores them as `counted`."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import polars as pl

from hf_assets.hub.archive.base import NAMED
from hf_assets.hub.archive.values import FIRST_SECOND, LAST_SECOND, UNITS
from hf_assets.hub.client.wire import Kind
from hf_assets.hub.reconciliation.cells import has_text, numbers
from hf_assets.hub.reconciliation.files import Columns, frames

# Cached files: a file of many days is read once for all days.
_REMEMBERED = 8
# Columns to name for each field, at most.
_NAMED_COLUMNS = 8
_ALONE = Lock()

Counts = dict[str, Any]
_NO_ROWS: Counts = {
    "rows": 0,
    "unnamed": 0,
    "distinct": 0,
    "columns": {},
    "repeated": None,
    "fields": {},
}


def counted(path: Path, kind: Kind, day: str, *, many: bool) -> Counts:
    """The counts of a day in a file: rows, distinct ids, and by field the sums of its values.

    A file that cannot be counted has the reason under `uncounted`; this raises no error.

    Args:
        path: of the recorded file.
        kind: "models", "spaces" or "datasets".
        day: of the rows to count.
        many: the file has a column of days; else all its rows are of that day.
    """
    try:
        status = path.stat()
        with _ALONE:
            days = _by_day(path, kind, many, status.st_size, status.st_mtime_ns)
    # Any content, and any error of a reader: the capture of the day must not fail for it.
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001
        return {"uncounted": f"{type(error).__name__}: {error}"[:300]}
    nothing = {"uncounted": "the file has no row of that day"}
    return days.get(day if many else "", nothing if many else dict(_NO_ROWS))


@lru_cache(_REMEMBERED)
def _by_day(path: Path, kind: Kind, many: bool, size: int, changed: int) -> Mapping[str, Counts]:
    """The counts of each day; those of a file of one day under "".

    Args:
        path: of the file.
        kind: "models", "spaces" or "datasets".
        many: it has a column of days.
        size: of the file, for the cache.
        changed: time of the last change, for the cache.
    """
    del size, changed
    sums: list[pl.DataFrame] = []
    ids: list[pl.DataFrame] = []
    columns: dict[str, list[str]] = {}
    for raw, of_frame in frames(path, kind):
        for field, names in of_frame.items():
            columns[field] = [*dict.fromkeys([*columns.get(field, []), *names])]
        added, keys = _counted(raw, of_frame, kind, many=many)
        sums.append(added)
        ids.append(keys)
    if not sums:
        return {}
    each_day = sums[0]
    if len(sums) > 1:
        every = pl.concat(sums, how="diagonal_relaxed")
        each_day = every.group_by("day").agg(_added_up(every.columns))
    distinct = dict(pl.concat(ids).group_by("day").agg(pl.col("key").n_unique()).iter_rows())
    repeated = _on_several_days(pl.concat(ids)) if many else None
    return {
        row["day"]: _plain(row, distinct.get(row["day"], 0), columns, repeated)
        for row in each_day.iter_rows(named=True)
        if row["day"] is not None
    }


def _counted(
    frame: pl.DataFrame, columns: Columns, kind: Kind, *, many: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The sums of some rows by day; and day and key of each row with a name."""
    fields = {
        field: _first_of(frame, names)
        for field, names in columns.items()
        if field not in ("_id", "id", "day")
    }
    name = _texts(frame, columns, "id")
    rows = frame.select(
        **fields,
        day=_day(_texts(frame, columns, "day")) if many else pl.lit(""),
        named=name.is_not_null(),
        # `_id` keeps two models apart that changed names; without it the name does.
        key=pl.coalesce(_texts(frame, columns, "_id"), NAMED + name).hash(),
    )
    unnamed = rows.group_by("day").agg(unnamed=(~pl.col("named")).sum().cast(pl.Int128))
    # A row without a name cannot be in the table, and does not count.
    rows = rows.filter("named")
    added = rows.select("day", rows=pl.repeat(1, pl.len()))
    if fields:
        added = added.hstack(numbers(rows.select(*fields), kind))
    sums = unnamed.join(added.group_by("day").agg(_added_up(added.columns)), on="day", how="left")
    return sums, rows.select("day", "key")


def _first_of(frame: pl.DataFrame, names: list[str]) -> pl.Expr:
    """The first column with a value; columns of several types as texts."""
    types = [frame.schema[name] for name in names]
    if len(set(types)) == 1:
        return pl.coalesce(names)
    if not all(map(has_text, types)):
        return pl.col(names[0])
    return pl.coalesce(pl.col(name).cast(pl.String, strict=False) for name in names)


def _texts(frame: pl.DataFrame, columns: Columns, field: str) -> pl.Expr:
    names = [name for name in columns.get(field, []) if has_text(frame.schema[name])]
    if not names:
        return pl.lit(None, pl.String)
    text = _first_of(frame, names).cast(pl.String, strict=False).str.strip_chars()
    return pl.when(text != "").then(text)


def _day(text: pl.Expr) -> pl.Expr:
    """The day at the start of a text, or of a number since 1970 in any unit."""
    number = text.cast(pl.Float64, strict=False)
    seconds = pl.coalesce(
        pl.when(number.is_between(FIRST_SECOND * unit, LAST_SECOND * unit, closed="left")).then(
            (number / unit).floor().cast(pl.Int64, strict=False)
        )
        for unit in UNITS
    )
    return pl.coalesce(pl.from_epoch(seconds).dt.strftime("%Y-%m-%d"), text.str.slice(0, 10))


def _added_up(names: list[str]) -> list[pl.Expr]:
    """Sums, and the maximum of `largest`."""
    return [
        (pl.col(name).max() if name.endswith(":largest") else pl.col(name).cast(pl.Int128).sum())
        for name in names
        if name != "day"
    ]


def _on_several_days(ids: pl.DataFrame) -> bool | None:
    """Whether an id is on more than one day; None for a file of one day."""
    if ids["day"].n_unique() < 2:
        return None
    return ids["key"].n_unique() < ids.unique().height


def _plain(
    row: Mapping[str, Any], distinct: int, columns: Columns, repeated: bool | None
) -> Counts:
    fields: dict[str, dict[str, Any]] = {}
    for name, value in row.items():
        field, _, measure = name.partition(":")
        if measure:
            fields.setdefault(field, {})[measure] = int(value or 0)
    return {
        "rows": int(row["rows"] or 0),
        "unnamed": int(row["unnamed"]),
        "distinct": distinct,
        "columns": {field: names[:_NAMED_COLUMNS] for field, names in columns.items()},
        "repeated": repeated,
        "fields": fields,
    }
